import { ADDRESS_LIMIT } from '../access.js';
import type { InventoryFunction } from '../inventory/machine.js';
import { COMMAND, FIRST_BAR, headerOfType, MEMORY, ROM_ENABLE } from '../pci/header.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../pci/msix-capability.js';
import { D3HOT, DEVICE_CONTROL, INITIATE_RESET, PMCSR, POWER_STATE } from '../pci/reset-registers.js';
import type { Placement, ReplayedFunction } from './replayed-function.js';

const SECONDARY_BUS = 0x18;
const BRIDGE_CONTROL = 0x3c;

const ROM_INDEX = 6;
/** In the Advanced Features capability: AF Control, whose bit 0 resets (PCI AF 2006). */
const AF_CONTROL = 4;
/** PCI bridge 1.2, 3.2.5.17, in the upper half of the dword. */
const SECONDARY_BUS_RESET = 0x40_0000;

/** What a config write did besides moving BARs. */
export type ConfigEffect = 'none' | 'message-control' | 'reset' | 'perhaps-reset' | 'reset-behind';

/**
 * The registers of one function that decide where its BARs are and when it is reset, as a log's config writes leave
 * them. The log gives no widths: writes of less than a dword are told by their alignment.
 */
export class LoggedConfig {
  readonly listed: InventoryFunction;
  readonly fn: ReplayedFunction;
  /** No BAR and no COMMAND write yet: as the inventory says. */
  assumed = true;
  messageControl: number;
  /** The bus behind a bridge, once written. */
  secondaryBus: number | undefined;
  private command: number = MEMORY;
  private readonly bars = new Uint32Array(ROM_INDEX + 1);
  private bridgeControl = 0;
  private powerState = 0;
  /** Of SR-IOV virtual functions, which have no BAR registers of their own. */
  private readonly mapped = new Map<number, number>();

  constructor(listed: InventoryFunction, fn: ReplayedFunction) {
    this.listed = listed;
    this.fn = fn;
    this.messageControl = listed.msix?.enabled ? MSIX_ENABLE | (listed.msix.masked ? FUNCTION_MASK : 0) : 0;
    for (const bar of listed.bars) this.set(bar.index, bar.disabled ? 0 : (bar.address ?? 0));
  }

  write(register: number, value: number): ConfigEffect {
    const { listed } = this;
    const { capabilities, msix } = listed;
    const dword = register - (register % 4);
    const { bars, rom } = headerOfType(listed.bridge ? 1 : 0);
    const index = (dword - FIRST_BAR) / 4;
    if (index >= 0 && index < bars) return this.writeBar(index, register, value);
    if (dword === rom) return this.writeBar(ROM_INDEX, register, value);
    if (listed.bridge && dword === SECONDARY_BUS) return this.writeBuses(register, value);
    if (listed.bridge && dword === BRIDGE_CONTROL) return this.writeBridgeControl(register, value);
    if (register === COMMAND) return this.writeCommand(value);
    if (msix && dword === msix.capability) return this.writeMessageControl(register, value);
    if (dword === (capabilities.express ?? Number.NaN) + DEVICE_CONTROL) {
      const wanted = (merged(0, register, value) & INITIATE_RESET) !== 0;
      return wanted && capabilities.functionLevelReset ? this.reset() : 'none';
    }
    if (dword === (capabilities.advancedFeatures ?? Number.NaN) + AF_CONTROL && register === dword) {
      return value & 1 && capabilities.functionLevelReset ? this.reset() : 'none';
    }
    if (register === (capabilities.powerManagement ?? Number.NaN) + PMCSR) {
      return this.writePower(value & POWER_STATE);
    }
    return 'none';
  }

  /** Where the memory BARs are decoded: as QEMU does it, not at 0 and not where the range wraps. */
  placement(): Placement {
    const placement = new Map(this.mapped);
    if (!(this.command & MEMORY)) return placement;
    for (const { index, size } of this.fn.bars) {
      if (this.isVirtual(index) || (index === ROM_INDEX && !(this.bars[index] & ROM_ENABLE))) continue;
      const address = this.address(index, size);
      if (address > 0 && address + size < this.limit(index)) placement.set(index, address);
    }
    return placement;
  }

  /** The I/O BAR that holds a port: its start and size. */
  portRange(port: number): { readonly start: number; readonly size: number } | undefined {
    for (const { index, type, size } of this.listed.bars) {
      if (type !== 'io' || size === undefined) continue;
      const start = this.bars[index] - (this.bars[index] % size);
      if (start > 0 && port >= start && port < start + size) return { start, size };
    }
    return undefined;
  }

  /**
   * The function was reset. BARs and COMMAND stay as last written: software writes them anew before it goes on, and
   * only the log says with what.
   */
  reset(): 'reset' {
    this.messageControl = 0;
    this.powerState = 0;
    return 'reset';
  }

  /** The machine starts: nothing is decoded. */
  powerOn(): void {
    this.assumed = false;
    this.command = 0;
    this.bars.fill(0);
    this.reset();
  }

  /** In D3hot: QEMU from 9.1 on takes the BARs away meanwhile. */
  get asleep(): boolean {
    return this.powerState === D3HOT;
  }

  isVirtual(index: number): boolean {
    return this.listed.bars.some((bar) => bar.index === index && bar.virtual);
  }

  /** A virtual function's BAR, which its physical function moves. */
  setMapping(index: number, address: number | undefined): void {
    if (address === undefined) this.mapped.delete(index);
    else this.mapped.set(index, address);
  }

  private writeBar(index: number, register: number, value: number): ConfigEffect {
    // A machine that starts sizes the BARs before it writes COMMAND; one that runs switches decoding off first.
    const starts = this.assumed;
    if (starts) this.powerOn();
    this.bars[index] = merged(this.bars[index], register, value);
    return starts ? 'message-control' : 'none';
  }

  private writeCommand(value: number): ConfigEffect {
    this.assumed = false;
    this.command = value;
    return 'none';
  }

  /** Primary, secondary, subordinate, latency timer; a small value at the first is that byte alone. */
  private writeBuses(register: number, value: number): ConfigEffect {
    if (register === SECONDARY_BUS + 1) this.secondaryBus = value & 0xff;
    else if (register === SECONDARY_BUS && value > 0xff) this.secondaryBus = (value >>> 8) & 0xff;
    return 'none';
  }

  private writeBridgeControl(register: number, value: number): ConfigEffect {
    const before = this.bridgeControl;
    this.bridgeControl = merged(before, register, value);
    return this.bridgeControl & ~before & SECONDARY_BUS_RESET ? 'reset-behind' : 'none';
  }

  private writeMessageControl(register: number, value: number): ConfigEffect {
    if (register % 4 === 1) return 'none';
    const control = merged(this.messageControl << 16, register, value) >>> 16;
    this.messageControl = control & (MSIX_ENABLE | FUNCTION_MASK);
    return 'message-control';
  }

  /** PCI PM 1.2, 5.4.1: leaving D3hot resets, unless No_Soft_Reset is set; models and quirks differ. */
  private writePower(state: number): ConfigEffect {
    const before = this.powerState;
    this.powerState = state;
    return before === D3HOT && state === 0 && !this.listed.capabilities.noSoftReset
      ? 'perhaps-reset'
      : 'none';
  }

  private address(index: number, size: number): number {
    const wide = this.fn.bars.find((bar) => bar.index === index)?.type === 'mem64';
    const value = this.bars[index] + (wide ? this.bars[index + 1] * 2 ** 32 : 0);
    return value - (value % Math.max(size, 16));
  }

  private limit(index: number): number {
    return this.fn.bars.find((bar) => bar.index === index)?.type === 'mem64' ? ADDRESS_LIMIT : 2 ** 32;
  }

  private set(index: number, address: number): void {
    this.bars[index] = address % 2 ** 32;
    if (address >= 2 ** 32) this.bars[index + 1] = address / 2 ** 32;
    if (index === ROM_INDEX && address > 0) this.bars[index] |= ROM_ENABLE;
  }
}

/** A dword after a write at a register of it: of a dword, a word or a byte, as its alignment allows. */
function merged(dword: number, register: number, value: number): number {
  const shift = 8 * (register % 4);
  if (shift === 0) return value >>> 0;
  const mask = (register % 4 === 2 ? 0xffff : 0xff) << shift;
  return ((dword & ~mask) | ((value << shift) & mask)) >>> 0;
}
