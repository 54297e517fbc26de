import { HELD, HIGH, REFUSED, SBDF, SEQUENCE, STRADDLE, TABLE_LOW, VECTOR } from '../../assembly/layout.js';
import { addressOf, ones, UNCLAIMED, type Width } from '../access.js';
import type { DiagnosticCode } from '../diagnostics.js';
import type { AttachedPages } from './attached-pages.js';
import type { Caller } from './caller.js';
import { type SharedAccessDomain, SharedCompletion } from './completion.js';

/**
 * In another worker than the one that made the dispatcher: pages of the host are this worker's own, and the rest is
 * asked for when it holds no lock.
 */
export class AttachedCompletion extends SharedCompletion {
  declare readonly domain: SharedAccessDomain & { readonly pageList: AttachedPages };
  private readonly caller: Caller;

  constructor(domain: SharedAccessDomain & { readonly pageList: AttachedPages }, caller: Caller) {
    super(domain);
    this.caller = caller;
  }

  override read(outcome: number, low: number, high: number, width: Width): number {
    if (this.isHere(outcome)) return super.read(outcome, low, high, width);
    const address = addressOf(low, high);
    const { cells } = this.domain.core;
    const asked = this.mayAsk(outcome, 'map-failed-read', address);
    const value = asked ? this.ask('read', [address, width]) : UNCLAIMED;
    const lost = value === UNCLAIMED;
    if (width === 8) cells[HIGH / 4] = lost ? 0xffffffff : this.caller.high;
    return lost ? ones(width) | 0 : value | 0;
  }

  override write(
    outcome: number,
    low: number,
    high: number,
    width: Width,
    data: number,
    dataHigh: number,
  ): void {
    const address = addressOf(low, high);
    if ((outcome & 0xff) === VECTOR) this.maskHasChanged(low);
    else if (this.isHere(outcome)) super.write(outcome, low, high, width, data, dataHigh);
    else if (this.mayAsk(outcome, 'map-failed-write', address)) {
      this.ask('write', [address, width, data >>> 0, dataHigh >>> 0]);
    }
  }

  private ask(operation: 'read' | 'write', values: readonly number[]): number {
    return this.caller.ask({ operation, record: 0, sequence: 0, values });
  }

  /** The host hears of it in the dispatcher's worker, and before the outermost access returns. */
  private maskHasChanged(low: number): void {
    const { core } = this.domain;
    const record = core.cells[HELD / 4];
    const vector = ((low - core.word(record + TABLE_LOW)) | 0) >>> 4;
    const sequence = core.word(record + SEQUENCE);
    this.leave();
    try {
      this.caller.askOrQueue({ operation: 'vector', record, sequence, values: [vector] });
    } catch (error) {
      // Too much is queued.
      this.domain.failed(core.word(record + SBDF), error);
    }
  }

  /** This worker finishes the outcome: all bytes are of one page that it may have. */
  private isHere(outcome: number): boolean {
    const how = outcome & 0xff;
    return how !== STRADDLE && how !== REFUSED && this.domain.pageList.find(outcome >>> 8) !== undefined;
  }

  /**
   * Gives the lock back. False, and reported: the access is refused, or this worker is inside another one and may have its
   * locks.
   */
  private mayAsk(outcome: number, failure: DiagnosticCode, address: number): boolean {
    const { core, diagnostics, pageList } = this.domain;
    const refused = (outcome & 0xff) === REFUSED;
    const asks = !refused && core.underway === 0;
    if (!asks) diagnostics.report(refused ? 'bad-size' : failure, pageList.sbdfOf(outcome >>> 8), address);
    this.leave();
    return asks;
  }

  private leave(): void {
    const { core } = this.domain;
    const held = core.cells[HELD / 4];
    if (held !== 0) core.exports.release(held);
  }
}
