import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { parseSbdf, type Sbdf } from '../sbdf.js';
import { ADDRESS_LIMIT, type AddressRange, PAGE_SIZE, shown } from './address-range.js';

/**
 * A range that a device goes on using by DMA, so that an IOMMU must keep it mapped to itself. A guest with a virtual
 * VT-d is told of it by an RMRR structure in its DMAR table (VT-d 8.4). Bytes [start, end).
 */
export interface ReservedMemoryRegion extends AddressRange {
  /** Of the device. */
  readonly sbdf: Sbdf;
}

const LENGTH = 32;
const RMRR = 1;
const SCOPE = 24;
const ENDPOINT = 1;

/**
 * The 32 bytes of the RMRR structure, with one device scope: an endpoint on its bus. Throws `bad-argument` for a range
 * that is empty or no multiple of 4096.
 */
export function encodeReservedMemoryRegion({
  start,
  end,
  sbdf,
}: AddressRange & { readonly sbdf: Sbdf | string }): Uint8Array {
  const id = parseSbdf(sbdf);
  const faults = Object.entries({ start, end }).flatMap(([field, value]) =>
    isInteger(value, 0, ADDRESS_LIMIT) && value % PAGE_SIZE === 0
      ? []
      : `encodeReservedMemoryRegion: ${field} ${shown(value)} is no multiple of 4096 in [0, 2^52]`,
  );
  if (end <= start) {
    faults.push(`encodeReservedMemoryRegion: end ${shown(end)} is not after start ${shown(start)}`);
  }
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const bytes = new Uint8Array(LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, RMRR, true);
  view.setUint16(2, LENGTH, true);
  view.setUint16(6, id >>> 16, true);
  view.setBigUint64(8, BigInt(start), true);
  // The last byte, not the end.
  view.setBigUint64(16, BigInt(end - 1), true);
  bytes.set([ENDPOINT, LENGTH - SCOPE, 0, 0, 0, (id >>> 8) & 0xff, (id >>> 3) & 0x1f, id & 7], SCOPE);
  return bytes;
}

/** Reads what `encodeReservedMemoryRegion` writes. Throws `bad-argument` for anything else. */
export function decodeReservedMemoryRegion(bytes: Uint8Array): ReservedMemoryRegion {
  if (bytes.length === LENGTH) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH);
    const [start, last] = [view.getBigUint64(8, true), view.getBigUint64(16, true)];
    const sbdf = ((view.getUint16(6, true) << 16) | (bytes[29] << 8) | (bytes[30] << 3) | bytes[31]) >>> 0;
    if (bytes[30] < 32 && bytes[31] < 8 && start < last && last < BigInt(ADDRESS_LIMIT)) {
      const region = { sbdf, start: Number(start), end: Number(last) + 1 };
      if (isAligned(region) && sameBytes(encodeReservedMemoryRegion(region), bytes)) return region;
    }
  }
  throw new TraplineError(
    'bad-argument',
    `decodeReservedMemoryRegion: bytes (${bytes.length}) are no RMRR structure of 32 bytes with one endpoint on its bus`,
  );
}

const isAligned = ({ start, end }: AddressRange): boolean => start % PAGE_SIZE === 0 && end % PAGE_SIZE === 0;
const sameBytes = (one: Uint8Array, other: Uint8Array): boolean => one.every((byte, i) => byte === other[i]);
