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
  enabled = false;
  /** The function's decode bit switches it: memory BARs; the ROM only when its own enable bit is set. */
  readonly followsDecode: boolean;

  constructor(fn: PciFunction, description: BarDescription) {
    this.fn = fn;
    this.index = description.index;
    this.type = description.type;
    this.size = description.size;
    this.address = description.address;
    this.hostAddress = description.hostAddress ?? description.address;
    this.followsDecode = this.type === 'rom' ? description.enabled === true : this.type !== 'io';
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
