import { HELD, HIGH, REFUSED, SEQUENCE, STRADDLE, TABLE_LOW, VECTOR } from '../../assembly/layout.js';
import { addressOf, ones, UNCLAIMED, type Width } from '../access.js';
import type { DiagnosticCode } from '../diagnostics.js';
import type { MappedPage } from '../memory/mapped-page.js';
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
    if (this.isHere(outcome)) super.write(outcome, low, high, width, data, dataHigh);
    else if (this.mayAsk(outcome, 'map-failed-write', address)) {
      this.ask('write', [address, width, data >>> 0, dataHigh >>> 0]);
    }
  }

  private ask(operation: 'read' | 'write', values: readonly number[]): number {
    return this.caller.ask({ operation, record: 0, sequence: 0, values });
  }

  /** The host hears of it in the dispatcher's worker, when this access has ended and before it returns. */
  protected override maskChanged(_page: MappedPage, low: number): void {
    const { core } = this.domain;
    const record = core.cells[HELD / 4];
    const vector = ((low - core.word(record + TABLE_LOW)) | 0) >>> 4;
    const sequence = core.word(record + SEQUENCE);
    this.caller.askOrQueue({ operation: 'vector', record, sequence, values: [vector] });
  }

  /** This worker finishes the outcome: all bytes are of one page that it may have. */
  private isHere(outcome: number): boolean {
    const how = outcome & 0xff;
    if (how === STRADDLE) return false;
    const page = this.domain.pageList.find(outcome >>> 8);
    return page !== undefined || how === REFUSED || how === VECTOR;
  }

  /** Gives the lock back. False inside an access, where this worker has other locks: that is reported. */
  private mayAsk(outcome: number, failure: DiagnosticCode, address: number): boolean {
    const { core, diagnostics, pageList } = this.domain;
    const held = core.cells[HELD / 4];
    if (held !== 0) core.exports.release(held);
    if (core.underway === 0) return true;
    diagnostics.report(failure, pageList.sbdfOf(outcome >>> 8), address);
    return false;
  }
}
