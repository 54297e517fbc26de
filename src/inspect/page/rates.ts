/** What a rising total rose by in each of the last periods. */
export class Rates {
  /** When the periods were, the newest at 0. */
  readonly seconds: number[];
  readonly values: number[];
  private total: number | undefined;

  constructor(periods: number) {
    this.seconds = Array.from({ length: periods }, (_, index) => index - periods + 1);
    this.values = new Array<number>(periods).fill(0);
  }

  /** A total that fell was set to 0 meanwhile. */
  add(total: number): void {
    const before = this.total ?? total;
    this.values.push(total < before ? total : total - before);
    this.values.shift();
    this.total = total;
  }

  get last(): number {
    return this.values[this.values.length - 1];
  }
}
