import { DEPTH, HOLDER, WAITED } from './layout';

// The lock of a function, in its record. The shared build's only: nothing of this is in the other one.

/** Turns that a worker waits for a lock before it sleeps: handlers are short. */
const SPINS: u32 = 200;

/** This worker's number + 1. */
let holder: u32 = 0;

export function holdAs(worker: u32): void {
  holder = worker + 1;
}

/** Takes a function's lock if it is free. */
export function tryAcquire(record: usize): bool {
  return atomic.cmpxchg<u32>(record, 0, holder, HOLDER) === 0;
}

/** Takes it: once more where this worker has it, else as soon as nobody does. */
export function acquire(record: usize): void {
  if (!tryAcquire(record)) acquireTaken(record);
}

function acquireTaken(record: usize): void {
  if ((atomic.load<u32>(record, HOLDER) & ~WAITED) === holder) {
    store<u32>(record, load<u32>(record, DEPTH) + 1, DEPTH);
    return;
  }
  for (let turn: u32 = 0; turn < SPINS; turn++) {
    if (atomic.load<u32>(record, HOLDER) === 0 && atomic.cmpxchg<u32>(record, 0, holder, HOLDER) === 0)
      return;
  }
  // Marked as waited for by whoever slept: another may sleep still.
  while (atomic.cmpxchg<u32>(record, 0, holder | WAITED, HOLDER) !== 0) {
    const taken = atomic.load<u32>(record, HOLDER);
    if (taken === 0) continue;
    if (atomic.cmpxchg<u32>(record, taken, taken | WAITED, HOLDER) !== taken) continue;
    atomic.wait<i32>(record + HOLDER, taken | WAITED, -1);
  }
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
