import { BLOCK_SIZE, ENTERED, MOST_WORKERS, OUTSIDE, SERIAL, WORKERS } from '../../assembly/layout.js';
import { TraplineError } from '../errors.js';
import type { OwningCore } from './core.js';

/** A worker's number, where its block is, and what tells it from those who had both before. */
export interface Place {
  readonly worker: number;
  readonly block: number;
  readonly serial: number;
}

/** The workers that have an instance of the core, by their numbers. See assembly/layout.ts. */
export class Workers {
  private readonly core: OwningCore;
  private readonly places: (Place | undefined)[] = [];
  private serials = 0;

  constructor(core: OwningCore) {
    this.core = core;
  }

  /** Throws `busy`, `out-of-memory`. */
  add(): Place {
    const { core, places } = this;
    const free = places.indexOf(undefined);
    const worker = free < 0 ? places.length : free;
    if (worker >= MOST_WORKERS) {
      throw new TraplineError('busy', `share: ${MOST_WORKERS} workers have a place, which is the most`);
    }
    const block = core.allocate(BLOCK_SIZE);
    core.bytes.fill(0, block, block + BLOCK_SIZE);
    const place = { worker, block, serial: ++this.serials };
    core.words[(block + SERIAL) / 4] = place.serial;
    places[worker] = place;
    core.publish(WORKERS / 4 + worker, block);
    return place;
  }

  /** All but the one that made the dispatcher. */
  get attached(): Place[] {
    return this.places.filter((place) => place !== undefined && place.worker > 0) as Place[];
  }

  /** The number is free. Somebody may still follow it to the block. */
  remove({ worker, block }: Place): void {
    this.places[worker] = undefined;
    this.core.release(block, BLOCK_SIZE);
  }

  /** True where each has passed an entry at this EPOCH or later, or has nothing in hand. */
  havePassed(stamp: number): boolean {
    return this.places.every((place) => {
      if (place === undefined) return true;
      const entered = Atomics.load(this.core.words, (place.block + ENTERED) / 4);
      return entered === OUTSIDE || ((entered - stamp) | 0) >= 0;
    });
  }
}
