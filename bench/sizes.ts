import type { Size } from './row.js';
import { USUAL } from './topology.js';

/** One size, and which rings are measured with it. */
export interface Plot extends Size {
  readonly batches: readonly number[];
}

const usual = (batches: readonly number[]) => (functions: number) => ({
  functions,
  vectors: USUAL.vectors,
  batches,
});

/** The table's columns. */
export const columns = (quick: boolean): Plot[] =>
  quick ? [1, 64, 1024].map(usual([1, 64])) : [1, 8, 64, 1024, 16384].map(usual([1, 4, 16, 64, 1024]));

/** Functions while the number of vectors changes. */
export const FUNCTIONS = 64;
/** Of the ring on a curve. */
export const BATCH = 64;

/** What the curves have besides. */
export function curvePoints(quick: boolean): Plot[] {
  const functions = quick ? [] : [4, 16, 256, 4096];
  const vectors = quick ? [1, 2048] : [1, 8, 64, 512, 2048];
  return [
    ...functions.map(usual([BATCH])),
    ...vectors.map((each) => ({ functions: FUNCTIONS, vectors: each, batches: [BATCH] })),
  ];
}

/** What a comparison measures of a baseline: neither what waits for memory all the time nor what takes minutes. */
export const COMPARED: readonly number[] = [1, 64, 1024];

export const isUsual = ({ vectors }: Size): boolean => vectors === USUAL.vectors;
export const isCompared = (size: Size): boolean => isUsual(size) && COMPARED.includes(size.functions);
export const many = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
