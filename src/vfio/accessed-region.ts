import type { Width } from '../access.js';
import type { Range } from '../range.js';
import type { Errno } from './errno.js';
import type { Region, RegionInfo } from './region.js';
import { readFrom, type Source, type Target, writeTo } from './transfer.js';

/** A region that is read by single accesses. */
export abstract class ReadableRegion implements Region, Source {
  abstract readonly widest: Width;
  abstract readonly excluded: Range;
  abstract info(): RegionInfo | Errno;
  abstract load(position: number, width: Width, into: DataView, index: number): 0 | Errno;
  /** How many of `count` bytes from `position` can be transferred; or an errno. */
  protected abstract bounded(position: number, count: number): number;

  read(position: number, into: Uint8Array): number {
    const count = this.bounded(position, into.length);
    return count < 0 ? count : readFrom(this, position, into.subarray(0, count));
  }
}

/** And written by them. */
export abstract class WritableRegion extends ReadableRegion implements Target {
  abstract store(position: number, width: Width, from: DataView, index: number): 0 | Errno;

  write(position: number, from: Uint8Array): number {
    const count = this.bounded(position, from.length);
    return count < 0 ? count : writeTo(this, position, from.subarray(0, count));
  }
}
