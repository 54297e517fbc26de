import type { MsixLayout } from '../../src/function.js';
import type { Vector } from '../../src/host.js';
import type { Sbdf } from '../../src/sbdf.js';
import { type Context, callHost } from './context.js';

interface Entry {
  /** 64 bits. */
  address: bigint;
  data: bigint;
  masked: boolean;
  updated: boolean;
  armed: boolean;
}

/** The MSI-X table's entries and the two bits of Message Control that govern them. */
export class VectorTable {
  enabled = false;
  functionMask = false;
  private readonly sbdf: Sbdf;
  private readonly context: Context;
  private entries: readonly Entry[];

  /** Message Control's offset in configuration space. */
  private readonly register: number;

  constructor(context: Context, sbdf: Sbdf, { count, capability = 0x60 }: MsixLayout) {
    this.context = context;
    this.sbdf = sbdf;
    this.register = capability + 2;
    this.entries = atFirst(count);
  }

  /** Off, then every entry as at first. */
  reset(): void {
    this.writeControl(0);
    this.entries = atFirst(this.entries.length);
  }

  /** `field` is the byte offset in the entry: 0, 4, 8 or 12. */
  read(index: number, field: number, width: number): bigint {
    const entry = this.entries[index];
    const control = entry.masked ? 1n : 0n;
    if (field === 0) return entry.address;
    if (field === 4) return entry.address >> 32n;
    if (field === 8) return width === 8 ? entry.data | (control << 32n) : entry.data;
    return control;
  }

  write(index: number, field: number, width: number, value: bigint): void {
    const entry = this.entries[index];
    const low = value & 0xffffffffn;
    if (field === 12) {
      this.writeVectorControl(index, low);
      return;
    }
    entry.updated = true;
    if (field === 0) entry.address = width === 8 ? value : ((entry.address >> 32n) << 32n) | low;
    else if (field === 4) entry.address = (low << 32n) | (entry.address & 0xffffffffn);
    else {
      entry.data = low;
      if (width === 8) this.writeVectorControl(index, value >> 32n);
    }
  }

  private writeVectorControl(index: number, value: bigint): void {
    const entry = this.entries[index];
    const masked = (value & 1n) === 1n;
    if (masked === entry.masked) return;
    entry.masked = masked;
    if (!masked && this.enabled && !this.functionMask && entry.updated) this.rearm(index);
    else callHost(this.sbdf, () => this.context.host.maskVector?.(this.sbdf, this.vector(index)));
  }

  /** Address and data take effect: what was armed with the old ones ends first. */
  private rearm(index: number): void {
    const entry = this.entries[index];
    const { host } = this.context;
    callHost(this.sbdf, () => host.disarmVector?.(this.sbdf, this.vector(index)));
    entry.armed = false;
    callHost(this.sbdf, () => host.armVector?.(this.sbdf, this.vector(index)));
    entry.armed = true;
    entry.updated = false;
  }

  private disarm(index: number): void {
    const entry = this.entries[index];
    callHost(this.sbdf, () => this.context.host.disarmVector?.(this.sbdf, this.vector(index)));
    if (entry.armed) entry.updated = true;
    entry.armed = false;
  }

  /** Message Control: bit 15 enables MSI-X, bit 14 masks the function; the rest is read-only. */
  writeControl(value: number): void {
    const { host, policy, hardware } = this.context;
    const enabled = (value & 0x8000) !== 0;
    const functionMask = (value & 0x4000) !== 0;
    if (enabled === this.enabled && functionMask === this.functionMask) return;

    if (enabled && !functionMask && (!this.enabled || this.functionMask)) {
      for (const [index, entry] of this.entries.entries()) {
        if (!entry.masked && entry.updated) this.rearm(index);
      }
    } else if (!enabled && this.enabled) {
      for (const index of this.entries.keys()) this.disarm(index);
    }
    if (policy.intx === 'disabled' && enabled && !this.enabled && !hardware) {
      callHost(this.sbdf, () => host.disableIntx?.(this.sbdf));
    }
    const control = this.controlWith(enabled, functionMask);
    callHost(this.sbdf, () => host.writeConfig?.(this.sbdf, this.register, control));
    this.enabled = enabled;
    this.functionMask = functionMask;
  }

  get control(): number {
    return this.controlWith(this.enabled, this.functionMask);
  }

  private controlWith(enabled: boolean, functionMask: boolean): number {
    return (this.entries.length - 1) | (enabled ? 0x8000 : 0) | (functionMask ? 0x4000 : 0);
  }

  vector(index: number): Vector {
    const { address, data, masked, updated, armed } = this.entries[index];
    return {
      index,
      addressLow: Number(address & 0xffffffffn),
      addressHigh: Number(address >> 32n),
      data: Number(data),
      masked,
      updated,
      armed,
    };
  }
}

const atFirst = (count: number): Entry[] =>
  Array.from({ length: count }, () => ({
    address: 0n,
    data: 0n,
    masked: true,
    updated: false,
    armed: false,
  }));
