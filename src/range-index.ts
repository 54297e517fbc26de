import type { Range } from './range.js';

/**
 * Items by a range of addresses each, which may overlap: found in time that does not grow with those that lie elsewhere.
 * A range of up to 2^k bytes is listed in the one or two blocks of 2^k bytes that it touches.
 */
export class RangeIndex<Item> {
  private readonly ranges = new Map<Item, Range>();
  /** By k, then by block. */
  private readonly levels = new Map<number, Map<number, Set<Item>>>();

  /** `range` is not empty. */
  set(item: Item, range: Range): void {
    this.delete(item);
    this.ranges.set(item, range);
    const level = levelOf(range);
    const blocks = this.levels.get(level) ?? new Map<number, Set<Item>>();
    this.levels.set(level, blocks);
    for (const block of blocksOf(range, level)) {
      const items = blocks.get(block);
      if (items) items.add(item);
      else blocks.set(block, new Set([item]));
    }
  }

  delete(item: Item): void {
    const range = this.ranges.get(item);
    if (!range) return;
    this.ranges.delete(item);
    const level = levelOf(range);
    const blocks = this.levels.get(level) as Map<number, Set<Item>>;
    for (const block of blocksOf(range, level)) {
      const items = blocks.get(block) as Set<Item>;
      items.delete(item);
      if (items.size === 0) blocks.delete(block);
    }
    if (blocks.size === 0) this.levels.delete(level);
  }

  /** Those with bytes in a range, each once, in no order. */
  touching(range: Range): Item[] {
    const found = new Set<Item>();
    for (const [level, blocks] of this.levels) {
      const size = 2 ** level;
      const [first, last] = [Math.floor(range.start / size), Math.floor((range.end - 1) / size)];
      const near =
        last - first < blocks.size
          ? Array.from({ length: last - first + 1 }, (_, index) => blocks.get(first + index) ?? [])
          : blocks.values();
      for (const items of near) {
        for (const item of items) {
          const { start, end } = this.ranges.get(item) as Range;
          if (start < range.end && end > range.start) found.add(item);
        }
      }
    }
    return [...found];
  }
}

const levelOf = ({ start, end }: Range): number => Math.ceil(Math.log2(end - start));

function blocksOf({ start, end }: Range, level: number): Set<number> {
  const size = 2 ** level;
  return new Set([Math.floor(start / size), Math.floor((end - 1) / size)]);
}
