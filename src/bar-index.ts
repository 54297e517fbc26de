import type { FunctionBar } from './pci/bar.js';

/** The enabled memory BARs, ordered by guest address. Where BARs overlap (Xen policies only) a search may miss one. */
export class BarIndex {
  private readonly bars: FunctionBar[] = [];

  add(bar: FunctionBar): void {
    this.bars.splice(this.after(bar.address), 0, bar);
  }

  remove(bar: FunctionBar): void {
    const index = this.bars.indexOf(bar);
    if (index >= 0) this.bars.splice(index, 1);
  }

  /** The BAR that holds a guest address. */
  at(address: number): FunctionBar | undefined {
    const bar = this.bars[this.after(address) - 1];
    return bar && address < bar.end ? bar : undefined;
  }

  /** An indexed BAR that has bytes in common with this one. */
  overlapping(bar: FunctionBar): FunctionBar | undefined {
    const next = this.after(bar.address);
    const [before, behind] = [this.bars[next - 1], this.bars[next]];
    if (before && before.end > bar.address) return before;
    return behind && behind.address < bar.end ? behind : undefined;
  }

  /** Position behind the last BAR that starts at or before an address. */
  private after(address: number): number {
    let from = 0;
    let to = this.bars.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.bars[middle].address <= address) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
