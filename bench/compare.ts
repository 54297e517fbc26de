import type { Baseline, Kept, Machine } from './baseline.js';
import { quantile } from './median.js';
import type { Key, Size } from './row.js';
import { COMPARED, isUsual, many, type Plot } from './sizes.js';

export interface Change {
  readonly before: Kept;
  readonly now: Kept;
  /** Above 1: slower than before. */
  readonly factor: number;
}

/** By how much 9 of 10 rows of rivals moved at most, with so many functions: 0.03 is 3 %. Their code is the same. */
export interface Noise {
  readonly functions: number;
  readonly moved: number;
}

export interface Comparison {
  /** Rows of Trapline that both have. */
  readonly compared: number;
  readonly noise: readonly Noise[];
  /** The slowest first. */
  readonly changes: readonly Change[];
}

/** What of a baseline is measured again: with the same rings in each process, since they share its caches. */
export function plotsOf({ rows }: Baseline): Plot[] {
  return COMPARED.flatMap((functions) => {
    const same = rows.filter((row) => isUsual(row) && row.functions === functions);
    if (same.length === 0) return [];
    const batches = new Set(same.flatMap(({ batch }) => batch ?? []));
    return [{ functions, vectors: same[0].vectors, batches: [...batches] }];
  });
}

/**
 * A change is one of the ratio to the floor: the processes' ratios of now and of then do not overlap, and the medians
 * differ by more than those of rivals did with as many functions: what waits for memory is less steady.
 */
export function compare(before: readonly Kept[], now: readonly Kept[]): Comparison {
  const known = new Map(before.map((row) => [keyOf(row), row]));
  const pairs = now.flatMap((row): Change[] => {
    const earlier = known.get(keyOf(row));
    return earlier ? [{ before: earlier, now: row, factor: row.ratio / earlier.ratio }] : [];
  });
  const ours = pairs.filter((pair) => pair.now.subject === 'trapline');
  const rivals = pairs.filter(({ now: { subject } }) => subject !== 'trapline' && subject !== 'floor');
  const noise = [...new Set(rivals.map((pair) => pair.now.functions))].map((functions): Noise => {
    const same = rivals.filter((pair) => pair.now.functions === functions);
    return { functions, moved: quantile(same.map(moved), 0.9) };
  });
  const noiseOf = (functions: number) => noise.find((one) => one.functions === functions)?.moved ?? 0;
  const changes = ours
    .filter((pair) => apart(pair) && moved(pair) > noiseOf(pair.now.functions))
    .sort((one, other) => other.factor - one.factor);
  return { compared: ours.length, noise, changes };
}

const keyOf = ({ subject, door, access, batch, functions, vectors }: Key & Size): string =>
  JSON.stringify([subject, door, access, batch, functions, vectors]);

const moved = ({ factor }: Change): number => Math.max(factor, 1 / factor) - 1;

const apart = ({ before, now }: Change): boolean => before.high < now.low || now.high < before.low;

/** What a reader is told, a line each. */
export function linesOf(comparison: Comparison, before: Machine, now: Machine): string[] {
  const { compared, noise, changes } = comparison;
  const same = before.cpu === now.cpu && before.node === now.node;
  const told = same
    ? []
    : [
        `The baseline is of another machine or Node (${before.cpu}; Node ${before.node}): only ratios to the floor compare.`,
      ];
  const lines = changes.map((change) => {
    const { now, before } = change;
    const word = change.factor > 1 ? 'slower' : 'faster';
    const times = same ? `, ${figure(now.ns)} ns, before ${figure(before.ns)}` : '';
    return `  ${word}  ${nameOf(now).padEnd(60)}${spread(now)}, before ${spread(before)} times the floor${times}`;
  });
  const of = `of ${many(compared, 'row')} of Trapline`;
  return [
    ...told,
    ...noise.map(
      (one) =>
        `Noise: rivals, whose code is the same, moved by up to ${figure(100 * one.moved)} % with ${many(one.functions, 'function')} (9 of 10 rows).`,
    ),
    changes.length === 0 ? `No change beyond the noise ${of}.` : `Beyond the noise, ${changes.length} ${of}:`,
    ...lines,
  ];
}

export const isSlower = ({ changes }: Comparison): boolean => changes.some(({ factor }) => factor > 1);

function nameOf({ access, door, batch, functions }: Kept): string {
  const how = { js: 'from JavaScript', wasm: 'from wasm', ring: `in a ring of ${batch}`, native: 'natively' };
  return `${access.replace('-', ' ')} ${how[door]}, ${many(functions, 'function')}`;
}

const spread = ({ ratio, low, high }: Kept): string => `${figure(ratio)} (${figure(low)} to ${figure(high)})`;

const figure = (value: number): string => Number(value.toPrecision(3)).toString();
