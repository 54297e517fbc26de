import { DEPTH, HELD } from '../../assembly/layout.js';
import type { Width } from '../access.js';
import { Completion } from '../completion.js';
import type { ByteOwner } from '../straddle.js';
import type { SharedDomain } from './domain.js';

/** Finishes accesses whose function's lock the core left held, and releases it, whatever happens meanwhile. */
export class SharedCompletion extends Completion {
  declare protected readonly domain: SharedDomain;

  override read(outcome: number, low: number, high: number, width: Width): number {
    const { core } = this.domain;
    const { underway } = core;
    const held = core.cells[HELD / 4];
    const depth = core.words[(held + DEPTH) / 4];
    core.underway = underway + 1;
    try {
      return super.read(outcome, low, high, width);
    } finally {
      this.end(held, depth, underway);
    }
  }

  override write(
    outcome: number,
    low: number,
    high: number,
    width: Width,
    data: number,
    dataHigh: number,
  ): void {
    const { core } = this.domain;
    const { underway } = core;
    const held = core.cells[HELD / 4];
    const depth = core.words[(held + DEPTH) / 4];
    core.underway = underway + 1;
    try {
      super.write(outcome, low, high, width, data, dataHigh);
    } finally {
      this.end(held, depth, underway);
    }
  }

  protected override readByte(owner: ByteOwner, address: number): number {
    return this.locked(owner, () => super.readByte(owner, address)) ?? 0xff;
  }

  protected override writeByte(owner: ByteOwner, address: number, byte: number): void {
    this.locked(owner, () => super.writeByte(owner, address, byte));
  }

  /** `depth`: as it was when the access had the lock, which accesses that it made and that failed may have left higher. */
  private end(held: number, depth: number, underway: number): void {
    const { domain } = this;
    const { core } = domain;
    if (held !== 0) {
      core.words[(held + DEPTH) / 4] = depth;
      core.exports.release(held);
    }
    core.underway = underway;
    if (underway === 0) domain.accessEnded();
  }

  /** A byte of an access to several functions, under the lock of its own. Undefined: its page is another's now. */
  private locked<Result>(owner: ByteOwner, work: () => Result): Result | undefined {
    if (owner.kind !== 'forward') return work();
    const { core, pageList } = this.domain;
    const { page } = owner;
    const record = core.records.ofPage(page.id);
    // In a circle of waiting the byte is answered as a page that is not there.
    if (core.exports.acquire(record) === 0) return undefined;
    try {
      return pageList.pages[page.id] === page ? work() : undefined;
    } finally {
      core.exports.release(record);
    }
  }
}
