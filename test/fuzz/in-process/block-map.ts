/** How often, as AFL tells it: 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more. A bit each. */
const BUCKETS = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count === 0) return 0;
  const firsts = [1, 2, 3, 4, 8, 16, 32, 128];
  return 1 << firsts.findLastIndex((first) => first <= count);
});

/** A block of a core, and how often it ran. */
export interface Reached {
  readonly core: number;
  readonly block: number;
  readonly bucket: number;
}

/** Blocks of the instrumented cores that ran, by how often in one execution. */
export class BlockMap {
  /** By core, the buckets of each block. */
  private readonly reached: readonly Uint8Array[];

  constructor(cores: number, blocks: number) {
    this.reached = Array.from({ length: cores }, () => new Uint8Array(blocks));
  }

  /** What ran, or ran as often, for the first time. `counters`: a core's each. */
  news(counters: readonly Uint8Array[]): Reached[] {
    const news: Reached[] = [];
    for (const [core, counts] of counters.entries()) {
      const reached = this.reached[core];
      for (let block = 0; block < counts.length; block++) {
        const bucket = BUCKETS[counts[block]];
        if ((bucket & ~reached[block]) !== 0) news.push({ core, block, bucket });
      }
    }
    return news;
  }

  hasAll(reached: readonly Reached[], counters: readonly Uint8Array[]): boolean {
    return reached.every(({ core, block, bucket }) => BUCKETS[counters[core][block]] === bucket);
  }

  /** True: there was something new. */
  add(counters: readonly Uint8Array[]): boolean {
    const news = this.news(counters);
    for (const { core, block, bucket } of news) this.reached[core][block] |= bucket;
    return news.length > 0;
  }

  /** In any core, by the block's id. */
  get blocks(): boolean[] {
    return Array.from(this.reached[0], (_, block) => this.reached.some((core) => core[block] !== 0));
  }
}
