import { addressOf, ones, PAGE_SIZE, pageOf, UNCLAIMED, type Width } from '../../access.js';
import type { Dispatcher, Fallback } from '../../dispatcher.js';
import type { AssignedFunction, MsixLayout } from '../../function.js';
import type { WasmDoors } from '../../hosts/v86.js';
import type { InventoryFunction } from '../../inventory/machine.js';
import type { Sbdf } from '../../sbdf.js';
import { FunctionCounts, KINDS } from '../../trace/function-counts.js';
import { PageHeats } from '../../trace/page-heats.js';
import { NOBODY, type OwningFunction, type PageHeat, PageOwners, warm } from '../../trace/page-owners.js';
import { AccessLog } from './access-log.js';
import { inventoryOf, nameOf } from './machine-inventory.js';

/** What nobody answered, behind the indices of `KINDS`. */
export const UNCLAIMED_KIND = KINDS.length;
export const KIND_NAMES: readonly string[] = [...KINDS, 'unclaimed'];
/** The machines of the page have neither ROMs nor regions that are no BAR. */
export const isServed = (kind: string): boolean => kind !== 'rom' && kind !== 'region';

/** Accesses kept for the log. */
const KEPT = 4096;
/** Pages of a BAR that are shown; a frame buffer has many. */
const PAGES = 16;

/** A function, and what was accessed of it. */
export interface WatchedFunction extends OwningFunction {
  readonly fn: AssignedFunction;
  readonly counts: FunctionCounts;
}

export type WatchedPage = PageHeat<WatchedFunction>;

/** A dispatcher's doors for v86 that note each access to a function's BARs, decoded or not. */
export class AccessWatch implements WasmDoors {
  /** Off: accesses go by, and cost little. */
  on = true;
  readonly log = new AccessLog(KEPT);
  reads = 0;
  writes = 0;
  unaligned = 0;
  unclaimedReads = 0;
  unclaimedWrites = 0;
  /** Accesses to what is no function's: v86's own devices, and nothing at all. */
  elsewhere = 0;
  private readonly dispatcher: Dispatcher;
  private readonly clock: () => number;
  private readonly functions = new Map<Sbdf, WatchedFunction>();
  private readonly heats = new PageHeats<WatchedFunction>();
  private pages = new Map<number, PageOwners<WatchedFunction>>();
  private changes = -1;
  private epoch = -1;
  private inventories = new Map<number, readonly InventoryFunction[]>();

  constructor(dispatcher: Dispatcher, clock: () => number = () => performance.now()) {
    this.dispatcher = dispatcher;
    this.clock = clock;
  }

  attach(fallback: Fallback): ReturnType<WasmDoors['attach']> {
    const { trap_read, trap_write } = this.dispatcher.attach(fallback);
    return {
      trap_read: (low, high, width) => {
        if (!this.on) return trap_read(low, high, width);
        const address = addressOf(low, high);
        // Before: what is answered may change whose the bytes are.
        const kind = this.count(false, width as Width, address);
        const value = trap_read(low, high, width);
        if (kind >= 0) this.add(false, width as Width, address, value, this.dispatcher.high, kind);
        return value;
      },
      trap_write: (low, high, width, data, dataHigh) => {
        if (this.on) {
          const address = addressOf(low, high);
          const kind = this.count(true, width as Width, address);
          if (kind >= 0) this.add(true, width as Width, address, data, dataHigh, kind);
        }
        trap_write(low, high, width, data, dataHigh);
      },
    };
  }

  /** Reads as a guest would. */
  read(address: number, width: Width): number {
    const kind = this.count(false, width, address);
    const value = this.dispatcher.read(address, width);
    const seen = value === UNCLAIMED ? ones(width) : value;
    if (kind >= 0) this.add(false, width, address, seen, this.dispatcher.high, kind);
    return value;
  }

  /** Writes as a guest would. */
  write(address: number, width: Width, data: number): boolean {
    const kind = this.count(true, width, address);
    if (kind >= 0) this.add(true, width, address, data, 0, kind);
    return this.dispatcher.write(address, width, data);
  }

  /** Accesses of one kind by all functions. */
  countOf(kind: (typeof KINDS)[number]): { readonly reads: number; readonly writes: number } {
    const counts = [...this.functions.values()].map((fn) => fn.counts);
    return {
      reads: counts.reduce((sum, each) => sum + each.reads(kind), 0),
      writes: counts.reduce((sum, each) => sum + each.writes(kind), 0),
    };
  }

  /** Pages of the enabled BARs, ascending within a function, and then those that were. */
  shownPages(): readonly WatchedPage[] {
    this.follow();
    for (const { bars } of this.dispatcher.functions) {
      for (const { address, size, enabled, type } of bars) {
        if (!enabled || type === 'io') continue;
        const first = pageOf(address);
        const end = Math.min(address + size, first + PAGES * PAGE_SIZE);
        for (let page = first; page < end; page += PAGE_SIZE) this.ownersOf(page);
      }
    }
    const order = (page: WatchedPage) => {
      const [{ fn, index, offset }] = page.owners.bars;
      return [this.isDecoded(page) ? 0 : 1, fn.sbdf, index, offset];
    };
    return [...this.heats.values()].sort((a, b) => {
      const [one, other] = [order(a), order(b)];
      const at = one.findIndex((value, index) => value !== other[index]);
      return at < 0 ? 0 : one[at] - other[at];
    });
  }

  /** True while the page is decoded where it was last. */
  isDecoded({ owners }: WatchedPage): boolean {
    this.follow();
    return this.pages.get(owners.address / PAGE_SIZE) === owners;
  }

  /** The machine as an access of this epoch met it. */
  inventory(epoch: number): readonly InventoryFunction[] | undefined {
    return this.inventories.get(epoch);
  }

  /** Forgets all that was noted. */
  clear(): void {
    this.log.total = 0;
    this.reads = this.writes = this.unaligned = 0;
    this.unclaimedReads = this.unclaimedWrites = this.elsewhere = 0;
    this.functions.clear();
    this.heats.clear();
    this.inventories.clear();
    this.changes = -1;
  }

  /** Its kind; negative: no function's. */
  private count(write: boolean, width: Width, address: number): number {
    this.follow();
    const offset = address % PAGE_SIZE;
    const page = this.ownersOf(address - offset);
    const found = page.kindOf(offset, width, () => this.ownersOf(page.address + PAGE_SIZE));
    const watched = page.functions[offset >>> 3];
    if (!watched && page.bars.length === 0 && !this.isSwitchedOff(address)) {
      this.elsewhere++;
      return -1;
    }
    const unaligned = address % width !== 0;
    if (write) this.writes++;
    else this.reads++;
    if (unaligned) this.unaligned++;
    if (page.heat) warm(write ? page.heat.writes : page.heat.reads, offset, width);
    if (watched && found !== NOBODY) {
      watched.counts.add(found, write, width, unaligned);
      return found;
    }
    if (write) this.unclaimedWrites++;
    else this.unclaimedReads++;
    return UNCLAIMED_KIND;
  }

  private add(write: boolean, width: Width, address: number, low: number, high: number, kind: number): void {
    const value = width < 4 ? low & ones(width) : low;
    this.log.add(write, width, address, value, width === 8 ? high : 0, kind, this.epoch, this.clock());
  }

  /** In a BAR that is not decoded. */
  private isSwitchedOff(address: number): boolean {
    return this.dispatcher.functions.some(({ bars }) =>
      bars.some((bar) => bar.type !== 'io' && address >= bar.address && address < bar.address + bar.size),
    );
  }

  /** Notices that the machine changed. */
  private follow(): void {
    const { dispatcher, log } = this;
    if (this.changes === dispatcher.changes) return;
    this.changes = dispatcher.changes;
    this.pages = new Map();
    this.epoch++;
    this.inventories.set(this.epoch, inventoryOf(dispatcher.functions));
    const oldest = log.at(log.first)?.epoch ?? this.epoch;
    for (const epoch of this.inventories.keys()) {
      if (epoch >= oldest) break;
      this.inventories.delete(epoch);
    }
  }

  private ownersOf(address: number): PageOwners<WatchedFunction> {
    const number = address / PAGE_SIZE;
    const known = this.pages.get(number);
    if (known) return known;
    const owners = new PageOwners<WatchedFunction>(
      address,
      (at) => this.dispatcher.locate(at),
      ({ fn }) => this.watchedOf(fn as AssignedFunction),
    );
    this.pages.set(number, owners);
    if (owners.bars.length > 0) this.heats.attach(owners);
    return owners;
  }

  private watchedOf(fn: AssignedFunction): WatchedFunction {
    const known = this.functions.get(fn.sbdf);
    if (known) return known;
    const msix: MsixLayout | undefined = fn.msix;
    const watched = { fn, sbdf: fn.sbdf, name: nameOf(fn), msix, counts: new FunctionCounts() };
    this.functions.set(fn.sbdf, watched);
    return watched;
  }
}
