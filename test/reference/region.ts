import type { RegionRange } from '../../src/function.js';
import type { ByteRegion } from '../../src/vfio/device-region.js';
import { type Context, callHost } from './context.js';
import type { Range } from './range.js';
import type { ReferenceFunction } from './reference-function.js';

const REFUSALS = [-1, -13, -22];

/** A region at guest addresses that no BAR has. It ends where a BAR may begin, at the next 16 bytes. */
export class ReferenceRegion implements Range, RegionRange {
  readonly region: ByteRegion;
  readonly enabled = true;
  address: number;
  private readonly context: Context;
  private readonly f: ReferenceFunction;

  constructor(context: Context, f: ReferenceFunction, region: ByteRegion, address: number) {
    this.context = context;
    this.f = f;
    this.region = region;
    this.address = address;
  }

  get start(): number {
    return this.address;
  }

  get end(): number {
    return this.address + Math.ceil(this.region.size / 16) * 16;
  }

  /** Aligned. Bytes behind the region read all ones. */
  read(address: number, width: number): bigint {
    const position = address - this.address;
    const bytes = new Uint8Array(width).fill(0xff);
    const length = Math.min(width, this.region.size - position);
    if (length > 0) this.call([], () => this.region.read(position, bytes.subarray(0, length)));
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** Bytes behind the region are dropped, and what it refuses is, reported. */
  write(address: number, width: number, value: bigint): void {
    const position = address - this.address;
    const length = Math.min(width, this.region.size - position);
    if (length <= 0) return;
    const bytes = Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
    const refused = !this.region.write || this.call(REFUSALS, () => this.region.write!(position, bytes));
    if (refused) this.context.diagnostics.report('region-refused', this.f.sbdf, address);
  }

  /** Whether it refuses, with one of these. What it throws or fails with is the host's failure. */
  private call(refusals: readonly number[], work: () => number): boolean {
    const { sbdf } = this.f;
    return callHost(sbdf, () => {
      const result = work();
      if (result >= 0) return false;
      if (refusals.includes(result)) return true;
      throw new Error(`region: errno ${result}`);
    });
  }
}
