import { Bench } from 'tinybench';
import { median, quantile } from './median.js';
import type { Key, Row } from './row.js';

export interface Variant {
  readonly key: Key;
  /** Accesses of one sample. */
  readonly accesses: number;
  /** Before each burst, not measured. */
  prepare?(): void;
  /** Makes that many accesses, or fewer. */
  run(accesses: number): unknown;
}

export interface Effort {
  readonly rounds: number;
  /** Milliseconds that each variant runs in a round. */
  readonly burst: number;
  /** The canary of the quietest process so far. */
  readonly quiet?: number;
  /** And that of the native program in it. */
  readonly quietNative?: number;
}

export interface Measured extends Key, Pick<Row, 'ns' | 'samples' | 'dropped'> {}

export interface Measurement {
  /** Milliseconds of the canary in the quiet quarter of this process's bursts. */
  readonly canary: number;
  /** Of the native program, which has a canary of its own. */
  readonly nativeCanary?: number;
  /** In the order of the variants. */
  readonly measured: readonly Measured[];
}

export interface Burst {
  readonly canary: number;
  readonly samples: readonly number[];
}

/** A burst, and a process, counts when the canary around it ran at most this much slower than in a quiet time. */
export const SLOW = 1.1;
/** Before it is compiled the canary tells nothing. */
const CANARY_RUNS = 100;
/** For the JITs: what a later variant does may throw away code made for an earlier one. */
const WARM_UP_PASSES = 4;
/** In a pass a variant runs at least this often, and for this many bursts. */
const WARM_UP_RUNS = 8;
const WARM_UP_BURSTS = 3;
/** Short runs: V8 optimises a function when it is called, and patches a long loop only now and then. */
const WARM_UP_ACCESSES = 1024;

/**
 * Interleaves the variants: in each round each runs for `burst` milliseconds, between two runs of a loop that always
 * costs the same.
 */
export function measure(variants: readonly Variant[], { rounds, burst, quiet }: Effort): Measurement {
  const bench = new Bench({
    now: cpuTime,
    subtractTimerOverhead: true,
    warmup: false,
    iterations: 1,
    time: burst,
    retainSamples: true,
    throws: true,
  });
  const bursts = variants.map((): Burst[] => []);
  variants.forEach(({ run, accesses }, index) => {
    bench.add(String(index), () => run(accesses));
  });
  for (let run = 0; run < CANARY_RUNS; run++) canary();
  for (let pass = 0; pass < WARM_UP_PASSES; pass++) {
    for (const variant of variants) warmUp(variant, WARM_UP_BURSTS * burst);
  }
  for (let round = 0; round < rounds; round++) {
    bench.tasks.forEach((task, index) => {
      const { prepare, run, accesses } = variants[index];
      prepare?.();
      // Fetches what the variant touches into the caches.
      run(accesses);
      const before = canary();
      const { result } = task.runSync();
      const slower = Math.max(before, canary());
      if (result.state === 'completed') {
        bursts[index].push({ canary: slower, samples: result.latency.samples ?? [] });
      }
    });
  }
  return summarise(variants, bursts, quiet);
}

/** Without the bursts in which the canary ran slow. */
export function summarise(
  variants: readonly Pick<Variant, 'key' | 'accesses'>[],
  bursts: readonly (readonly Burst[])[],
  quiet = Infinity,
): Measurement {
  const canaries = bursts.flat().map((one) => one.canary);
  const lowest = quantile(canaries, 0.25);
  const limit = SLOW * Math.min(quiet, lowest);
  const measured = variants.map(({ key, accesses }, index) => {
    const all = bursts[index].flatMap((one) => one.samples);
    const kept = bursts[index].filter((one) => one.canary <= limit).flatMap((one) => one.samples);
    const ns = (median(kept.length > 0 ? kept : all) * 1e6) / accesses;
    return { ...key, ns, samples: kept.length, dropped: all.length - kept.length };
  });
  return { canary: lowest, measured };
}

function warmUp({ prepare, run, accesses }: Variant, milliseconds: number): void {
  prepare?.();
  const end = cpuTime() + milliseconds;
  for (let runs = 0; runs < WARM_UP_RUNS || cpuTime() < end; runs++) {
    run(Math.min(accesses, WARM_UP_ACCESSES));
  }
  run(accesses);
}

/** Milliseconds of this process, not of the clock: what others do on the same core in between does not count. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** About as much as the first-level cache holds. */
const many = Float64Array.from({ length: 4096 }, (_, index) => 7.3 * index);
const few = new Int32Array(1024);

/** Milliseconds of a fixed amount of work. */
function canary(): number {
  const start = cpuTime();
  for (let run = 0; run < 10; run++) work();
  return cpuTime() - start;
}

/**
 * Loads and stores that do not wait for each other, as accesses are: a neighbour on the same core's other thread takes half of
 * what there is of these, which a chain of operations would not feel.
 */
function work(): number {
  let sum = 0;
  for (let index = 0; index < many.length; index++) {
    const place = Math.imul((1.37 * many[index]) | 0, 0x85ebca6b) >>> 22;
    few[place] = index;
    sum = (sum + few[(16 * index) & 1023]) | 0;
  }
  return sum;
}
