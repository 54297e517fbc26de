import { BLOCK_SIZE, ENTERED, MOST_WORKERS, OUTSIDE, WORKERS } from '../../assembly/layout.js';
import { TraplineError } from '../errors.js';
import type { OwningCore } from './core.js';

/** A worker's number and where its block is. */
export interface Place {
  readonly worker: number;
  readonly block: number;
}

/** The workers that have an instance of the core, by their numbers. See assembly/layout.ts. */
export class Workers {
  private readonly core: OwningCore;
  private readonly blocks: (number | undefined)[] = [];

  constructor(core: OwningCore) {
    this.core = core;
  }

  /** Throws `busy`, `out-of-memory`. */
  add(): Place {
    const { core, blocks } = this;
    const free = blocks.indexOf(undefined);
    const worker = free < 0 ? blocks.length : free;
    if (worker >= MOST_WORKERS) {
      throw new TraplineError('busy', `share: ${MOST_WORKERS} workers have a place, which is the most`);
    }
    const block = core.allocate(BLOCK_SIZE);
    core.bytes.fill(0, block, block + BLOCK_SIZE);
    blocks[worker] = block;
    core.publish(WORKERS / 4 + worker, block);
    return { worker, block };
  }

  /** Undefined: nobody has the number. */
  blockOf(worker: number): number | undefined {
    return this.blocks[worker];
  }

  /** All but the one that made the dispatcher. */
  get attached(): Place[] {
    return this.blocks.flatMap((block, worker) => (block && worker > 0 ? [{ worker, block }] : []));
  }

  /** The number is free. Somebody may still follow it to the block. */
  remove(worker: number): void {
    const block = this.blocks[worker];
    if (block === undefined) return;
    this.blocks[worker] = undefined;
    this.core.release(block, BLOCK_SIZE);
  }

  /** True where each has passed an entry at this EPOCH or later, or has nothing in hand. */
  havePassed(stamp: number): boolean {
    return this.blocks.every((block) => {
      if (block === undefined) return true;
      const entered = Atomics.load(this.core.words, (block + ENTERED) / 4);
      return entered === OUTSIDE || ((entered - stamp) | 0) >= 0;
    });
  }
}
