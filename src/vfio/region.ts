import type { Errno } from './errno.js';

/** Region numbers, as vfio gives them; BARs are 0 to 5. */
export const ROM_REGION = 6;
export const CONFIG_REGION = 7;
export const VGA_REGION = 8;
/** The first of the device-specific regions. */
export const FIRST_DEVICE_REGION = 9;

/** A region's position 0 is at the offset index * 2^40: exact in a number for every index. */
const REGION_SPAN = 2 ** 40;

/** What may be done with a region: a bit set, in vfio's bits. */
export const regionFlags = {
  /** `pread` reads it. */
  READ: 1,
  /** `pwrite` writes it. */
  WRITE: 2,
  /** Some of its pages may be mapped: `mappable`. */
  MMAP: 4,
} as const;

/** A byte of a region. */
export interface RegionPosition {
  /** Of the region. */
  readonly index: number;
  /** Bytes from the region's start. */
  readonly position: number;
}

/** The offset of a position, as `pread` and `pwrite` take it. */
export const regionOffset = (index: number, position = 0): number => index * REGION_SPAN + position;

/** The region and position of an offset; undefined where it is none. */
export function regionPosition(at: number | RegionPosition): RegionPosition | undefined {
  const { index, position } =
    typeof at === 'number' ? { index: Math.floor(at / REGION_SPAN), position: at % REGION_SPAN } : at;
  const valid = isCount(index) && isCount(position);
  return valid ? { index, position } : undefined;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Bytes of a region. */
export interface ByteRange {
  /** Bytes from the region's start. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** What `regionInfo` answers. */
export interface RegionInfo {
  /** Of the region. */
  readonly index: number;
  /** Of position 0. */
  readonly offset: number;
  /** Bytes; 0: nothing is there. */
  readonly size: number;
  /** Of `regionFlags`. */
  readonly flags: number;
  /** The MSI-X table lies in this region, which may be mapped all the same (vfio's MSIX_MAPPABLE). */
  readonly msixMappable: boolean;
  /** With `MMAP`: the whole pages that hold no byte of the MSI-X table. */
  readonly mappable: readonly ByteRange[];
  /** A device-specific region's. */
  readonly type?: number;
  /** Likewise. */
  readonly subtype?: number;
}

/** What is known of a region that cannot be mapped. */
export const describeRegion = (index: number, size: number, flags: number): RegionInfo => ({
  index,
  offset: regionOffset(index),
  size,
  flags,
  msixMappable: false,
  mappable: [],
});

/**
 * A region of an open door. `position` is an integer of at least 0, and there is at least a byte to transfer. Both
 * return the bytes transferred or an errno; what they throw becomes EIO.
 */
export interface Region {
  info(): RegionInfo | Errno;
  read(position: number, into: Uint8Array): number;
  /** Absent: never writable. */
  write?(position: number, from: Uint8Array): number;
}
