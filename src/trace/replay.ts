import { ADDRESS_LIMIT, PAGE_SIZE, UNCLAIMED, type Width } from '../access.js';
import { createDispatcher, type Dispatcher } from '../dispatcher.js';
import { TraplineError } from '../errors.js';
import type { GuestRegister, Location, MsixLayout } from '../function.js';
import { pbaSize, tableSize } from '../msix-layout.js';
import type { Policy } from '../policy.js';
import { pagesOf } from '../range.js';
import type { Sbdf } from '../sbdf.js';
import type { AccessSink } from './access-sink.js';
import {
  type AnsweredRead,
  byteOf,
  type Difference,
  isAfterReset,
  isRefused,
  REASONS,
  type Reason,
} from './difference.js';
import { KINDS, type Kind } from './function-counts.js';
import { PageHeats } from './page-heats.js';
import { type PageHeat, PageOwners, warm } from './page-owners.js';
import { RecordedAccess } from './recorded-access.js';
import { type Placement, type ReplayedBar, ReplayedFunction } from './replayed-function.js';
import { Timeline } from './timeline.js';

/** Differences of one reason that are kept one by one. */
const LISTED = 100;

const STRADDLE = KINDS.indexOf('straddle');
const DIRECT = KINDS.indexOf('direct');
const TABLE = KINDS.indexOf('table');
const ROM = KINDS.indexOf('rom');

/** Pages looked up without hashing, by page number. */
const RECENT = 64;
/** Pages remembered; a frame buffer has many. */
const PAGES = 1 << 14;

/** Runs recorded accesses through a dispatcher whose host pages answer with the recorded values. */
export class Replay implements AccessSink {
  accesses = 0;
  unclaimedReads = 0;
  unclaimedWrites = 0;
  /** Line of the current access. */
  line = 0;
  readonly reasons: { [reason in Reason]: number } = {
    width: 0,
    reset: 0,
    unexplained: 0,
  };
  readonly differences: Difference[] = [];
  /** By index of `KINDS`; the last series is the unclaimed ones. */
  readonly timeline = new Timeline(KINDS.length + 1);
  private readonly machine = new Map<Sbdf, ReplayedFunction>();
  private readonly policy: Policy;
  private readonly dispatcher: Dispatcher;
  private readonly record = new RecordedAccess();
  private readonly heats = new PageHeats<ReplayedFunction>();
  private pages = new Map<number, PageOwners<ReplayedFunction>>();
  private recent: (PageOwners<ReplayedFunction> | undefined)[] = new Array(RECENT).fill(undefined);
  /** Functions that could not be placed, and where they should be. */
  private readonly waiting = new Map<ReplayedFunction, Placement>();
  private restoring = false;

  constructor(policy: Policy) {
    this.policy = policy;
    this.dispatcher = createDispatcher({
      policy,
      // The traced driver owned the machine.
      domain: 'hardware',
      host: {
        mapPage: () => this.record,
        mayMapBar: (sbdf, bar) => this.machine.get(sbdf)?.decodes(bar.index) ?? true,
        armVector: (sbdf) => {
          const fn = this.machine.get(sbdf);
          if (fn && !this.restoring) fn.armed++;
        },
      },
    });
  }

  /** In the order of their SBDFs. */
  get functions(): ReplayedFunction[] {
    return [...this.machine.values()].sort((a, b) => a.sbdf - b.sbdf);
  }

  function(sbdf: Sbdf): ReplayedFunction | undefined {
    return this.machine.get(sbdf);
  }

  get differenceCount(): number {
    return REASONS.reduce((sum, reason) => sum + this.reasons[reason], 0);
  }

  /** Adds a function that decodes nothing yet. */
  add(
    sbdf: Sbdf,
    name: string,
    bars: readonly ReplayedBar[],
    msix: MsixLayout | undefined,
    registers: readonly GuestRegister[] = [],
  ): ReplayedFunction {
    const fn = new ReplayedFunction(this.dispatcher, sbdf, name, bars, msix, registers);
    this.machine.set(sbdf, fn);
    return fn;
  }

  /** Decodes exactly these BARs of the function; where others are in the way, once they have gone. False: not yet. */
  place(fn: ReplayedFunction, placement: Placement): boolean {
    if (fn.isPlaced(placement)) return true;
    this.forgetPages();
    this.waiting.delete(fn);
    const placed = fn.place(placement);
    if (!placed) this.waiting.set(fn, placement);
    for (const [other, wanted] of this.waiting) {
      if (other !== fn && other.place(wanted)) this.waiting.delete(other);
    }
    return placed;
  }

  /** The trace shows that the function was reset. */
  reset(fn: ReplayedFunction): void {
    fn.reset();
    this.forgetPages();
  }

  /**
   * The trace shows what resets some functions and not others. Whether it did, the next read of table bytes that differs
   * tells: with a reset's value, of bytes not written since. It then counts as reset as a whole, so that nothing later
   * is excused.
   */
  mayHaveReset(fn: ReplayedFunction): void {
    if (fn.msix) fn.sinceReset = new Map();
  }

  access(write: boolean, width: Width, address: number, low: number, high: number, seconds: number): void {
    this.accesses++;
    this.record.set(address, low, high);
    const offset = address & (PAGE_SIZE - 1);
    const page = this.ownersOf(address - offset);
    const cell = offset >>> 3;
    const fn = page.functions[cell];
    const kind = fn
      ? page.kindOf(offset, width, () => this.ownersOf(page.address + PAGE_SIZE))
      : KINDS.length;
    this.timeline.add(kind, seconds);
    if (fn) fn.counts.add(kind, write, width, (offset & (width - 1)) !== 0);
    else if (write) this.unclaimedWrites++;
    else this.unclaimedReads++;
    if (page.heat) warm(write ? page.heat.writes : page.heat.reads, offset, width);
    // A trace does not tell what the whole ROM holds, of which its copy is made.
    if (kind === ROM) return;
    if (write) {
      this.dispatcher.write(address, width, low, high);
      if (fn?.sinceReset && kind === TABLE) this.note(fn, address, width, low, high);
      return;
    }
    const answer = this.dispatcher.read(address, width);
    if (
      answer === UNCLAIMED
        ? kind < DIRECT && kind !== STRADDLE
        : answer !== low || (width === 8 && this.dispatcher.high !== high)
    ) {
      if (fn) this.differ(fn, KINDS[kind], address, width, low, high, answer);
    }
  }

  /** The trapped pages of the machine as it is, and those that had accesses before. */
  trappedPages(): PageHeat<ReplayedFunction>[] {
    for (const fn of this.machine.values()) {
      for (const bar of fn.trapped.bars) {
        if (!bar.enabled) continue;
        const first = bar.address - (bar.address % PAGE_SIZE);
        const last = bar.address + bar.size - 1;
        this.ownersOf(first);
        this.ownersOf(last - (last % PAGE_SIZE));
        for (const page of structurePages(fn.msix, bar)) this.ownersOf(page);
      }
    }
    const first = ({ owners }: PageHeat<ReplayedFunction>) => owners.bars[0].fn.sbdf;
    return [...this.heats.values()].sort(
      (a, b) => first(a) - first(b) || a.owners.address - b.owners.address,
    );
  }

  /** A dword of the table that no access of the trace wrote. Nothing is armed for it that the trace shows. */
  setTableWord(fn: ReplayedFunction, offset: number, value: number): void {
    const address = fn.tableAddress(offset);
    if (address === undefined || !fn.msix || offset % 4 !== 0 || offset >= tableSize(fn.msix.count)) return;
    this.restoring = true;
    this.dispatcher.write(address, 4, value);
    this.restoring = false;
  }

  /** A BAR lies there while it is not decoded: Xen's policies look for table and PBA in it all the same. */
  moveUndecoded(fn: ReplayedFunction, index: number, address: number): void {
    if (!fn.bars.some((bar) => bar.index === index) || address > ADDRESS_LIMIT) return;
    this.forgetPages();
    fn.moveUndecoded(index, address);
  }

  /** What is in the way of a region that is no BAR, a sentence each; none: it answers there with the recorded values. */
  placeRegion(fn: ReplayedFunction, address: number, size: number): readonly string[] {
    this.forgetPages();
    try {
      fn.placeRegion(this.record.region(address, size), address);
      return [];
    } catch (error) {
      if (error instanceof TraplineError) return error.faults;
      throw error;
    }
  }

  removeRegion(fn: ReplayedFunction, address: number): void {
    this.forgetPages();
    fn.removeRegion(address);
  }

  private ownersOf(page: number): PageOwners<ReplayedFunction> {
    const number = page / PAGE_SIZE;
    const recent = this.recent[number % RECENT];
    if (recent !== undefined && recent.address === page) return recent;
    let owners = this.pages.get(number);
    if (!owners) {
      owners = new PageOwners(
        page,
        (address) => this.dispatcher.locate(address),
        (location: Location) => this.machine.get(location.fn.sbdf),
      );
      if (owners.traps) this.heats.attach(owners);
      if (this.pages.size === PAGES) this.forgetPages();
      this.pages.set(number, owners);
    }
    this.recent[number % RECENT] = owners;
    return owners;
  }

  private forgetPages(): void {
    this.pages = new Map();
    this.recent.fill(undefined);
  }

  private differ(
    fn: ReplayedFunction,
    kind: Kind,
    address: number,
    width: Width,
    low: number,
    high: number,
    answer: number,
  ): void {
    const recorded = wide(width, low, high);
    const answered = answer === UNCLAIMED ? undefined : wide(width, answer, this.dispatcher.high);
    if (answered !== undefined && this.areRegisters({ address, width, recorded, answered })) return;
    const reason =
      answered === undefined
        ? 'unexplained'
        : this.reasonOf(fn, kind, { address, width, recorded, answered });
    if (this.reasons[reason]++ < LISTED) {
      this.differences.push({
        line: this.line,
        sbdf: fn.sbdf,
        kind,
        address,
        width,
        recorded,
        answered,
        reason,
      });
    }
    if (reason === 'reset') this.restart(fn);
  }

  /** All that differs are registers of the guest's: a recording tells where they are, not what they hold. */
  private areRegisters({ address, width, recorded, answered }: AnsweredRead): boolean {
    for (let index = 0; index < width; index++) {
      if (byteOf(answered, index) === byteOf(recorded, index)) continue;
      const location = this.dispatcher.locate(address + index);
      if (!location) return false;
      const { fn, bar, offset } = location;
      if (!this.machine.get(fn.sbdf)?.isRegister(bar.index, offset)) return false;
    }
    return true;
  }

  private reasonOf(fn: ReplayedFunction, kind: Kind, read: AnsweredRead): Reason {
    const kindOf = (address: number) => {
      const offset = address % PAGE_SIZE;
      return this.ownersOf(address - offset).kinds[offset >>> 3];
    };
    if (isRefused(read, this.policy, kindOf)) return 'width';
    const table = fn.tableAddress(0);
    const reset =
      kind === 'table' && table !== undefined && fn.sinceReset && isAfterReset(read, table, fn.sinceReset);
    return reset ? 'reset' : 'unexplained';
  }

  /** As after a reset, with what was written since. */
  private restart(fn: ReplayedFunction): void {
    const written = fn.sinceReset ?? new Map<number, number>();
    const control = fn.trapped.messageControl;
    this.restoring = true;
    this.reset(fn);
    fn.trapped.writeMessageControl(control);
    for (const [offset, value] of written) {
      const address = fn.tableAddress(offset);
      if (address !== undefined) this.dispatcher.write(address, 4, value);
    }
    this.restoring = false;
  }

  private note(fn: ReplayedFunction, address: number, width: Width, low: number, high: number): void {
    const start = fn.tableAddress(0);
    if (start === undefined || address % width !== 0 || width < 4) return;
    fn.sinceReset?.set(address - start, low);
    if (width === 8) fn.sinceReset?.set(address - start + 4, high);
  }
}

/** Pages of the table and PBA that the BAR holds. */
function structurePages(msix: MsixLayout | undefined, bar: { index: number; address: number }): number[] {
  if (!msix) return [];
  const structures = [
    { ...msix.table, size: tableSize(msix.count) },
    { ...msix.pba, size: pbaSize(msix.count) },
  ];
  return structures.flatMap(({ bir, offset, size }) => {
    const start = bar.address + offset;
    return bir === bar.index ? pagesOf({ start, end: start + size }) : [];
  });
}

const wide = (width: Width, low: number, high: number): bigint =>
  BigInt(low) + (width === 8 ? BigInt(high) << 32n : 0n);
