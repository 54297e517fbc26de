import { errno } from './errno.js';
import { describeRegion, type Region, type RegionInfo, regionFlags } from './region.js';

/** A region that only some devices have, such as an OpRegion. What is asked of it lies within its size. */
export interface DeviceRegion {
  /** Bytes. */
  readonly size: number;
  /** As vfio's CAP_TYPE names it. */
  readonly type: number;
  readonly subtype: number;
  /** Returns the bytes read, or an errno. */
  read(position: number, into: Uint8Array): number;
  /** Absent: never writable. Returns the bytes written, or an errno. */
  write?(position: number, from: Uint8Array): number;
}

/** A device-specific region behind the door: bounds as a BAR's. */
export class BoundedRegion implements Region {
  private readonly index: number;
  private readonly region: DeviceRegion;

  constructor(index: number, region: DeviceRegion) {
    this.index = index;
    this.region = region;
  }

  info(): RegionInfo {
    const { size, type, subtype, write } = this.region;
    const flags = regionFlags.READ | (write ? regionFlags.WRITE : 0);
    return { ...describeRegion(this.index, size, flags), type, subtype };
  }

  read(position: number, into: Uint8Array): number {
    const { region } = this;
    if (position >= region.size) return errno.EINVAL;
    return region.read(position, into.subarray(0, region.size - position));
  }

  write(position: number, from: Uint8Array): number {
    const { region } = this;
    if (position >= region.size || !region.write) return errno.EINVAL;
    return region.write(position, from.subarray(0, region.size - position));
  }
}
