import {
  CALL,
  CALLS,
  DEPTH,
  ENTERED,
  FUNCTIONS,
  HOLDER,
  LEFT,
  NEXT,
  NO_CALL,
  OUTSIDE,
  SERIAL,
  WAITED,
  WAITS,
} from '../../assembly/layout.js';
import type { WorkerHandle } from './handle.js';

/**
 * Frees all locks of a worker that has died, or leaves; then says that it has left. What its handlers asked for is done by the
 * dispatcher's worker. Waits for nothing. Nothing for a worker that has left.
 */
export function releaseDead({ memory, worker, block, serial }: WorkerHandle): void {
  const words = new Int32Array(memory.buffer);
  // Once: of two threads the later would free locks of the next worker in the place.
  if (Atomics.compareExchange(words, (block + SERIAL) / 4, serial, 0) !== serial) return;
  Atomics.store(words, (block + CALL) / 4, NO_CALL);
  Atomics.store(words, (block + ENTERED) / 4, OUTSIDE);
  Atomics.store(words, (block + WAITS) / 4, 0);
  freeLocks(words, worker);
  Atomics.store(words, (block + LEFT) / 4, 1);
  Atomics.add(words, CALLS / 4, 1);
  Atomics.notify(words, CALLS / 4);
}

/** Of a worker that is in no access. */
export function freeLocks(words: Int32Array, worker: number): void {
  for (let record = Atomics.load(words, FUNCTIONS / 4); record !== 0; record = words[(record + NEXT) / 4]) {
    const holder = (record + HOLDER) / 4;
    if ((Atomics.load(words, holder) & ~WAITED) === worker + 1) {
      words[(record + DEPTH) / 4] = 0;
      Atomics.store(words, holder, 0);
    }
    // Also where it freed the lock and woke nobody, or was woken and did not look.
    Atomics.notify(words, holder);
  }
}
