import { createDispatcher, type Dispatcher, type FunctionDescription } from 'trapline';
import { type AttachedDispatcher, attach, createDispatcher as createShared } from 'trapline/shared';

/** Accesses of one sample: enough to make tinybench's own 71 ns an iteration vanish; a multiple of every batch. */
export const ACCESSES = 12288;
const VECTORS = 32;

// A function has one BAR of 16 KiB, packed as firmware packs them in a 64-bit window. One page of it traps:
// 32 entries, their PBA, and registers beside them.
const WINDOW = 0x380000000000;
const BAR_SIZE = 0x4000;
export const TABLE = 0x2000;
const PBA = 0x2800;
export const REGISTERS = 0x2c00;
export const UNTRAPPED = 0x1000;

export const addressOf = (index: number): number => WINDOW + index * BAR_SIZE;

export function describeFunction(index: number): FunctionDescription {
  return {
    sbdf: index,
    bars: [{ index: 0, type: 'mem64', address: addressOf(index), size: BAR_SIZE }],
    msix: { count: VECTORS, table: { bir: 0, offset: TABLE }, pba: { bir: 0, offset: PBA } },
    decode: true,
  };
}

/** A host page with values of all magnitudes in it. */
export function mapPage(address: number): Uint8Array {
  const words = new Uint32Array(1024);
  for (let index = 0; index < words.length; index++)
    words[index] = Math.imul(address / 4096 + index, 0x9e3779b1);
  return new Uint8Array(words.buffer);
}

/** Answers 4-byte accesses: a dispatcher or a rival. */
export interface Subject {
  read(address: number, width: 4): number;
  write(address: number, width: 4, value: number): boolean;
}

/** Writes the tables of functions 0 to `functions` - 1 as drivers do at their start. */
export function program(subject: Subject, functions: number): void {
  for (let index = 0; index < functions; index++) {
    for (let vector = 0; vector < VECTORS; vector++) {
      const entry = addressOf(index) + TABLE + 16 * vector;
      subject.write(entry, 4, 0xfee00000 + 4096 * (index % 256));
      subject.write(entry + 8, 4, 0x4000 + vector);
    }
  }
}

export function assignFunctions(functions: number): Dispatcher {
  const dispatcher = createDispatcher({ host: { mapPage } });
  for (let index = 0; index < functions; index++) dispatcher.assign(describeFunction(index));
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

const places: { readonly [what in Case]: (below: (limit: number) => number) => number } = {
  'table-read': (below) => TABLE + 4 * below(4 * VECTORS),
  // Message address, either half: no mask bit changes.
  'table-write': (below) => TABLE + 16 * below(VECTORS) + 4 * below(2),
  'adjacent-read': (below) => REGISTERS + 4 * below(256),
  'adjacent-write': (below) => REGISTERS + 4 * below(256),
  'unaligned-read': (below) => REGISTERS + 4 * below(255) + 1 + below(3),
  'pba-read': () => PBA,
  'unclaimed-read': (below) => UNTRAPPED + 4 * below(1024),
};

/** Random places in random functions, which start at `startOf`. */
export function addresses(what: Case, functions: number, startOf = addressOf): Float64Array {
  const below = random(functions + 12345);
  return Float64Array.from({ length: ACCESSES }, () => startOf(below(functions)) + places[what](below));
}

/** What is written: values of all magnitudes. */
export function values(): Uint32Array {
  const below = random(99991);
  return Uint32Array.from({ length: ACCESSES }, () => below(2 ** 32));
}
