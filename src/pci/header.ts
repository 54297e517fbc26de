/** Registers of the configuration header (PCI 3.0 6.1, 6.2.2; PCI-to-PCI bridge 1.2). */
export const COMMAND = 0x04;
/** COMMAND: I/O decoding, memory decoding, legacy interrupt disabled. */
export const IO = 1 << 0;
export const MEMORY = 1 << 1;
export const INTX_DISABLE = 1 << 10;
export const HEADER_TYPE = 0x0e;
export const FIRST_BAR = 0x10;

/** What a header type has: BARs, and where the ROM's register stands. */
export function headerOf(image: Uint8Array): { readonly bars: number; readonly rom: number } {
  const type = image[HEADER_TYPE] & 0x7f;
  if (type === 0) return { bars: 6, rom: 0x30 };
  return type === 1 ? { bars: 2, rom: 0x38 } : { bars: 0, rom: 0 };
}
