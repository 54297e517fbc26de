import type { PhysicalMemory } from '../../src/regions/physical-memory.js';

/** Where the tests' OpRegion is: not on a page boundary. */
export const ASLS = 0x7a3f_e018;
export const VBT_2_0 = 0x7a5b_1000;

export interface ImageOptions {
  /** KiB. */
  readonly size?: number;
  /** `major << 8 | minor`. */
  readonly version?: number;
  readonly rvda?: bigint;
  readonly rvds?: number;
}

/** 8 KiB of which no two neighbours are alike, with the header's fields over them. */
export function image({ size = 8, version = 0x0200, rvda = 0n, rvds = 0 }: ImageOptions = {}): Uint8Array {
  const bytes = Uint8Array.from({ length: 0x2000 }, (_, index) => (index * 11 + (index >> 8) + 5) & 0xff);
  bytes.set(new TextEncoder().encode('IntelGraphicsMem'));
  const view = new DataView(bytes.buffer);
  view.setUint32(0x10, size, true);
  view.setUint32(0x14, version << 16, true);
  view.setBigUint64(0x3ba, rvda, true);
  view.setUint32(0x3c2, rvds, true);
  return bytes;
}

export const vbtByte = (index: number): number => (index * 7 + 3) & 0xff;
export const vbtOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => vbtByte(index));

/** Physical memory with ranges in it, that notes what is mapped and unmapped. */
export class Memory implements PhysicalMemory {
  readonly calls: string[] = [];
  private readonly ranges: readonly (readonly [address: number, bytes: Uint8Array])[];
  private readonly plain: boolean;

  /** `plain`: it hands out its memory; else readers of it. */
  constructor(ranges: readonly (readonly [address: number, bytes: Uint8Array])[], plain = true) {
    this.ranges = ranges;
    this.plain = plain;
  }

  map(address: number, length: number) {
    this.calls.push(`map 0x${address.toString(16)} ${length}`);
    for (const [start, bytes] of this.ranges) {
      if (address < start || address + length > start + bytes.length) continue;
      const mapped = bytes.subarray(address - start, address - start + length);
      if (this.plain) return mapped;
      return {
        read: (offset: number, into: Uint8Array) => {
          if (offset < 0 || offset + into.length > length) throw new Error('outside the mapping');
          this.calls.push(`read 0x${(address + offset).toString(16)} ${into.length}`);
          into.set(mapped.subarray(offset, offset + into.length));
        },
      };
    }
    return null;
  }

  unmap(address: number, length: number): void {
    this.calls.push(`unmap 0x${address.toString(16)} ${length}`);
  }
}

/** A dump as the firmware of a laptop leaves it, with no machine's own data in it: 2.0, its VBT elsewhere. */
export function laptopDump(): Uint8Array {
  const bytes = new Uint8Array(0x2000);
  const view = new DataView(bytes.buffer);
  const text = (offset: number, letters: string) => bytes.set(new TextEncoder().encode(letters), offset);
  text(0, 'IntelGraphicsMem');
  view.setUint32(0x10, 8, true);
  view.setUint32(0x14, 0x0200_0000, true);
  text(0x18, 'SYNTHETIC 1.0');
  view.setUint32(0x58, 0b01101, true);
  [...'9.0.1069'].forEach((letter, index) => {
    view.setUint16(0x64 + 2 * index, letter.charCodeAt(0), true);
  });
  view.setUint32(0x120, 0x400, true);
  view.setUint32(0x124, 0x300, true);
  view.setUint32(0x1ac, 1, true);
  view.setUint32(0x310, 0x8000_00ff, true);
  view.setBigUint64(0x3ba, BigInt(VBT_2_0), true);
  view.setUint32(0x3c2, 0x2200, true);
  return bytes;
}

/** A VBT with its BDB behind the header, `size` bytes; a sound one unless `change` spoils it. */
export function vbtTable(size: number, change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('$VBT SYNTHETIC      '));
  view.setUint16(20, 100, true);
  view.setUint16(22, 48, true);
  view.setUint16(24, size, true);
  view.setUint8(26, 0x5a);
  view.setUint32(28, 48, true);
  bytes.set(new TextEncoder().encode('BIOS_DATA_BLOCK '), 48);
  view.setUint16(64, 228, true);
  view.setUint16(66, 22, true);
  view.setUint16(68, size - 48, true);
  change(view);
  return bytes;
}
