/** Murmur3's finaliser. */
function fmix32(hash: number): number {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** What physical memory holds before anything is written; `low` and `high` are the lanes of a 4-aligned address. */
export const initialWord = (low: number, high: number): number =>
  fmix32(low ^ fmix32((high + 0x9e3779b9) >>> 0));

/** Little-endian physical memory, one for all mappings of a scenario. */
export class BackingMemory {
  private readonly written = new Map<number, number>();

  /** The bytes of one lane, `width` at most 4; the access does not cross a 4-byte boundary. */
  read(address: number, width: number): number {
    const shift = 8 * (address % 4);
    return ((this.word(address - (address % 4)) >>> shift) & mask(width)) >>> 0;
  }

  write(address: number, width: number, value: number): void {
    const shift = 8 * (address % 4);
    const at = address - (address % 4);
    const bits = mask(width) << shift;
    this.written.set(at, ((this.word(at) & ~bits) | ((value << shift) & bits)) >>> 0);
  }

  private word(address: number): number {
    return this.written.get(address) ?? initialWord(address % 2 ** 32, Math.floor(address / 2 ** 32));
  }
}

const mask = (width: number): number => (width === 4 ? 0xffffffff : (1 << (8 * width)) - 1);
