import { contains, type Range, touches } from '../range.js';
import type { FunctionBar } from './bar.js';

/** Guest addresses of a table or PBA, and the BAR they lie in: none where the BIR names no memory BAR. */
export interface Structure extends Range {
  readonly bar: FunctionBar | undefined;
}

/** Table and PBA of a function, or as far as they lie in one of its BARs. */
export interface Structures {
  readonly table: Structure | undefined;
  readonly pba: Structure | undefined;
}

/** Where `size` bytes at an offset in a BAR are now. */
export function structure(bar: FunctionBar | undefined, offset: number, size: number): Structure {
  const start = (bar?.address ?? 0) + offset;
  return { bar, start, end: start + size };
}

export function structuresIn(bar: FunctionBar): Structures {
  const { table, pba } = bar.fn;
  return { table: table?.bar === bar ? table : undefined, pba: pba?.bar === bar ? pba : undefined };
}

/** The same as a list. */
export function structuresOf(bar: FunctionBar): Structure[] {
  const { table, pba } = structuresIn(bar);
  return [table, pba].filter((one) => one !== undefined);
}

/** Whether either has bytes on a page. */
export const areOn = ({ table, pba }: Structures, page: number): boolean =>
  (table !== undefined && touches(table, page)) || (pba !== undefined && touches(pba, page));

/** Which of a function's structures has a byte; a byte in both is the PBA's. */
export function ownerAmong({ table, pba }: Structures, address: number): 'table' | 'pba' | undefined {
  if (pba && contains(pba, address)) return 'pba';
  return table && contains(table, address) ? 'table' : undefined;
}
