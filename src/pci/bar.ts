import type { BarDescription } from '../function.js';
import type { Bar, BarType } from '../host.js';
import type { PciFunction } from './function.js';

/** A BAR of an assigned function. */
export class FunctionBar implements Bar {
  readonly fn: PciFunction;
  readonly index: number;
  readonly type: BarType;
  readonly size: number;
  address: number;
  hostAddress: number;
  enabled: boolean;
  /** The function's decode bit switches it: memory BARs; the ROM only when its own enable bit is set. */
  readonly followsDecode: boolean;
  readonly initiallyEnabled: boolean;
  /** Not I/O, which never traps and is not switched here. */
  readonly isMemory: boolean;

  constructor(fn: PciFunction, description: BarDescription, decode: boolean) {
    this.fn = fn;
    this.index = description.index;
    this.type = description.type;
    this.size = description.size;
    this.address = description.address;
    this.hostAddress = description.hostAddress ?? description.address;
    const enabled = description.enabled ?? decode;
    this.isMemory = this.type !== 'io';
    this.followsDecode = this.type === 'rom' ? enabled : this.isMemory;
    this.initiallyEnabled = enabled;
    this.enabled = enabled && !this.isMemory;
  }

  /** One past the last byte. */
  get end(): number {
    return this.address + this.size;
  }

  /** Host address of a guest address. */
  host(address: number): number {
    return this.hostAddress + (address - this.address);
  }
}
