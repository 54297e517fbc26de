import type { ByteOwner } from '../straddle.js';
import { SharedCompletion } from './completion.js';
import type { SharedDomain } from './domain.js';

/** In the worker that made the dispatcher: it also finishes what has bytes of several functions. */
export class OwningCompletion extends SharedCompletion {
  declare readonly domain: SharedDomain;

  protected override readByte(owner: ByteOwner, address: number): number {
    return this.locked(owner, () => super.readByte(owner, address)) ?? 0xff;
  }

  protected override writeByte(owner: ByteOwner, address: number, byte: number): void {
    this.locked(owner, () => super.writeByte(owner, address, byte));
  }

  /** A byte under the lock of its own function. Undefined: its page is another's now, or its holder waits for this worker. */
  private locked<Result>(owner: ByteOwner, work: () => Result): Result | undefined {
    if (owner.kind !== 'forward') return work();
    const { core, pageList } = this.domain;
    const { page } = owner;
    const record = core.records.ofPage(page.id);
    if (core.exports.acquire(record) === 0) return undefined;
    try {
      return pageList.pages[page.id] === page ? work() : undefined;
    } finally {
      core.exports.release(record);
    }
  }
}
