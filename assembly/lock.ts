import { cells } from './cells';
import { DEPTH, HOLDER, MOST_WORKERS, WAITED, WAITS, WORKERS } from './layout';

// The lock of a function, in its record. The shared build's only: nothing of this is in the other one.

/** Turns that a worker waits for a lock before it sleeps: handlers are short. */
const SPINS: u32 = 200;

/** This worker's number + 1. */
let holder: u32 = 0;

export function holdAs(worker: u32): void {
  holder = worker + 1;
  atomic.store<usize>(WORKERS + 4 * worker, cells());
}

/** Takes a function's lock if it is free. */
export function tryAcquire(record: usize): bool {
  return atomic.cmpxchg<u32>(record, 0, holder, HOLDER) === 0;
}

/**
 * Takes it: once more where this worker has it, else as soon as nobody does. False: those who would have to release it wait,
 * one for the other, for this worker.
 */
export function acquire(record: usize): bool {
  return tryAcquire(record) || acquireTaken(record);
}

function acquireTaken(record: usize): bool {
  if ((atomic.load<u32>(record, HOLDER) & ~WAITED) === holder) {
    store<u32>(record, load<u32>(record, DEPTH) + 1, DEPTH);
    return true;
  }
  for (let turn: u32 = 0; turn < SPINS; turn++) {
    if (atomic.load<u32>(record, HOLDER) === 0 && tryAcquire(record)) return true;
  }
  // Said before it is looked for: of a circle the last to say so sees it.
  atomic.store<u32>(cells(), <u32>record, WAITS);
  const acquired = sleepUntilAcquired(record);
  atomic.store<u32>(cells(), 0, WAITS);
  return acquired;
}

function sleepUntilAcquired(record: usize): bool {
  // Marked as waited for by whoever slept: another may sleep still.
  while (atomic.cmpxchg<u32>(record, 0, holder | WAITED, HOLDER) !== 0) {
    const taken = atomic.load<u32>(record, HOLDER);
    if (taken === 0) continue;
    if (closesCircle(record)) {
      // Who was woken took the mark with it: the next one looks for itself.
      atomic.notify(record + HOLDER, 1);
      return false;
    }
    if (atomic.cmpxchg<u32>(record, taken, taken | WAITED, HOLDER) !== taken) continue;
    atomic.wait<i32>(record + HOLDER, taken | WAITED, -1);
  }
  return true;
}

/**
 * From the lock's holder to what it waits for, and so on, back to this worker. One walk may have seen what was no more; as
 * many as workers that all come round have seen it at one time.
 */
function closesCircle(record: usize): bool {
  let walks = 1;
  for (let walk = 0; walk < walks; walk++) {
    let next = record;
    let length = 1;
    for (; length <= MOST_WORKERS; length++) {
      const taken = atomic.load<u32>(next, HOLDER) & ~WAITED;
      if (taken === holder) break;
      if (taken === 0) return false;
      next = atomic.load<u32>(<usize>atomic.load<u32>(WORKERS + 4 * (taken - 1)), WAITS);
      if (next === 0) return false;
    }
    if (length > MOST_WORKERS) return false;
    walks = length;
  }
  return true;
}

/** Gives it back as often as it was taken. */
export function release(record: usize): void {
  const depth = load<u32>(record, DEPTH);
  if (depth !== 0) {
    store<u32>(record, depth - 1, DEPTH);
    return;
  }
  if (atomic.xchg<u32>(record, 0, HOLDER) & WAITED) atomic.notify(record + HOLDER, 1);
}
