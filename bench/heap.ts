import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { createDispatcher } from 'trapline';
import { loop } from './loop.js';
import { addressOf, describeFunction, mapPage, REGISTERS, TABLE, UNTRAPPED, values } from './topology.js';

/** What 10 million accesses left on the JavaScript heap and made the garbage collector do. */
export interface Growth {
  readonly direction: 'read' | 'write';
  readonly width: number;
  readonly accesses: number;
  /** Bytes of heap more than before; nothing was collected in between when `collections` is 0. */
  readonly bytes: number;
  readonly collections: number;
}

const ACCESSES = 10_000_000;
const RUN = 4096;
/** Flags of the process: a young generation that holds all that could be allocated, so that none of it goes unseen. */
export const HEAP_FLAGS = ['--expose-gc', '--min-semi-space-size=1024', '--max-semi-space-size=1024'];

/** One function below 4 GiB and one far above: table entries, registers beside them, unaligned, unclaimed. */
export async function measureHeap(): Promise<Growth[]> {
  const dispatcher = createDispatcher({ host: { mapPage } });
  const starts = [0xfe000000, addressOf(0)];
  starts.forEach((address, index) => {
    const { bars, ...rest } = describeFunction(index);
    dispatcher.assign({ ...rest, bars: [{ ...bars[0], address }] });
  });
  const addresses = Float64Array.from({ length: RUN }, (_, index) => {
    const start = starts[index % 2];
    const word = 4 * ((index >> 3) % 128);
    return start + [TABLE + word, REGISTERS + word, REGISTERS + word + 1, UNTRAPPED + word][(index >> 1) % 4];
  });
  const data = values();
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });

  const growths: Growth[] = [];
  for (const direction of ['read', 'write'] as const) {
    for (const width of [1, 2, 4]) {
      const body = {
        read: `sum = (sum + subject.read(address, ${width})) | 0;`,
        write: `if (subject.write(address, ${width}, values[index])) sum++;`,
      }[direction];
      const run = loop(`heap ${direction} ${width}`, body, dispatcher, addresses, data);
      for (let pass = 0; pass < 200; pass++) run(RUN);
      await settle();
      globalThis.gc?.();
      await settle();
      collections = 0;
      const before = process.memoryUsage().heapUsed;
      for (let made = 0; made < ACCESSES; made += RUN) run(RUN);
      const bytes = process.memoryUsage().heapUsed - before;
      await settle();
      growths.push({ direction, width, accesses: ACCESSES, bytes, collections });
    }
  }
  observer.disconnect();
  return growths;
}

/** Lets the observer hear of what happened. */
async function settle(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
