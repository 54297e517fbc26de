const SIGNATURE = [0x55, 0xaa];
/** Where an image says its PCI data structure stands, 16 bits. */
const STRUCTURE = 0x18;
const PCIR = [0x50, 0x43, 0x49, 0x52];
/** In the PCI data structure: image length in units of 512 bytes, 16 bits; indicator, bit 7 set in the last image. */
const LENGTH = 0x10;
const INDICATOR = 0x15;
const LAST = 0x80;
const UNIT = 512;

/**
 * Bytes of the chain of images that an expansion ROM starts with (PCI firmware 3.0 5.1), at most `size`: 0 where there
 * is none. A chain ends at its last image, at an image without length, and where no image follows.
 */
export function romImageLength(size: number, byteAt: (offset: number) => number): number {
  const holds = (offset: number, expected: readonly number[]) =>
    expected.every((byte, index) => byteAt(offset + index) === byte);
  let start = 0;
  while (start < size) {
    if (start + STRUCTURE + 2 > size || !holds(start, SIGNATURE)) return start;
    const structure = start + word(byteAt, start + STRUCTURE);
    if (structure + INDICATOR >= size || !holds(structure, PCIR)) return start;
    const length = word(byteAt, structure + LENGTH) * UNIT;
    start += length;
    if (length === 0 || byteAt(structure + INDICATOR) & LAST) break;
  }
  return Math.min(start, size);
}

function word(byteAt: (offset: number) => number, offset: number): number {
  return byteAt(offset) | (byteAt(offset + 1) << 8);
}
