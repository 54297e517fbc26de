import { hex } from '../hexadecimal.js';
import { ADDRESS_LIMIT } from './address-range.js';
import { OPREGION_SIZE } from './opregion-fields.js';

export const SIGNATURE = 'IntelGraphicsMem';
/** Offsets of what decides where the VBT is. None but SIZE is aligned to its width. */
export const SIZE = 0x10;
export const VERSION = 0x16;
export const RVDA = 0x3ba;
export const RVDS = 0x3c2;

/** As `major << 8 | minor`: the first with an extended VBT, at an absolute address, and the first with a relative one. */
export const VERSION_2_0 = 0x0200;
export const VERSION_2_1 = 0x0201;

/** Bytes of extended VBT at most, unless told otherwise: a VBT's own size has 16 bits. */
export const VBT_LIMIT = 0x1_0000;

/** What of an OpRegion decides whether it can be used and where its VBT is. */
export interface OpRegionHeader {
  readonly signed: boolean;
  /** KiB. */
  readonly size: number;
  /** `major << 8 | minor`. */
  readonly version: number;
  /** Address of the extended VBT: absolute in 2.0, from the OpRegion's start later. Any 64 bits. */
  readonly rvda: bigint;
  /** Bytes of the extended VBT. */
  readonly rvds: number;
}

/** Of the first 8 KiB. */
export function readHeader(bytes: Uint8Array): OpRegionHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    signed: isSigned(bytes),
    size: view.getUint32(SIZE, true),
    version: view.getUint16(VERSION, true),
    rvda: view.getBigUint64(RVDA, true),
    rvds: view.getUint32(RVDS, true),
  };
}

export const isSigned = (bytes: Uint8Array): boolean =>
  bytes.length >= SIGNATURE.length &&
  [...SIGNATURE].every((letter, index) => letter.charCodeAt(0) === bytes[index]);

/** An extended VBT takes version 2.0 and both fields; before, their bytes mean nothing. */
export const hasExtendedVbt = ({ version, rvda, rvds }: OpRegionHeader): boolean =>
  version >= VERSION_2_0 && rvda !== 0n && rvds !== 0;

/** RVDA counts from the OpRegion's start. */
export const isRelative = (version: number): boolean => version >= VERSION_2_1;

/** Why an OpRegion cannot be used, a sentence each; `asls` is its physical address, 0 where that is not known. */
export function headerFaults(header: OpRegionHeader, asls: number, vbtLimit = VBT_LIMIT): string[] {
  const { signed, size, version, rvda, rvds } = header;
  const faults: string[] = [];
  if (!signed) faults.push(`signature: expected ${SIGNATURE}`);
  if (size * 1024 !== OPREGION_SIZE) faults.push(`SIZE: expected 8 KiB, got ${size}`);
  if (!hasExtendedVbt(header)) return faults;
  if (rvds > vbtLimit) faults.push(`RVDS: expected a VBT of at most ${vbtLimit} bytes, got ${rvds}`);
  if (vbtAddress(header, asls) + BigInt(rvds) > BigInt(ADDRESS_LIMIT)) {
    const base = isRelative(version) && asls > 0 ? `${hex(asls)} + ` : '';
    faults.push(`RVDA: expected a VBT below 2^52, got it at ${base}${hex(rvda)}`);
  }
  return faults;
}

/** Physical; may exceed what a number or a processor can address. */
export const vbtAddress = ({ version, rvda }: OpRegionHeader, asls: number): bigint =>
  isRelative(version) ? BigInt(asls) + rvda : rvda;
