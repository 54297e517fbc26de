import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { PciFunction } from '../../src/pci/function.js';
import type { SharedDispatcher, WorkerHandle } from '../../src/shared.js';
import { createDispatcher } from '../../src/shared.js';
import { random } from './stress-random.mjs';

const ACCESSES = Number(process.env.ACCESSES ?? 1_000_000);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`stress: SEED=${SEED} ACCESSES=${ACCESSES}`);

const WORKERS = 3;
const FUNCTIONS = 5;
/** Places are half pages: functions 0 to 2 have one, 3 and 4 a page. */
const HALVES = 8;
const layout = {
  BASE: 0xfe000000,
  HALF: 0x800,
  HALVES,
  FUNCTIONS,
  /** Words of what both sides know: odd while something changes. */
  CHANGES: 0,
  FAILED: 1,
  DONE: 2,
  /** For each function: its pages may be touched, and where it is. */
  ALLOWED: 8,
  PLACE: 16,
  ADJACENT: 0x480,
  /** Word 0 of a table's entries, and the upper half of its page's words, are TAG + the function's index. */
  TAG: 0x100,
  /** Not of a function: ones. */
  GONE: 0xffffffff,
};
const HOST = 0xe0000000;
/** What is on a host page that is not the function's. */
const SCRIBBLE = 0xeeeeeeee;

class Machine {
  readonly truth = new Int32Array(new SharedArrayBuffer(4 * 32));
  /** The host pages of functions that are memory. */
  readonly memories = Array.from({ length: FUNCTIONS }, () => new SharedArrayBuffer(4096));
  readonly dispatcher: SharedDispatcher;
  readonly errors: unknown[] = [];
  changes = 0;
  private readonly next = random(SEED);

  constructor() {
    const { truth, memories } = this;
    this.dispatcher = createDispatcher({
      shared: true,
      host: {
        mapPage: (_, sbdf) => {
          if (truth[layout.ALLOWED + (sbdf >>> 3)] === 0) this.errors.push(`mapPage of ${sbdf}`);
          return new Uint8Array(memories[sbdf >>> 3]);
        },
      },
      onError: (error) => this.errors.push(error),
    });
    // Whoever asks for it, the truth is told before decoding is on and after it is off.
    const domain = Reflect.get(this.dispatcher, 'domain') as SharedDispatcher['domain'];
    const setDecode = domain.setDecode.bind(domain);
    domain.setDecode = (fn, on) => {
      if (fn.decoding === on) return setDecode(fn, on);
      this.begin();
      if (on) this.allow(fn);
      const result = setDecode(fn, on);
      if (!fn.decoding) this.forbid(fn);
      else this.program(fn);
      this.end();
      return result;
    };
    for (let index = 0; index < FUNCTIONS; index++) this.assign(index);
  }

  private begin(): void {
    Atomics.add(this.truth, layout.CHANGES, 1);
  }

  private end(): void {
    Atomics.add(this.truth, layout.CHANGES, 1);
    this.changes++;
  }

  private words(index: number): Int32Array {
    return new Int32Array(this.memories[index]);
  }

  private allow({ sbdf, bars }: PciFunction): void {
    const index = sbdf >>> 3;
    const words = this.words(index);
    for (let word = 0; word < 1024; word++)
      Atomics.store(words, word, (layout.TAG + index) * 0x10000 + 4 * word);
    Atomics.store(this.truth, layout.PLACE + index, (bars[0].address - layout.BASE) / layout.HALF);
    Atomics.store(this.truth, layout.ALLOWED + index, 1);
  }

  private forbid({ sbdf }: PciFunction): void {
    const index = sbdf >>> 3;
    Atomics.store(this.truth, layout.ALLOWED + index, 0);
    const words = this.words(index);
    for (let word = 0; word < 1024; word++) Atomics.store(words, word, SCRIBBLE | 0);
  }

  /** Nobody has written to the page of a function that is off. */
  private expectScribbled(index: number): void {
    if (this.words(index).some((word) => word !== (SCRIBBLE | 0))) {
      this.errors.push(`the page of function ${index} was written while decoding was off`);
    }
  }

  private assign(index: number): void {
    const size = index < 3 ? 0x800 : 0x1000;
    const fn = this.dispatcher.assign({
      sbdf: index << 3,
      bars: [
        { index: 0, type: 'mem32', address: this.place(index), size, hostAddress: HOST + 0x1000 * index },
      ],
      msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x400 } },
    });
    this.forbid(fn as PciFunction);
    fn.setDecode(true);
  }

  /** Word 0 of each entry. */
  private program({ sbdf, bars }: PciFunction): void {
    for (let entry = 0; entry < 4; entry++) {
      this.dispatcher.write(bars[0].address + 16 * entry, 4, layout.TAG + (sbdf >>> 3));
    }
  }

  private place(index: number): number {
    const half = this.next(HALVES);
    return layout.BASE + layout.HALF * (index < 3 ? half : half - (half % 2));
  }

  /** One change of the control path. */
  change(): void {
    const index = this.next(FUNCTIONS);
    const fn = this.dispatcher.find(index << 3) as PciFunction;
    const dice = this.next(20);
    if (dice === 0) {
      this.begin();
      this.dispatcher.deassign(index << 3);
      this.forbid(fn);
      this.end();
      this.assign(index);
      return;
    }
    if (fn.decoding) fn.setDecode(false);
    this.expectScribbled(index);
    if (dice < 10) fn.moveBar(0, this.place(index));
    if (dice < 18) fn.setDecode(true);
    if (dice === 18) fn.writeMessageControl(this.next(0x10000) & 0xc000);
  }
}

/** A worker that hammers; ends with how often each diagnostic occurred there. */
function hammer(machine: Machine, handle: WorkerHandle, accesses: number, seed: number) {
  const { truth, memories } = machine;
  const worker = new Worker(new URL('stress-worker.mjs', import.meta.url), {
    workerData: { handle, truth, memories, accesses, seed, layout },
  });
  const counts = new Promise<Record<string, number> | undefined>((resolve, reject) => {
    worker.on('message', ({ failure, counts }) => (failure ? reject(new Error(failure)) : resolve(counts)));
    worker.on('error', reject);
    worker.on('exit', () => resolve(undefined));
  });
  // Told at the end; until then the others stop.
  counts.catch((error) => {
    machine.errors.push(error);
    truth[layout.FAILED] = 1;
  });
  return { worker, counts };
}

it('no access reaches a page after it was unmapped, whatever changes meanwhile', {
  timeout: 280_000,
}, async () => {
  const machine = new Machine();
  const { dispatcher, truth } = machine;
  const next = random(SEED ^ 0x5bd1e995);
  const ends = Array.from({ length: WORKERS }, (_, index) =>
    hammer(machine, dispatcher.share(), Math.ceil(ACCESSES / WORKERS), SEED + index),
  );
  let running = true;
  const all = Promise.allSettled(ends.map(({ counts }) => counts)).finally(() => {
    running = false;
  });
  let died = 0;
  let mortal: { handle: WorkerHandle; worker: Worker; until: number } | undefined;
  while (running) {
    // Workers ask between two changes.
    await new Promise(setImmediate);
    if (next(4) === 0) await new Promise((resolve) => setTimeout(resolve, next(3)));
    if (mortal && truth[layout.DONE] > mortal.until) {
      await mortal.worker.terminate();
      dispatcher.release(mortal.handle);
      died++;
      mortal = undefined;
    }
    if (!mortal && died < 3) {
      const handle = dispatcher.share();
      const { worker } = hammer(machine, handle, 1e9, SEED + 100 + died);
      mortal = { handle, worker, until: truth[layout.DONE] + ACCESSES / 20 };
    }
    machine.change();
  }
  if (mortal) {
    await mortal.worker.terminate();
    dispatcher.release(mortal.handle);
  }
  const [first] = await all;
  console.log(
    `stress: ${truth[layout.DONE]} accesses, ${machine.changes} changes, ${died} workers died, ${JSON.stringify(first.status === 'fulfilled' ? first.value : first.reason)}`,
  );
  expect(machine.errors).toEqual([]);
  expect(truth[layout.FAILED]).toBe(0);
  expect(truth[layout.DONE]).toBeGreaterThanOrEqual(ACCESSES);
});
