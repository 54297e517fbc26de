import { PAGE_SIZE, pageOf } from './access.js';
import type { MappedRange } from './function.js';
import type { FunctionBar } from './pci/bar.js';

/** Which pages trap, and for which BARs' sake. */
export interface TrapPlan {
  traps(page: number): boolean;
  /** Pages of a BAR that may have to trap. */
  candidates(bar: FunctionBar): readonly number[];
}

/** Guest pages that need not trap, mapped to host pages through the host: what is left of enabled BARs around the holes. */
export class DirectMap {
  private readonly plan: TrapPlan;
  private readonly ranges = new Map<FunctionBar, readonly MappedRange[]>();
  /** BARs by the pages that they do not fill, in the order of enabling: the first has the page. */
  private readonly edges = new Map<number, FunctionBar[]>();

  constructor(plan: TrapPlan) {
    this.plan = plan;
  }

  /** A BAR's directly mapped ranges, ascending. */
  of(bar: FunctionBar): readonly MappedRange[] {
    return this.ranges.get(bar) ?? [];
  }

  /** BARs were enabled. When the host throws, what it had mapped is unmapped again. */
  add(bars: readonly FunctionBar[]): void {
    for (const bar of bars) for (const page of edgesOf(bar)) this.edges.set(page, [...this.at(page), bar]);
    try {
      this.update([...bars, ...this.neighbours(bars)]);
    } catch (error) {
      for (const bar of bars) bar.enabled = false;
      try {
        this.remove(bars);
      } catch {
        // The first error is the one to report.
      }
      throw error;
    }
  }

  /** BARs were disabled. */
  remove(bars: readonly FunctionBar[]): void {
    const neighbours = this.neighbours(bars);
    for (const bar of bars) {
      for (const page of edgesOf(bar)) {
        const rest = this.at(page).filter((other) => other !== bar);
        if (rest.length > 0) this.edges.set(page, rest);
        else this.edges.delete(page);
      }
    }
    this.update([...bars, ...neighbours]);
  }

  private at(page: number): readonly FunctionBar[] {
    return this.edges.get(page) ?? [];
  }

  /** Enabled BARs with bytes on a page that one of these does not fill. */
  private neighbours(bars: readonly FunctionBar[]): FunctionBar[] {
    const others = bars.flatMap((bar) => edgesOf(bar).flatMap((page) => this.at(page)));
    return [...new Set(others)].filter((other) => !bars.includes(other));
  }

  /**
   * Brings these BARs' ranges up to date: first what must go, then what is new. A range that the host fails to unmap
   * counts as gone; the first error is thrown when all is done.
   */
  private update(bars: readonly FunctionBar[]): void {
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
    const wanted = bars.map((bar) => ({ bar, ranges: this.wanted(bar) }));
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

  private wanted(bar: FunctionBar): MappedRange[] {
    if (!bar.enabled) return [];
    if ((bar.address - bar.hostAddress) % PAGE_SIZE !== 0) return [];
    const others = edgesOf(bar).filter((page) => this.at(page)[0] !== bar);
    const holes = [...this.plan.candidates(bar).filter((page) => this.plan.traps(page)), ...others];
    const ranges: MappedRange[] = [];
    let start = pageOf(bar.address);
    const end = pageOf(bar.end + PAGE_SIZE - 1);
    for (const hole of [...new Set(holes)].sort((a, b) => a - b).concat(end)) {
      if (hole > start)
        ranges.push({
          guest: start,
          host: pageOf(bar.hostAddress) + start - pageOf(bar.address),
          length: hole - start,
        });
      start = hole + PAGE_SIZE;
    }
    return ranges;
  }
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

/** Pages that a BAR does not fill. */
export function edgesOf(bar: FunctionBar): number[] {
  const pages = new Set<number>();
  if (bar.address % PAGE_SIZE !== 0) pages.add(pageOf(bar.address));
  if (bar.end % PAGE_SIZE !== 0) pages.add(pageOf(bar.end));
  return [...pages];
}
