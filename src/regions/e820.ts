import { TraplineError } from '../errors.js';
import { type AddressRange, rangeFault } from './address-range.js';

/** One entry of the memory map that firmware gives the operating system (ACPI 15). */
export interface E820Entry extends AddressRange {
  /** AddressRangeMemory, or AddressRangeReserved. */
  readonly type: 'ram' | 'reserved';
}

/** What firmware reserves below 1 MiB on a PC: extended BIOS data, video memory, ROMs. */
export const legacyHole: AddressRange = { start: 0x9fc00, end: 0x100000 };

/**
 * The table of memory ranges, in bytes: sorted, without overlap, neighbours of one type joined, empty ranges left out.
 * A byte that is both RAM and reserved is reserved. Throws `bad-argument` for what is no range.
 */
export function e820Table(ram: readonly AddressRange[], reserved: readonly AddressRange[]): E820Entry[] {
  const all = [...ram, ...reserved];
  const faults = all.flatMap((range) => rangeFault('e820Table: range', range) ?? []);
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const edges = [...new Set(all.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const entries: E820Entry[] = [];
  for (let index = 1; index < edges.length; index++) {
    const [start, end] = [edges[index - 1], edges[index]];
    const holds = (range: AddressRange) => range.start <= start && end <= range.end;
    const type = reserved.some(holds) ? 'reserved' : ram.some(holds) ? 'ram' : undefined;
    if (type === undefined) continue;
    const last = entries.at(-1);
    if (last?.end === start && last.type === type) entries[entries.length - 1] = { ...last, end };
    else entries.push({ start, end, type });
  }
  return entries;
}
