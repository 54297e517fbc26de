import { ADDRESS_LIMIT, PAGE_SIZE, pageOf } from './access.js';
import type { MappedRange } from './function.js';
import type { FunctionBar } from './pci/bar.js';
import type { Range } from './range.js';
import { RangeIndex } from './range-index.js';

/** Which pages trap, and for which BARs' sake. */
interface TrapPlan {
  traps(page: number): boolean;
  /** Pages of a BAR that may have to trap. */
  candidates(bar: FunctionBar): readonly number[];
}

/**
 * Guest pages that need not trap, mapped to host pages through the host: what is left of enabled BARs around the holes.
 * Of BARs that share such a page, which only the Xen policies let happen, the one enabled first has it.
 */
export class DirectMap {
  private readonly plan: TrapPlan;
  /** What each enabled BAR is in the order of enabling. */
  private readonly enabled = new Map<FunctionBar, number>();
  /** By the pages that they have bytes on or make trap. */
  private readonly reach = new RangeIndex<FunctionBar>();
  private readonly ranges = new Map<FunctionBar, readonly MappedRange[]>();
  private sequence = 0;

  constructor(plan: TrapPlan) {
    this.plan = plan;
  }

  /** A BAR's directly mapped ranges, ascending. */
  of(bar: FunctionBar): readonly MappedRange[] {
    return this.ranges.get(bar) ?? [];
  }

  /** BARs were enabled, and the plan knows. When the host throws, all else is mapped; `remove` takes it back. */
  add(bars: readonly FunctionBar[]): void {
    for (const bar of bars) {
      this.enabled.set(bar, this.sequence++);
      this.reach.set(bar, this.reachOf(bar));
    }
    this.update(bars);
  }

  /** BARs were disabled, and the plan knows. */
  remove(bars: readonly FunctionBar[]): void {
    for (const bar of bars) {
      this.enabled.delete(bar);
      this.reach.delete(bar);
    }
    this.update(bars);
  }

  /**
   * Brings up to date the ranges of these BARs and of their neighbours: first what must go, then what is new. A range
   * that the host fails to unmap counts as gone; the first error is thrown when all is done.
   */
  private update(changed: readonly FunctionBar[]): void {
    const bars = new Set([...changed, ...changed.flatMap((bar) => this.neighbours(bar))]);
    const errors: unknown[] = [];
    const attempt = (work: () => void): boolean => {
      try {
        work();
        return true;
      } catch (error) {
        errors.push(error);
        return false;
      }
    };
    const wanted = [...bars].map((bar) => ({ bar, ranges: this.wanted(bar) }));
    for (const { bar, ranges } of wanted) {
      const { host, sbdf } = bar.fn;
      const [kept, gone] = partition(this.of(bar), ranges);
      for (const { guest, length } of gone) attempt(() => host.unmapGuestPages?.(guest, length, sbdf));
      this.ranges.set(bar, kept);
    }
    for (const { bar, ranges } of wanted) {
      const { fn } = bar;
      const [, added] = partition(ranges, this.of(bar));
      const mapped = added.filter(({ guest, host, length }) =>
        attempt(() => fn.host.mapGuestPages?.(guest, host, length, fn.sbdf)),
      );
      const all = [...this.of(bar), ...mapped].sort((a, b) => a.guest - b.guest);
      if (all.length > 0) this.ranges.set(bar, all);
      else this.ranges.delete(bar);
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Other enabled BARs with bytes on this one's pages, or that make some of them trap, in the order of enabling. */
  private neighbours(bar: FunctionBar): FunctionBar[] {
    return this.reach
      .touching(this.reachOf(bar))
      .filter((other) => other !== bar)
      .sort((a, b) => this.order(a) - this.order(b));
  }

  private order(bar: FunctionBar): number {
    return this.enabled.get(bar) as number;
  }

  /** A malformed table or PBA may lie past the end of its BAR. */
  private reachOf(bar: FunctionBar): Range {
    const { start, end } = pagesAround(bar);
    const pages = this.plan.candidates(bar);
    return {
      start: pages.reduce((lowest, page) => Math.min(lowest, page), start),
      end: pages.reduce((highest, page) => Math.max(highest, page + PAGE_SIZE), end),
    };
  }

  private wanted(bar: FunctionBar): MappedRange[] {
    if (!this.enabled.has(bar) || bar.end > ADDRESS_LIMIT) return [];
    const neighbours = this.neighbours(bar);
    const trapping = [bar, ...neighbours]
      .flatMap((other) => this.plan.candidates(other))
      .filter((page) => this.plan.traps(page))
      .map((page) => ({ start: page, end: page + PAGE_SIZE }));
    const taken = neighbours.filter((other) => this.order(other) < this.order(bar)).map(pagesAround);
    const { start, end } = pagesAround(bar);
    const ranges: MappedRange[] = [];
    let at = start;
    const holes = [...trapping, ...taken].sort((a, b) => a.start - b.start);
    for (const hole of [...holes, { start: end, end }]) {
      const length = Math.min(hole.start, end) - at;
      if (length > 0) ranges.push({ guest: at, host: pageOf(bar.hostAddress) + at - start, length });
      at = Math.max(at, hole.end);
    }
    return ranges;
  }
}

/** The pages that a BAR has bytes on. */
function pagesAround(bar: FunctionBar): Range {
  return { start: pageOf(bar.address), end: pageOf(bar.end + PAGE_SIZE - 1) };
}

/** Those of `ranges` that are among `others`, and those that are not. */
function partition(
  ranges: readonly MappedRange[],
  others: readonly MappedRange[],
): [MappedRange[], MappedRange[]] {
  const among = (range: MappedRange) => others.some((other) => same(range, other));
  return [ranges.filter(among), ranges.filter((range) => !among(range))];
}

const same = (a: MappedRange, b: MappedRange): boolean =>
  a.guest === b.guest && a.host === b.host && a.length === b.length;
