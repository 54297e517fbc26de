import { TraplineError } from '../../errors.js';
import type { FunctionDescription, MsixLayout } from '../../function.js';
import type { Bar } from '../../host.js';
import { addressBits, barRegister, IO_SPACE, isWide, romAddress } from '../../pci/bar-register.js';
import { type CapabilityLists, capabilities, PCI_EXPRESS, POWER_MANAGEMENT } from '../../pci/capabilities.js';
import { COMMAND, FIRST_BAR, headerOf, IO, MEMORY, ROM_ENABLE, VENDOR_ID } from '../../pci/header.js';
import { describeImage } from '../../pci/image.js';
import { readMsix } from '../../pci/msix-capability.js';
import {
  DEVICE_CAPABILITIES,
  DEVICE_CONTROL,
  FUNCTION_LEVEL_RESET,
  INITIATE_RESET,
  NO_SOFT_RESET,
  PMCSR,
  POWER_STATE,
} from '../../pci/reset-registers.js';
import { formatSbdf, type Sbdf } from '../../sbdf.js';
import type { ConfigCycles } from './config-cycles.js';

/** A function of QEMU's machine, by its own registers. */
export class PhysicalFunction {
  /** Throws `bad-argument` where there is none. */
  readonly sbdf: Sbdf;
  private readonly cycles: ConfigCycles;
  /** As it was found: what is fixed is looked up in it. */
  private readonly image: Uint8Array;
  private readonly lists: CapabilityLists;
  readonly msix: MsixLayout | undefined;

  constructor(sbdf: Sbdf, cycles: ConfigCycles) {
    this.sbdf = sbdf;
    this.cycles = cycles;
    if (this.read(VENDOR_ID, 2) === 0xffff) {
      throw new TraplineError('bad-argument', `describe: there is no function ${formatSbdf(sbdf)}`);
    }
    this.image = this.bytes(256);
    this.lists = capabilities(this.image);
    this.msix = readMsix(this.image);
  }

  /** What `assign` needs, as the function is now. */
  describe(): FunctionDescription {
    const express = this.capability(PCI_EXPRESS) !== undefined;
    const image = this.bytes(express ? this.cycles.size : 256);
    return { sbdf: this.sbdf, ...describeImage(image, this.sizes()) };
  }

  read(offset: number, width: 1 | 2 | 4): number {
    return this.cycles.read(this.sbdf, offset, width);
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    this.cycles.write(this.sbdf, offset, width, value);
  }

  /**
   * Moves a BAR, which is not decoded. The bits below its size are hardwired, but for the ROM's enable bit. A guest that
   * sizes a 64-bit BAR puts it past every address, of which the upper half is enough.
   */
  move({ index, type, hostAddress }: Bar): void {
    const low = hostAddress % 2 ** 32;
    if (type === 'rom') {
      const { rom } = headerOf(this.image);
      this.write(rom, 4, low + (this.read(rom, 4) & ROM_ENABLE));
      return;
    }
    this.write(FIRST_BAR + 4 * index, 4, low);
    const high = Math.min(Math.floor(hostAddress / 2 ** 32), 0xffffffff);
    if (type === 'mem64') this.write(FIRST_BAR + 4 * index + 4, 4, high);
  }

  /** Where a memory BAR is. */
  address(index: number): number {
    const low = this.read(FIRST_BAR + 4 * index, 4);
    return barRegister(low, isWide(low) ? this.read(FIRST_BAR + 4 * index + 4, 4) : 0).address;
  }

  /** Runs `work` while the function decodes memory. */
  decoding(work: () => void): void {
    const command = this.read(COMMAND, 2);
    if (command & MEMORY) {
      work();
      return;
    }
    this.write(COMMAND, 2, command | MEMORY);
    try {
      work();
    } finally {
      this.write(COMMAND, 2, command);
    }
  }

  /**
   * By device control, else by way of D3hot. Its BARs are put back. False: it does neither, or says that it does and
   * keeps its BARs, which a reset clears.
   */
  reset(): boolean {
    const registers = this.barRegisters();
    const before = registers.map((register) => this.read(register, 4));
    if (!this.resetBy()) return false;
    const after = registers.map((register) => this.read(register, 4));
    const placed = before.flatMap((value, index) => (value >>> 4 ? [index] : []));
    for (const index of placed) this.write(registers[index], 4, before[index]);
    return placed.length === 0 || placed.some((index) => after[index] !== before[index]);
  }

  private resetBy(): boolean {
    const express = this.capability(PCI_EXPRESS);
    if (express !== undefined && this.read(express + DEVICE_CAPABILITIES, 4) & FUNCTION_LEVEL_RESET) {
      const control = express + DEVICE_CONTROL;
      this.write(control, 2, this.read(control, 2) | INITIATE_RESET);
      return true;
    }
    const power = this.capability(POWER_MANAGEMENT);
    if (power === undefined) return false;
    const state = this.read(power + PMCSR, 2);
    if (state & NO_SOFT_RESET) return false;
    this.write(power + PMCSR, 2, state | POWER_STATE);
    this.write(power + PMCSR, 2, state & ~POWER_STATE);
    return true;
  }

  private capability(id: number): number | undefined {
    return this.lists.standard.find((capability) => capability.id === id)?.offset;
  }

  private bytes(size: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(size));
    for (let offset = 0; offset < size; offset += 4) view.setUint32(offset, this.read(offset, 4), true);
    return new Uint8Array(view.buffer);
  }

  /** BARs, then the ROM's. */
  private barRegisters(): number[] {
    const { bars, rom } = headerOf(this.image);
    return [...Array.from({ length: bars }, (_, index) => FIRST_BAR + 4 * index), ...(rom > 0 ? [rom] : [])];
  }

  /** By BAR index, 6 the ROM, found by writing all ones while nothing is decoded (PCI 3.0 6.2.5.1). */
  private sizes(): number[] {
    const command = this.read(COMMAND, 2);
    this.write(COMMAND, 2, command & ~(IO | MEMORY));
    const { bars, rom } = headerOf(this.image);
    const sizes = new Array<number>(7).fill(0);
    try {
      for (let index = 0; index < bars; index++) {
        const register = FIRST_BAR + 4 * index;
        const low = this.sized(register, 0xffffffff);
        const bits = addressBits(low);
        if (low & IO_SPACE) sizes[index] = -bits & 0xffff;
        else if (isWide(low)) sizes[index++] = size64(bits, this.sized(register + 4, 0xffffffff));
        else sizes[index] = -bits >>> 0;
      }
      if (rom > 0) sizes[6] = -romAddress(this.sized(rom, romAddress(0xffffffff))) >>> 0;
    } finally {
      this.write(COMMAND, 2, command);
    }
    return sizes;
  }

  private sized(register: number, ones: number): number {
    const before = this.read(register, 4);
    this.write(register, 4, ones);
    const value = this.read(register, 4);
    this.write(register, 4, before);
    return value;
  }
}

/** 0: there is no BAR. */
const size64 = (low: number, high: number): number =>
  Number(BigInt.asUintN(64, -((BigInt(high) << 32n) | BigInt(low))));
