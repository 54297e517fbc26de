import { Worker } from 'node:worker_threads';
import { createDispatcher } from 'trapline/shared';
import { median } from './median.js';
import { describeFunction, mapPage, program } from './topology.js';

/** What two threads do: a function each, the same one, or nothing that they could share. */
export type Work = 'two functions' | 'one function' | 'arithmetic';

/** Millions of accesses, or of turns, a second. */
export type WorkersSpeed = readonly {
  readonly work: Work;
  /** Of one worker; of arithmetic, of one thread. */
  readonly one: number;
  /** Of both together. */
  readonly two: number;
  /** The median of the rounds' ratios. */
  readonly ratio: number;
}[];

/** Words between the workers: a worker runs while the first is its bit, and counts in a word of its own cache line. */
export const GO = 0;
export const COUNTS = 16;

const WORKS: readonly Work[] = ['arithmetic', 'two functions', 'one function'];

/** In each round one worker, the other, and both, for `window` milliseconds each, one work after the other. */
export async function measureWorkers(rounds: number, window: number): Promise<WorkersSpeed> {
  const dispatcher = createDispatcher({ shared: true, host: { mapPage } });
  for (let index = 0; index < 2; index++) dispatcher.assign(describeFunction(index));
  program(dispatcher, 2);
  const flags = new Int32Array(new SharedArrayBuffer(4 * 64));
  const workers = await Promise.all(
    [0, 1].map(async (index) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: { handle: dispatcher.share(), flags, index },
      });
      await new Promise((resolve) => worker.once('message', resolve));
      return worker;
    }),
  );
  const run = async (work: Work, running: number): Promise<number> => {
    for (const index of [0, 1]) Atomics.store(flags, COUNTS * (index + 1), 0);
    Atomics.store(flags, GO, running | (WORKS.indexOf(work) << 2));
    Atomics.notify(flags, GO);
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, window));
    Atomics.store(flags, GO, 0);
    const counted = [0, 1].map((index) => Atomics.load(flags, COUNTS * (index + 1)));
    return (counted[0] + counted[1]) / (performance.now() - start) / 1000;
  };
  for (const work of WORKS) for (const running of [1, 2, 3, 3]) await run(work, running);
  const measured = new Map(WORKS.map((work) => [work, [] as { one: number; two: number }[]]));
  for (let round = 0; round < rounds; round++) {
    for (const work of WORKS) {
      const [first, second, two] = [await run(work, 1), await run(work, 2), await run(work, 3)];
      measured.get(work)?.push({ one: (first + second) / 2, two });
    }
  }
  for (const worker of workers) await worker.terminate();
  return [...measured].map(([work, all]) => ({
    work,
    one: median(all.map(({ one }) => one)),
    two: median(all.map(({ two }) => two)),
    ratio: median(all.map(({ one, two }) => two / one)),
  }));
}
