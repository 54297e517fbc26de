import { expect } from 'vitest';
import type { Width } from '../../src/access.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import type { AssignedFunction } from '../../src/function.js';
import { QtestHost } from '../../src/hosts/qtest.js';
import type { DispatcherOptions } from '../../src/options.js';
import { parseSbdf } from '../../src/sbdf.js';
import type { Machine } from './machine.js';

export const COMMAND = 0x04;
/** I/O, memory, bus master. */
export const DECODE = 0x0007;
export const BAR = (index: number): number => 0x10 + 4 * index;

/** Of QEMU's memory, of which the machine has 64 MiB. */
const MAILBOX = 0x10000;
/** Where the chipset (q35, register 0x60) is told to have configuration space in memory. */
const ECAM = 0xb000_0000;
/** Milliseconds. */
const PATIENCE = 10_000;

/** Firmware of the physical machine: its configuration space is in memory. */
export function enableEcam({ qtest }: Machine): void {
  for (const [register, value] of [
    [0x64, 0],
    [0x60, ECAM | 1],
  ] as const) {
    qtest.writePort(0xcf8, 4, 0x8000_0000 | register);
    qtest.writePort(0xcfc, 4, value >>> 0);
  }
}

/** Firmware places the BARs of a physical function. */
export function placePhysical(
  { qtest }: Machine,
  sbdf: string,
  places: Readonly<Record<number, number>>,
): void {
  for (const [index, address] of Object.entries(places)) {
    const register = ECAM + parseSbdf(sbdf) * 4096 + BAR(Number(index));
    const low = qtest.read(register, 4);
    qtest.write(register, 4, address);
    if ((low & 7) === 4) qtest.write(register + 4, 4, 0);
  }
}

/** A guest with functions of QEMU's machine, which it drives through Trapline alone. */
export class Guest {
  readonly host: QtestHost;
  readonly dispatcher: Dispatcher;
  /** What the host threw. */
  readonly errors: unknown[] = [];
  private readonly machine: Machine;

  constructor(machine: Machine, options: Partial<DispatcherOptions> = {}) {
    this.machine = machine;
    this.host = new QtestHost({ qtest: machine.qtest, mailbox: MAILBOX, ecam: ECAM });
    this.dispatcher = createDispatcher({
      host: this.host,
      trapAll: true,
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  read(address: number, width: Width): bigint {
    const low = this.dispatcher.read(address, width);
    return BigInt(low) | (width === 8 ? BigInt(this.dispatcher.high) << 32n : 0n);
  }

  /** What the device answers without Trapline. */
  direct(address: number, width: Width): bigint {
    const high = new Uint32Array(1);
    const low = this.machine.qtest.read(address, width, high);
    return BigInt(low) | (width === 8 ? BigInt(high[0]!) << 32n : 0n);
  }

  /** A configuration cycle of the physical function's. */
  directConfig(sbdf: string, register: number, width: 1 | 2 | 4): number {
    return this.machine.qtest.read(ECAM + parseSbdf(sbdf) * 4096 + register, width);
  }

  /** Expects that each access reads the same with and without Trapline; says what, by address. */
  expectSame(addresses: readonly number[], widths: readonly Width[]): Map<number, bigint> {
    const seen = new Map<number, bigint>();
    for (const address of addresses) {
      for (const width of widths) {
        const value = this.read(address, width);
        const wanted = this.direct(address, width);
        if (value !== wanted) expect(`${address.toString(16)}/${width}: ${value}`).toBe(`${wanted}`);
        seen.set(address, value);
      }
    }
    return seen;
  }

  /** Waits for a device, which runs in QEMU's time. */
  until(reached: () => boolean): void {
    const deadline = performance.now() + PATIENCE;
    while (!reached()) if (performance.now() > deadline) throw new Error('the device did not get there');
  }

  /** Places all BARs, from the highest index on, and switches decoding on. */
  place(fn: AssignedFunction, places: Readonly<Record<number, number>>): void {
    for (const { index, type } of fn.bars) {
      const address = places[index];
      if (address === undefined) continue;
      fn.config.write(BAR(index), 4, address % 2 ** 32);
      if (type === 'mem64') fn.config.write(BAR(index) + 4, 4, Math.floor(address / 2 ** 32));
    }
    fn.config.write(COMMAND, 2, DECODE);
    expect(fn.config.read(COMMAND, 2) & DECODE).toBe(DECODE);
  }

  /** Writes a whole entry of the table, as a driver does. */
  writeEntry(fn: AssignedFunction, index: number, address: number, data: number, masked: boolean): void {
    const entry = this.entry(fn, index);
    this.dispatcher.write(entry, 4, address % 2 ** 32);
    this.dispatcher.write(entry + 4, 4, Math.floor(address / 2 ** 32));
    this.dispatcher.write(entry + 8, 4, data);
    this.dispatcher.write(entry + 12, 4, masked ? 1 : 0);
  }

  mask(fn: AssignedFunction, index: number, masked: boolean): void {
    this.dispatcher.write(this.entry(fn, index) + 12, 4, masked ? 1 : 0);
  }

  /** Guest address of an entry of the table. */
  entry(fn: AssignedFunction, index: number): number {
    const { bir, offset } = fn.msix!.table;
    return this.bar(fn, bir) + offset + 16 * index;
  }

  /** Guest address of the PBA. */
  pba(fn: AssignedFunction): number {
    const { bir, offset } = fn.msix!.pba;
    return this.bar(fn, bir) + offset;
  }

  bar(fn: AssignedFunction, index: number): number {
    return fn.bars.find((bar) => bar.index === index)!.address;
  }
}
