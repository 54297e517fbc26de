import { PAGE_SIZE, type Width } from '../access.js';
import type { PageHandler } from '../host.js';
import type { ByteRegion } from '../vfio/device-region.js';

const NO_HIGH = new Uint32Array(0);

/** All host pages and regions of a replay: they answer with the bytes of the access that is being replayed. */
export class RecordedAccess implements PageHandler {
  private address = 0;
  private low = 0;
  private high = 0;

  set(address: number, low: number, high: number): void {
    this.address = address;
    this.low = low;
    this.high = high;
  }

  read(offset: number, width: Width, high: Uint32Array): number {
    // Page offsets are equal on both sides; an access may run into the next page.
    const skip = 8 * ((offset - this.address) & (PAGE_SIZE - 1));
    if (width === 8) high[0] = this.high;
    let value = this.low;
    if (skip >= 32) value = this.high >>> (skip - 32);
    else if (skip > 0) value = (this.low >>> skip) | (this.high << (32 - skip));
    if (width === 1) return value & 0xff;
    if (width === 2) return value & 0xffff;
    return value >>> 0;
  }

  /** Nobody reads what was written but through the trace. */
  write(): void {}

  /** A region at a guest address. */
  region(address: number, size: number): ByteRegion {
    return {
      size,
      read: (position, into) => {
        for (let index = 0; index < into.length; index++) {
          into[index] = this.read(address + position + index, 1, NO_HIGH);
        }
        return into.length;
      },
      write: (_, from) => from.length,
    };
  }
}
