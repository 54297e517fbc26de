import { ADDRESS_LIMIT, PAGE_SIZE, pageOf } from './access.js';
import type { PageMap } from './engine/page-map.js';
import type { Location } from './function.js';
import type { MappedPage } from './memory/mapped-page.js';
import type { SlotCache } from './memory/page-cache.js';
import type { FunctionBar } from './pci/bar.js';
import type { PciFunction } from './pci/function.js';
import { areOn, ownerAmong, type Structure, structuresIn, structuresOf } from './pci/structure.js';
import { pagesOf, type Range, touches } from './range.js';
import type { Owner, PageSpan } from './span.js';

/** Which pages trap and what their bytes are: kept up to date as BARs are enabled and disabled. */
export interface PagePlan {
  /** Guest pages that must trap once these BARs are enabled, beyond the structures' own, ascending: shared or misaligned. */
  sharedPages(bars: readonly FunctionBar[]): number[];
  /** True where BARs other than this one make a page trap. */
  trapsForOthers(page: number, bar: FunctionBar): boolean;
  traps(page: number): boolean;
  /** From now on these BARs have a say in which pages trap. */
  claim(bars: readonly FunctionBar[]): void;
  /** The pages that they claimed trap from now on. Throws `out-of-memory`: then some do not. */
  show(bars: readonly FunctionBar[]): void;
  /** They have no say any more, and no byte. */
  release(bars: readonly FunctionBar[]): void;
  /** Rebuilds the pages that these enabled BARs claim. */
  refresh(bars: readonly FunctionBar[]): void;
}

/** BARs by the pages on which they claim bytes. */
class Claims {
  private readonly byPage = new Map<number, FunctionBar[]>();

  at(page: number): readonly FunctionBar[] {
    return this.byPage.get(page) ?? [];
  }

  add(page: number, bar: FunctionBar): void {
    const bars = this.byPage.get(page);
    if (bars) bars.push(bar);
    else this.byPage.set(page, [bar]);
  }

  remove(page: number, bar: FunctionBar): void {
    const bars = this.byPage.get(page) ?? [];
    const rest = bars.filter((other) => other !== bar);
    if (rest.length > 0) this.byPage.set(page, rest);
    else this.byPage.delete(page);
  }
}

/** The part of planning that all policies share. `claimed` and `spans` are the policy's. */
abstract class ClaimedPages implements PagePlan {
  protected readonly claims = new Claims();
  protected readonly pbaWidths: number;
  private readonly map: PageMap;

  constructor(map: PageMap, pbaWidths: number) {
    this.map = map;
    this.pbaWidths = pbaWidths;
  }

  abstract sharedPages(bars: readonly FunctionBar[]): number[];
  abstract trapsForOthers(page: number, bar: FunctionBar): boolean;
  abstract candidates(bar: FunctionBar): readonly number[];
  abstract traps(page: number): boolean;
  /** Pages on which an enabled BAR has a say. */
  protected abstract claimed(bar: FunctionBar): readonly number[];
  /** What a page holds; nothing where it need not trap. */
  protected abstract spans(page: number): PageSpan[];

  claim(bars: readonly FunctionBar[]): void {
    for (const bar of bars) {
      for (const page of this.reachable(bar)) this.claims.add(page, bar);
    }
  }

  show(bars: readonly FunctionBar[]): void {
    for (const page of this.pagesOf(bars)) this.map.set(page / PAGE_SIZE, this.spans(page));
  }

  release(bars: readonly FunctionBar[]): void {
    const pages = this.pagesOf(bars);
    for (const bar of bars) {
      for (const page of this.reachable(bar)) this.claims.remove(page, bar);
    }
    for (const page of pages) this.rebuild(page);
  }

  refresh(bars: readonly FunctionBar[]): void {
    for (const page of this.pagesOf(bars)) this.rebuild(page);
  }

  private rebuild(page: number): void {
    try {
      this.map.set(page / PAGE_SIZE, this.spans(page));
    } catch {
      // No room for what is left of a shared page: nobody answers there until its BARs are enabled anew.
      this.map.set(page / PAGE_SIZE, []);
    }
  }

  /** A guest may move a BAR, and a malformed capability point, to where no address reaches. */
  private reachable(bar: FunctionBar): number[] {
    return this.claimed(bar).filter((page) => page < ADDRESS_LIMIT);
  }

  /** The pages that these BARs claim, each once. */
  private pagesOf(bars: readonly FunctionBar[]): Set<number> {
    return new Set(bars.flatMap((bar) => this.reachable(bar)));
  }
}

/** Host pages can be mapped where the guest's are: they hold the bytes, at equal page offsets, and nobody else's. */
const fitsHost = (bar: FunctionBar): boolean =>
  !bar.trapsAll && !bar.trapsEdges && (bar.address - bar.hostAddress) % PAGE_SIZE === 0;

/** Pages of a BAR that it does not fill, which others may share; all where all trap. */
const shareable = (bar: FunctionBar): number[] =>
  bar.trapsAll ? pagesOf({ start: bar.address, end: bar.end }) : edgesOf(bar);

/** Pages with bytes of the guest's registers. */
const registerPages = ({ registers, address }: FunctionBar): Set<number> =>
  new Set(Array.from(registers.keys(), (offset) => pageOf(address + offset)));

/** Policy strict: each byte belongs to the BAR it lies in, and pages with several BARs trap as well. */
export class OwnerPlan extends ClaimedPages {
  sharedPages(bars: readonly FunctionBar[]): number[] {
    const shares = new Map<number, number>();
    const odd = new Set<number>();
    for (const bar of bars) {
      const registers = registerPages(bar);
      for (const page of new Set([...shareable(bar), ...registers])) {
        shares.set(page, (shares.get(page) ?? this.claims.at(page).length) + 1);
        if (!fitsHost(bar) || registers.has(page)) odd.add(page);
      }
    }
    const pages = [...shares].filter(([page, count]) => count > 1 || odd.has(page)).map(([page]) => page);
    return pages.sort((a, b) => a - b);
  }

  trapsForOthers(page: number, bar: FunctionBar): boolean {
    return this.claims.at(page).some((other) => other !== bar);
  }

  protected claimed(bar: FunctionBar): readonly number[] {
    return [...new Set([...structuresOf(bar).flatMap(pagesOf), ...shareable(bar), ...registerPages(bar)])];
  }

  candidates(bar: FunctionBar): readonly number[] {
    return this.claimed(bar);
  }

  traps(page: number): boolean {
    const bars = this.claims.at(page);
    return (
      bars.length > 1 ||
      bars.some(
        (bar) =>
          !fitsHost(bar) ||
          structuresOf(bar).some((range) => touches(range, page)) ||
          registerPages(bar).has(page),
      )
    );
  }

  protected spans(page: number): PageSpan[] {
    if (!this.traps(page)) return [];
    const bars = this.claims.at(page);
    const spans: PageSpan[] = [];
    let at = page;
    for (const bar of [...bars].sort((a, b) => a.address - b.address)) {
      const start = Math.max(bar.address, page);
      const end = Math.min(bar.end, page + PAGE_SIZE);
      if (start > at) spans.push(nobody(page, at, start));
      const hostPageStart = start + PAGE_SIZE - (bar.host(start) % PAGE_SIZE);
      for (const [from, to] of segments(start, end, [...structuresOf(bar).flatMap(bounds), hostPageStart])) {
        const kind = ownerAmong(structuresIn(bar), from) ?? 'forward';
        const host = bar.host(from);
        spans.push(
          span(page, from, to, kind, this.pbaWidths, bar.fn, bar.fn.pageBehind(bar, host), host % PAGE_SIZE),
        );
      }
      at = end;
    }
    if (at < page + PAGE_SIZE) spans.push(nobody(page, at, page + PAGE_SIZE));
    return spans;
  }
}

/** The Xen policies: the newest function with table or PBA on a page has all of it. */
export class NewestPlan extends ClaimedPages {
  sharedPages(): number[] {
    return [];
  }

  trapsForOthers(page: number): boolean {
    return this.traps(page);
  }

  candidates(bar: FunctionBar): readonly number[] {
    return [...new Set([...this.claimed(bar), ...edgesOf(bar)])];
  }

  traps(page: number): boolean {
    return this.claims.at(page).length > 0;
  }

  protected claimed(bar: FunctionBar): readonly number[] {
    return [...new Set(structuresOf(bar).flatMap(pagesOf))];
  }

  protected spans(page: number): PageSpan[] {
    const functions = this.claims.at(page).map((bar) => bar.fn);
    if (functions.length === 0) return [];
    const fn = functions.reduce((a, b) => (b.sequence > a.sequence ? b : a));
    const structures = { table: fn.table, pba: fn.pba };
    const mapped = slotPage(fn, page);
    return segments(page, page + PAGE_SIZE, [structures.table, structures.pba].flatMap(bounds)).map(
      ([from, to]) =>
        span(
          page,
          from,
          to,
          ownerAmong(structures, from) ?? 'forward',
          this.pbaWidths,
          fn,
          mapped,
          from - page,
        ),
    );
  }
}

/** Whose byte `address`, in this enabled BAR, is. */
export function locationOf(bar: FunctionBar, address: number, plan: PagePlan): Location {
  const page = pageOf(address);
  const structures = structuresIn(bar);
  const own = areOn(structures, page) || registerPages(bar).has(page) ? 'adjacent' : undefined;
  const owner =
    ownerAmong(structures, address) ??
    own ??
    (bar.isCopied ? (bar.type as 'rom' | 'region') : undefined) ??
    (plan.trapsForOthers(page, bar) ? 'neighbour' : 'direct');
  return { fn: bar.fn, bar, offset: address - bar.address, owner };
}

/** The slot that Xen uses for a page of a function, told where its host page is. */
export function slotPage(fn: PciFunction, page: number): MappedPage {
  const cache = fn.cache as SlotCache;
  const { table, pba } = fn as { table: Structure; pba: Structure };
  const host = (structure: Structure, address: number) => structure.bar?.host(address) ?? address;
  // A tail's slot maps the page of the byte after the structure.
  if (page === pageOf(table.start)) return cache.at(0, host(table, table.start));
  if (page === pageOf(table.end - 1)) return cache.at(1, host(table, table.end));
  if (page === pageOf(pba.start)) return cache.at(2, host(pba, pba.start));
  return cache.at(3, host(pba, pba.end));
}

/** Pages that a BAR does not fill. */
function edgesOf(bar: FunctionBar): number[] {
  const pages = new Set<number>();
  if (bar.address % PAGE_SIZE !== 0) pages.add(pageOf(bar.address));
  if (bar.end % PAGE_SIZE !== 0) pages.add(pageOf(bar.end));
  return [...pages];
}

function bounds(range: Range | undefined): number[] {
  return range ? [range.start, range.end] : [];
}

/** [start, end) cut at each of `cuts` inside it. */
function segments(start: number, end: number, cuts: readonly number[]): [number, number][] {
  const inside = [...new Set(cuts)].filter((cut) => cut > start && cut < end).sort((a, b) => a - b);
  const edgesOfAll = [start, ...inside, end];
  return inside.concat(end).map((to, index) => [edgesOfAll[index], to]);
}

function nobody(page: number, from: number, to: number): PageSpan {
  return {
    offset: from - page,
    end: to - page,
    kind: 'nobody',
    widths: 0,
    pageId: 0,
    hostOffset: 0,
    storage: 0,
    updated: 0,
    tableOffset: 0,
    swapped: false,
  };
}

function span(
  page: number,
  from: number,
  to: number,
  kind: Owner,
  widths: number,
  fn: PciFunction,
  mapped: MappedPage,
  hostOffset: number,
): PageSpan {
  const vectors = kind === 'table' ? fn.msixState?.vectors : undefined;
  const pending = kind === 'pba' ? fn.pendingPage : undefined;
  return {
    offset: from - page,
    end: to - page,
    kind,
    widths,
    pageId: (pending ?? mapped).id,
    hostOffset: pending ? from - (fn.pba as Structure).start : hostOffset,
    storage: vectors?.storage ?? 0,
    updated: vectors?.updated ?? 0,
    tableOffset: kind === 'table' ? from - (fn.table as Structure).start : 0,
    swapped: vectors?.swapped ?? false,
  };
}
