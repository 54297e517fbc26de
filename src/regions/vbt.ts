/** A video BIOS table's header, of 48 bytes, and the BDB header that it leads to. Offsets and sizes are in bytes. */
export interface VbtHeader {
  /** Printable characters of it, without what fills it up. */
  readonly product: string;
  readonly version: number;
  readonly headerSize: number;
  /** Of the whole table. */
  readonly size: number;
  readonly checksum: number;
  readonly bdbOffset: number;
  /** Undefined: it lies outside the bytes. */
  readonly bdb: BdbHeader | undefined;
}

export interface BdbHeader {
  readonly signature: string;
  readonly version: number;
  readonly headerSize: number;
  readonly size: number;
}

const VBT_SIGNATURE = '$VBT';
const HEADER = 48;
const BDB_HEADER = 22;

export const isVbt = (bytes: Uint8Array): boolean => text(bytes.subarray(0, 4)) === VBT_SIGNATURE;

/**
 * Reads a VBT at the start of `bytes`, which may be longer. What is wrong with it is in `faults`, a sentence each;
 * without its signature there is no header.
 */
export function readVbt(bytes: Uint8Array): {
  readonly header?: VbtHeader;
  readonly faults: readonly string[];
} {
  if (!isVbt(bytes)) return { faults: [`VBT: it does not begin with ${VBT_SIGNATURE}`] };
  if (bytes.length < HEADER)
    return { faults: [`VBT: ${bytes.length} bytes cannot hold its header of ${HEADER}`] };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const bdbOffset = view.getUint32(28, true);
  const header: VbtHeader = {
    product: text(bytes.subarray(0, 20)),
    version: view.getUint16(20, true),
    headerSize: view.getUint16(22, true),
    size: view.getUint16(24, true),
    checksum: view.getUint8(26),
    bdbOffset,
    bdb: bdbOffset + BDB_HEADER <= bytes.length ? readBdb(bytes, view, bdbOffset) : undefined,
  };
  return { header, faults: vbtFaults(header, bytes.length) };
}

function readBdb(bytes: Uint8Array, view: DataView, offset: number): BdbHeader {
  return {
    signature: text(bytes.subarray(offset, offset + 16)),
    version: view.getUint16(offset + 16, true),
    headerSize: view.getUint16(offset + 18, true),
    size: view.getUint16(offset + 20, true),
  };
}

function vbtFaults({ headerSize, size, bdbOffset, bdb }: VbtHeader, room: number): string[] {
  const faults: string[] = [];
  if (headerSize < HEADER) faults.push(`VBT: its header has ${HEADER} bytes, it says ${headerSize}`);
  if (size > room) faults.push(`VBT: it says ${size} bytes, its place has ${room}`);
  if (bdbOffset < HEADER) faults.push(`VBT: its BDB at ${bdbOffset} lies over its header`);
  else if (!bdb || bdbOffset + bdb.size > size) {
    const end = bdb ? `, ${bdb.size} bytes,` : '';
    faults.push(`VBT: its BDB at ${bdbOffset}${end} leaves the ${size} bytes of the VBT`);
  }
  return faults;
}

/** Up to the first NUL, without the blanks behind; what is not printable ASCII is a dot. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const shown = [...(end < 0 ? bytes : bytes.subarray(0, end))];
  const letters = shown.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
  return letters.join('').trimEnd();
}
