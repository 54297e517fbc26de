import { readFileSync } from 'node:fs';
import binaryen from 'assemblyscript/binaryen';
import type { Dispatcher } from 'trapline';

type TrapRead = (low: number, high: number, width: number) => number;
type TrapWrite = (low: number, high: number, width: number, data: number, dataHigh: number) => void;
type Write = (address: number, width: number, data: number, dataHigh: number) => number;

/** Calls with the dispatcher's signatures whose bodies do one load, or one store. See floor.wat. */
export interface Floor {
  read(address: number, width: number): number;
  readonly write: Write;
  readonly storing_write: Write;
  readonly trap_read: TrapRead;
  readonly trap_write: TrapWrite;
  readonly storing_trap_write: TrapWrite;
}

/** See guest.wat. */
export interface Guest {
  read(count: number): number;
  write(count: number): number;
}

export type Produce = (from: number, to: number, records: number) => void;

/** Compiled anew for each instance: V8's code for one may not depend on what another imports. */
export function instantiate(name: string, imports: WebAssembly.Imports = {}): WebAssembly.Exports {
  const source = binaryen.parseText(
    readFileSync(new URL(`../../bench/${name}.wat`, import.meta.url), 'utf8'),
  );
  source.setFeatures(binaryen.Features.All);
  const module = new WebAssembly.Module(source.emitBinary() as Uint8Array<ArrayBuffer>);
  source.dispose();
  return new WebAssembly.Instance(module, imports).exports;
}

export function createFloor(): Floor {
  return instantiate('floor') as unknown as Floor;
}

/** A guest that traps into `trap` at these addresses. */
export function createGuest(
  trap: Pick<ReturnType<Dispatcher['attach']>, 'trap_read' | 'trap_write'>,
  addresses: Float64Array,
): Guest {
  const exports = instantiate('guest', { trap: { ...trap } });
  const lanes = new Uint32Array((exports.memory as WebAssembly.Memory).buffer);
  addresses.forEach((address, index) => {
    lanes[2 * index] = address;
    lanes[2 * index + 1] = address / 2 ** 32;
  });
  return exports as unknown as Guest;
}

export function createProducer(memory: WebAssembly.Memory): Produce {
  return instantiate('producer', { core: { memory } }).produce as Produce;
}
