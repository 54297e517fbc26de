/**
 * A machine of QEMU in another process as the hardware, in Node.
 *
 * @module trapline/qtest
 */

import type { Width } from '../access.js';
import { TraplineError } from '../errors.js';
import type { FunctionDescription } from '../function.js';
import type { Bar, Host, PageHandler, Vector } from '../host.js';
import { isInteger } from '../integer.js';
import { MSIX_ENTRY, VECTOR_CONTROL } from '../msix-layout.js';
import { COMMAND, INTX_DISABLE } from '../pci/header.js';
import { formatSbdf, parseSbdf, type Sbdf } from '../sbdf.js';
import { type ConfigCycles, memoryCycles, portCycles } from './qtest/config-cycles.js';
import type { Qtest } from './qtest/connection.js';
import { QtestError } from './qtest/error.js';
import { Mailbox, type QtestInterrupt } from './qtest/mailbox.js';
import { PhysicalFunction } from './qtest/physical-function.js';

export { Qtest, type QtestOptions } from './qtest/connection.js';
export { QtestError } from './qtest/error.js';
export type { QtestInterrupt } from './qtest/mailbox.js';

/** Which machine is the hardware, and where its messages go. */
export interface QtestHostOptions {
  /** The connection to QEMU. */
  readonly qtest: Qtest;
  /** A page of QEMU's memory that is nobody else's: messages go there. Multiple of 4096. */
  readonly mailbox: number;
  /** Where the machine has its configuration space in memory, enabled. Default: by ports, and 256 bytes of it. */
  readonly ecam?: number;
}

const MASKED = 1;

/**
 * A machine of QEMU in another process as the physical hardware: each access of a device's page is one of QEMU's, of
 * that width. Pages cannot be mapped, so the dispatcher wants `trapAll`. An armed vector's entry in the
 * physical table sends to the mailbox; all others stay masked there, so that what is pending is in the physical PBA.
 */
export class QtestHost implements Host {
  private readonly qtest: Qtest;
  private readonly cycles: ConfigCycles;
  private readonly mailbox: Mailbox;
  private readonly functions = new Map<Sbdf, PhysicalFunction>();

  /** Throws `bad-argument`. */
  constructor({ qtest, mailbox, ecam }: QtestHostOptions) {
    for (const [name, address] of Object.entries({ mailbox, ecam: ecam ?? 0 })) {
      if (!isInteger(address, 0, Number.MAX_SAFE_INTEGER) || address % 4096 !== 0)
        throw new TraplineError('bad-argument', `QtestHost: ${name} ${address} is not a multiple of 4096`);
    }
    this.qtest = qtest;
    this.cycles = ecam === undefined ? portCycles(qtest) : memoryCycles(qtest, ecam);
    this.mailbox = new Mailbox(qtest, mailbox);
  }

  /**
   * What `assign` needs of a function: its configuration space and BARs, sized for that. BARs that no firmware placed are at 0.
   * Throws `bad-argument` where there is no function, `QtestError`.
   */
  describe(sbdf: string | Sbdf): FunctionDescription {
    return this.at(parseSbdf(sbdf)).describe();
  }

  /** What the devices sent since the last time, to be delivered to the guest. Throws `QtestError`. */
  interrupts(): readonly QtestInterrupt[] {
    return this.mailbox.collect();
  }

  mapPage(address: number): PageHandler {
    const { qtest } = this;
    return {
      read: (offset: number, width: Width, high: Uint32Array) =>
        width === 8 ? qtest.read(address + offset, 8, high) : qtest.read(address + offset, width),
      write: (offset, width, low, high) => qtest.write(address + offset, width, low, high),
    };
  }

  writeConfig(sbdf: Sbdf, register: number, value: number): void {
    this.at(sbdf).write(register, 2, value);
  }

  moveBar(sbdf: Sbdf, bar: Bar): void {
    this.at(sbdf).move(bar);
  }

  disableIntx(sbdf: Sbdf): void {
    const fn = this.at(sbdf);
    fn.write(COMMAND, 2, fn.read(COMMAND, 2) | INTX_DISABLE);
  }

  armVector(sbdf: Sbdf, vector: Vector): void {
    const { addressLow, addressHigh, data } = this.mailbox.claim(sbdf, vector);
    const done = this.writeEntry(sbdf, vector.index, (entry) => {
      this.qtest.write(entry + VECTOR_CONTROL, 4, MASKED);
      this.qtest.write(entry, 8, addressLow, addressHigh);
      this.qtest.write(entry + 8, 4, data);
      if (!vector.masked) this.qtest.write(entry + VECTOR_CONTROL, 4, 0);
    });
    if (!done) throw new QtestError(`qtest: the table of function ${formatSbdf(sbdf)} has no address`);
  }

  disarmVector(sbdf: Sbdf, { index, armed }: Vector): void {
    if (!armed) return;
    this.writeEntry(sbdf, index, (entry) => this.qtest.write(entry + VECTOR_CONTROL, 4, MASKED));
    this.mailbox.release(sbdf, index);
  }

  maskVector(sbdf: Sbdf, { index, armed, masked }: Vector): void {
    if (!armed) return;
    this.writeEntry(sbdf, index, (entry) => this.qtest.write(entry + VECTOR_CONTROL, 4, masked ? MASKED : 0));
  }

  readPort(port: number, width: 1 | 2 | 4): number {
    return this.qtest.readPort(port, width);
  }

  writePort(port: number, width: 1 | 2 | 4, value: number): void {
    this.qtest.writePort(port, width, value);
  }

  reset(sbdf: Sbdf): boolean {
    return this.at(sbdf).reset();
  }

  /** With memory decoding on for it, where the guest has it off. False: a BAR at 0 was never placed. */
  private writeEntry(sbdf: Sbdf, index: number, write: (address: number) => void): boolean {
    const fn = this.at(sbdf);
    const { msix } = fn;
    const start = msix ? fn.address(msix.table.bir) : 0;
    if (!msix || start === 0) return false;
    fn.decoding(() => write(start + msix.table.offset + MSIX_ENTRY * index));
    return true;
  }

  private at(sbdf: Sbdf): PhysicalFunction {
    let fn = this.functions.get(sbdf);
    if (!fn) {
      fn = new PhysicalFunction(sbdf, this.cycles);
      this.functions.set(sbdf, fn);
    }
    return fn;
  }
}
