import { Bench } from 'tinybench';
import type { Key, Row } from './row.js';

export interface Variant {
  readonly key: Key;
  /** Accesses of one run. */
  readonly accesses: number;
  /** Before each burst, not measured. */
  prepare?(): void;
  run(): unknown;
}

export interface Measured extends Key, Pick<Row, 'ns' | 'samples' | 'dropped'> {}

interface Burst {
  readonly canary: number;
  readonly samples: readonly number[];
}

/** A burst counts when the canary around it ran at most this much slower than in a good quarter of all bursts. */
const SLOW = 1.1;
/** For the JITs: what a later variant does may throw away code made for an earlier one. */
const WARM_UP_PASSES = 4;
/** In a pass a variant runs at least this often, and for this many bursts. */
const WARM_UP_RUNS = 6;
const WARM_UP_BURSTS = 3;

/**
 * Interleaves the variants: in each round each runs for `burst` milliseconds, between two runs of a loop that always
 * costs the same.
 */
export function measure(variants: readonly Variant[], rounds: number, burst: number): Measured[] {
  const bench = new Bench({ warmup: false, iterations: 1, time: burst, retainSamples: true, throws: true });
  const bursts = variants.map((): Burst[] => []);
  variants.forEach(({ run }, index) => {
    bench.add(String(index), run);
  });
  for (let pass = 0; pass < WARM_UP_PASSES; pass++) {
    for (const { prepare, run } of variants) {
      prepare?.();
      const end = performance.now() + WARM_UP_BURSTS * burst;
      for (let runs = 0; runs < WARM_UP_RUNS || performance.now() < end; runs++) run();
    }
  }
  for (let round = 0; round < rounds; round++) {
    bench.tasks.forEach((task, index) => {
      variants[index].prepare?.();
      const before = canary();
      const { result } = task.runSync();
      const slower = Math.max(before, canary());
      if (result.state === 'completed') {
        bursts[index].push({ canary: slower, samples: result.latency.samples ?? [] });
      }
    });
  }
  const limit =
    SLOW *
    quantile(
      bursts.flat().map((one) => one.canary),
      0.25,
    );
  return variants.map(({ key, accesses }, index) => {
    const all = bursts[index].flatMap((one) => one.samples);
    const steady = bursts[index].filter((one) => one.canary <= limit).flatMap((one) => one.samples);
    const kept = steady.length > 0 ? steady : all;
    const ns = (quantile(kept, 0.5) * 1e6) / accesses;
    return { ...key, ns, samples: kept.length, dropped: all.length - kept.length };
  });
}

const scratch = new Int32Array(1024);

/** Milliseconds of a fixed amount of work. */
function canary(): number {
  const start = performance.now();
  for (let run = 0; run < 20; run++) work();
  return performance.now() - start;
}

function work(): void {
  let hash = 1;
  for (let index = 0; index < scratch.length; index++) {
    hash = (Math.imul(hash ^ scratch[hash & 1023], 0x85ebca6b) + index) | 0;
    scratch[index] = hash;
  }
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
