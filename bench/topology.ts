import { createDispatcher, type Dispatcher, type FunctionDescription, PAGE_SIZE } from 'trapline';
import { type AttachedDispatcher, attach, createDispatcher as createShared } from 'trapline/shared';

/** Accesses of one sample: enough to make tinybench's own 71 ns an iteration vanish; a multiple of every batch. */
export const ACCESSES = 12288;

const WINDOW = 0x380000000000;
export const UNTRAPPED = 0x1000;

/** A function: one BAR, packed as firmware packs them in a 64-bit window. The table fills its upper half, which traps. */
export interface Layout {
  readonly vectors: number;
  readonly barSize: number;
  readonly table: number;
  readonly pba: number;
  /** 1 KiB, behind the PBA on the page on which the table ends, or on the next one. */
  readonly registers: number;
}

export function layoutOf(vectors: number): Layout {
  // A last page that the table fills by more than half has no room for the PBA.
  const full = Math.floor((16 * vectors + 0x7ff) / PAGE_SIZE);
  const half = PAGE_SIZE * Math.max(2, 2 ** Math.ceil(Math.log2(full + 1)));
  const tail = half + PAGE_SIZE * full;
  return { vectors, barSize: 2 * half, table: half, pba: tail + 0x800, registers: tail + 0xc00 };
}

/** One page of 16 KiB traps: 32 entries, their PBA, and registers beside them. */
export const USUAL = layoutOf(32);
export const { table: TABLE, registers: REGISTERS } = USUAL;

export const addressOf = (index: number, { barSize } = USUAL): number => WINDOW + index * barSize;

export function describeFunction(index: number, layout = USUAL): FunctionDescription {
  const { vectors, barSize, table, pba } = layout;
  return {
    sbdf: index,
    bars: [{ index: 0, type: 'mem64', address: addressOf(index, layout), size: barSize }],
    msix: { count: vectors, table: { bir: 0, offset: table }, pba: { bir: 0, offset: pba } },
    decode: true,
  };
}

/** A host page with values of all magnitudes in it. */
export function mapPage(address: number): Uint8Array {
  const words = new Uint32Array(1024);
  for (let index = 0; index < words.length; index++)
    words[index] = Math.imul(address / PAGE_SIZE + index, 0x9e3779b1);
  return new Uint8Array(words.buffer);
}

/** Answers 4-byte accesses: a dispatcher or a rival. */
export interface Subject {
  read(address: number, width: 4): number;
  write(address: number, width: 4, value: number): boolean;
}

/** What takes writes to the table of one function or of all. */
type Written = { write(address: number, width: 4, value: number): unknown };

/** Writes the table of a function as a driver does at its start. */
export function programFunction(subject: Written, index: number, layout = USUAL): void {
  for (let vector = 0; vector < layout.vectors; vector++) {
    const entry = addressOf(index, layout) + layout.table + 16 * vector;
    subject.write(entry, 4, 0xfee00000 + 4096 * (index % 256));
    subject.write(entry + 8, 4, 0x4000 + vector);
  }
}

/** Functions 0 to `functions` - 1. */
export function program(subject: Written, functions: number, layout = USUAL): void {
  for (let index = 0; index < functions; index++) programFunction(subject, index, layout);
}

export function assignFunctions(functions: number, layout = USUAL): Dispatcher {
  const dispatcher = createDispatcher({ host: { mapPage } });
  for (let index = 0; index < functions; index++) dispatcher.assign(describeFunction(index, layout));
  return dispatcher;
}

/** The same of the shared build, as a worker has it that attaches. */
export function attachFunctions(functions: number): AttachedDispatcher {
  const host = { mapPage };
  const dispatcher = createShared({ shared: true, host });
  for (let index = 0; index < functions; index++) dispatcher.assign(describeFunction(index));
  return attach(dispatcher.share(), { host });
}

/** xorshift32: every run measures the same accesses. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** What is accessed, always with 4 bytes. */
export type Case =
  | 'table-read'
  | 'table-write'
  | 'adjacent-read'
  | 'adjacent-write'
  | 'unaligned-read'
  | 'pba-read'
  | 'unclaimed-read';

export const cases: readonly Case[] = [
  'table-read',
  'table-write',
  'adjacent-read',
  'adjacent-write',
  'unaligned-read',
  'pba-read',
  'unclaimed-read',
];

export const writes = (what: string): boolean => what.endsWith('write');

type Below = (limit: number) => number;

const places: { readonly [what in Case]: (below: Below, layout: Layout) => number } = {
  'table-read': (below, { table, vectors }) => table + 4 * below(4 * vectors),
  // Message address, either half: no mask bit changes.
  'table-write': (below, { table, vectors }) => table + 16 * below(vectors) + 4 * below(2),
  'adjacent-read': (below, { registers }) => registers + 4 * below(256),
  'adjacent-write': (below, { registers }) => registers + 4 * below(256),
  'unaligned-read': (below, { registers }) => registers + 4 * below(255) + 1 + below(3),
  'pba-read': (_, { pba }) => pba,
  'unclaimed-read': (below) => UNTRAPPED + 4 * below(1024),
};

/** Random places in random functions, which start at `startOf`. */
export function addresses(
  what: Case,
  functions: number,
  layout = USUAL,
  startOf = (index: number): number => addressOf(index, layout),
): Float64Array {
  const below = random(functions + 12345);
  return Float64Array.from(
    { length: ACCESSES },
    () => startOf(below(functions)) + places[what](below, layout),
  );
}

/** What is written: values of all magnitudes. */
export function values(): Uint32Array {
  const below = random(99991);
  return Uint32Array.from({ length: ACCESSES }, () => below(2 ** 32));
}
