import { hex } from '../hexadecimal.js';
import { isInteger } from '../integer.js';

// Constants of its own: a module that this entry shared with the core would be bundled apart from the core, and V8 folds
// no imported constants (docs/decisions.md).
export const ADDRESS_LIMIT = 2 ** 52;
export const PAGE_SIZE = 4096;

/** Bytes [start, end) of physical memory. */
export interface AddressRange {
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** A range and what a message calls it. */
export interface NamedRange extends AddressRange {
  /** For messages. */
  readonly name: string;
}

export const KIB = 1024;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const FOUR_GIB = 2 ** 32;

export const rangeText = ({ start, end }: AddressRange): string => `${hex(start)}-${hex(end)}`;
/** Whether they share a byte: an empty range shares none. */
export const overlap = (one: AddressRange, other: AddressRange): boolean =>
  Math.max(one.start, other.start) < Math.min(one.end, other.end);

/** For messages: numbers as people write addresses. */
export const shown = (value: unknown): string =>
  Number.isInteger(value) && (value as number) >= 0 ? hex(value as number) : String(value);

/** What is wrong with a range, or nothing. */
export function rangeFault(field: string, { start, end }: AddressRange): string | undefined {
  return isInteger(start, 0, ADDRESS_LIMIT) && isInteger(end, start, ADDRESS_LIMIT)
    ? undefined
    : `${field} ${shown(start)}-${shown(end)} is no range of integers with 0 <= start <= end <= 2^52`;
}
