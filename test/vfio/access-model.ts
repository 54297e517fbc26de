import type { Range } from '../../src/range.js';

/**
 * The accesses of a transfer as width@position, found byte by byte: is it excluded; else what access, the widest
 * first, may start here.
 */
export function accessesOf(position: number, count: number, excluded: Range, widest: number): string[] {
  const accesses: string[] = [];
  const isFree = (at: number) => at < position + count && !(at >= excluded.start && at < excluded.end);
  for (let at = position; at < position + count; ) {
    const fits = (width: number) => {
      for (let n = 0; n < width; n++) if (!isFree(at + n)) return false;
      return at % width === 0 && width <= widest;
    };
    const width = [8, 4, 2, 1].find(fits);
    if (width) accesses.push(`${width}@${at}`);
    at += width ?? 1;
  }
  return accesses;
}

/** Every position in [start, end), every count to 40. */
export function everyTransfer(
  start: number,
  end: number,
  check: (position: number, count: number) => void,
): void {
  for (let position = start; position < end; position++) {
    for (let count = 0; count <= 40; count++) check(position, count);
  }
}
