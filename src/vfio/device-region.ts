import { errno } from './errno.js';
import { describeRegion, type Region, type RegionInfo, regionFlags } from './region.js';

/** Bytes by position. What is asked of them lies within their size. */
export interface ByteRegion {
  /** Bytes. */
  readonly size: number;
  /** Returns the bytes read, or an errno. */
  read(position: number, into: Uint8Array): number;
  /** Absent: never writable. Returns the bytes written, or an errno. */
  write?(position: number, from: Uint8Array): number;
  /** For a snapshot: its state as plain data, of which JSON keeps all. Absent: it has none, or keeps it elsewhere. */
  save?(): unknown;
  /** What is wrong with a state, a sentence each. */
  stateFaults?(state: unknown): readonly string[];
  /** Takes on a state without faults. */
  restore?(state: unknown): void;
}

/** A region that only some devices have, such as an OpRegion. */
export interface DeviceRegion extends ByteRegion {
  /** As vfio's CAP_TYPE names it. */
  readonly type: number;
  /** As vfio's CAP_TYPE numbers those of a type. */
  readonly subtype: number;
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
