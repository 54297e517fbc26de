import { hex } from '../hexadecimal.js';
import type { AddressRange } from '../regions/address-range.js';

/** As `/proc/iomem` and `lspci` write it: with its last byte. */
export const rangeText = ({ start, end }: AddressRange): string => `${hex(start)}-${hex(end - 1)}`;

export const roundDown = (value: number, grain: number): number => value - (value % grain);
export const roundUp = (value: number, grain: number): number => roundDown(value + grain - 1, grain);
/** The pages that a range has bytes on. */
export const pagesAround = ({ start, end }: AddressRange, pageSize: number): AddressRange => ({
  start: roundDown(start, pageSize),
  end: roundUp(end, pageSize),
});

/** Bytes. */
export const sizeOf = ({ start, end }: AddressRange): number => end - start;

/** What two ranges have in common, if they overlap. */
export const common = (a: AddressRange, b: AddressRange): AddressRange => ({
  start: Math.max(a.start, b.start),
  end: Math.min(a.end, b.end),
});

/** Ascending, with those that overlap or touch in one. */
export function merged(ranges: readonly AddressRange[]): AddressRange[] {
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** What is left of a range when others are taken out. */
export function without(range: AddressRange, others: readonly AddressRange[]): AddressRange[] {
  const left: AddressRange[] = [];
  let at = range.start;
  for (const { start, end } of merged(others)) {
    if (start >= range.end) break;
    if (start > at) left.push({ start: at, end: start });
    at = Math.max(at, end);
  }
  if (at < range.end) left.push({ start: at, end: range.end });
  return left;
}

export const pageText = (pages: AddressRange, pageSize: number): string =>
  `${pages.end - pages.start > pageSize ? 'pages' : 'page'} ${rangeText(pages)}`;
