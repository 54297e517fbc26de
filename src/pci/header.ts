/** Registers of the configuration header (PCI 3.0 6.1, 6.2.2; PCI-to-PCI bridge 1.2). */
export const VENDOR_ID = 0x00;
export const DEVICE_ID = 0x02;
export const COMMAND = 0x04;
/** COMMAND: I/O decoding, memory decoding, legacy interrupt disabled. */
export const IO = 1 << 0;
export const MEMORY = 1 << 1;
export const INTX_DISABLE = 1 << 10;
/** Sub-class, and base class above it: 16 bits of the class code. */
export const CLASS = 0x0a;
const HEADER_TYPE = 0x0e;
export const FIRST_BAR = 0x10;
/** The ROM's register, bit 0 (PCI 3.0 6.2.5.2). */
export const ROM_ENABLE = 1 << 0;

/** 0: a function; 1: a PCI-to-PCI bridge. */
export const headerType = (image: Uint8Array): number => image[HEADER_TYPE] & 0x7f;

/** What a header has: BARs, and where the ROM's register stands; 0: it has none. */
interface Header {
  readonly bars: number;
  readonly rom: number;
}

/** By its type. */
export function headerOfType(type: number): Header {
  if (type === 0) return { bars: 6, rom: 0x30 };
  return type === 1 ? { bars: 2, rom: 0x38 } : { bars: 0, rom: 0 };
}

export const headerOf = (image: Uint8Array): Header => headerOfType(headerType(image));
