/** xorshift32: the same numbers for the same seed. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed | 0) === 0 ? 1 : seed | 0;
  }

  /** 32 bits. */
  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  /** In [0, limit). */
  below(limit: number): number {
    return this.next() % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}
