import { BarIndex } from './bar-index.js';
import { type DiagnosticLimit, Diagnostics } from './diagnostics.js';
import { DirectMap } from './direct-map.js';
import type { Core } from './engine/core.js';
import { PageMap } from './engine/page-map.js';
import { TraplineError } from './errors.js';
import type { DecodeResult, Location, MappedRange } from './function.js';
import { hex } from './hexadecimal.js';
import type { Host } from './host.js';
import { OwnPages } from './memory/own-pages.js';
import { PageList, SlotCache } from './memory/page-cache.js';
import type { DispatcherOptions } from './options.js';
import { locationOf, NewestPlan, OwnerPlan, type PagePlan } from './page-plan.js';
import type { FunctionBar } from './pci/bar.js';
import { decodeAtAssign, decodeOff, decodeOn, enable, romOff, romOn } from './pci/decode.js';
import type { FunctionOwner, PciFunction } from './pci/function.js';
import type { FunctionRange } from './pci/function-range.js';
import { type Policy, policies } from './policy.js';
import { formatSbdf, type Sbdf } from './sbdf.js';
import type { SharedMachine } from './shared-machine.js';

export const DEFAULT_LIMIT: DiagnosticLimit = { burst: 10, interval: 1000 };

/** What the functions of one guest share: the host, the policy, and who owns which bytes. */
export class Domain implements FunctionOwner {
  readonly host: Host;
  readonly policy: Policy;
  readonly hardware: boolean;
  readonly trapAll: boolean;
  readonly diagnostics: Diagnostics;
  readonly core: Core;
  readonly pageMap: PageMap;
  plan: PagePlan;
  readonly ownPages: OwnPages;
  readonly pageList: PageList;
  readonly functions = new Map<Sbdf, PciFunction>();
  /** Rises when host pages are dropped, so that an access under way does not map them again. */
  generation = 0;
  /** Rises when functions come or go, BARs move, BARs or regions are enabled or disabled, MSI-X is switched, reset or restored. */
  changes = 0;
  private readonly inventory: SharedMachine | undefined;
  private readonly directMap: DirectMap;
  /** Enabled memory BARs. */
  private readonly enabled = new BarIndex();
  private readonly onError: (error: unknown) => void;

  /** `List`, `Leaves`: as the build has them. */
  constructor(options: DispatcherOptions, core: Core, List = PageList, Leaves = PageMap) {
    checkOptions(options);
    this.host = options.host;
    this.inventory = options.inventory;
    this.policy = options.policy ?? policies.strict;
    this.hardware = options.domain === 'hardware';
    this.trapAll = options.trapAll ?? false;
    this.onError = quiet(options.onError ?? (() => {}), () => {});
    const sink = options.onDiagnostic && quiet(options.onDiagnostic, this.onError);
    this.diagnostics = new Diagnostics(sink, options.diagnosticLimit ?? DEFAULT_LIMIT);
    this.core = core;
    this.ownPages = new OwnPages(core);
    this.pageList = new List(this.ownPages, core);
    this.pageMap = new Leaves(core);
    const { sharedPage, pbaWidths, crossing } = this.policy;
    const plan = new (sharedPage === 'owner' ? OwnerPlan : NewestPlan)(this.pageMap, pbaWidths);
    this.plan = plan;
    this.directMap = new DirectMap(plan);
    core.exports.configure(this.hardware, crossing === 'split');
  }

  amend(fn: PciFunction, work: () => void): void {
    this.attempt(fn, work);
  }

  /** Whose byte an address is, among the enabled BARs. */
  locate(address: number): Location | undefined {
    const bar = this.enabled.at(address);
    return bar && locationOf(bar, address, this.plan);
  }

  /** Reports what a host callback, or the page map, threw. */
  failed(sbdf: Sbdf, error: unknown): void {
    const full = error instanceof TraplineError && error.code === 'out-of-memory';
    this.diagnostics.report(full ? 'out-of-memory' : 'host-error', sbdf);
    this.onError(error);
  }

  /** Runs control-path work; what the host throws goes to `onError`, and false is returned. */
  attempt(fn: PciFunction, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.failed(fn.sbdf, error);
      return false;
    }
  }

  setDecode(fn: PciFunction, on: boolean): DecodeResult {
    return this.switched(fn, () => (on ? decodeOn(this, fn) : decodeOff(this, fn))) ?? 'fail';
  }

  /** Switches BARs on as they are at assign, or in a snapshot. Throws `out-of-memory`. */
  switchOn(fn: PciFunction, bars: readonly FunctionBar[]): void {
    this.switched(fn, () => decodeAtAssign(this, fn, bars));
  }

  /** One change of decoding at a time: what a host callback asks for meanwhile is refused. */
  private switched<Result>(fn: PciFunction, work: () => Result): Result | undefined {
    if (fn.switching) return undefined;
    fn.switching = true;
    try {
      return work();
    } finally {
      fn.switching = false;
    }
  }

  switchOff(fn: PciFunction): void {
    const { msixState, host } = fn;
    if (fn.decoding) this.setDecode(fn, false);
    // Xen's policies leave BARs enabled when decoding could not be switched on.
    this.attempt(fn, () => this.disable(fn.enabledBars));
    this.attempt(fn, () => this.dropPages(fn));
    if (msixState) this.amend(fn, () => msixState.reset(host, this.policy, this.hardware));
    fn.restarts++;
    this.changes++;
  }

  setRom(fn: PciFunction, rom: FunctionBar, on: boolean): void {
    this.switched(fn, () => (on ? romOn(this, fn, rom) : romOff(this, fn, rom)));
  }

  placeRange(range: FunctionRange, address: number): void {
    const { fn, enabled, address: before } = range;
    this.switched(fn, () => {
      if (enabled) this.withdraw(range);
      try {
        const faults = this.put(range, address);
        if (faults.length > 0) throw new TraplineError('overlap', ...faults);
      } catch (error) {
        if (enabled) this.attempt(fn, () => this.put(range, before));
        throw error;
      }
    });
  }

  /** Puts a range that was withdrawn where a snapshot has it, or nowhere. */
  restoreRange(range: FunctionRange, address: number): void {
    this.switched(range.fn, () => this.attempt(range.fn, () => this.put(range, address)));
  }

  removeRange(range: FunctionRange): void {
    this.switched(range.fn, () => this.withdraw(range));
    this.generation++;
    range.pages.drop();
  }

  withdraw(range: FunctionRange): void {
    this.attempt(range.fn, () => this.disable([range]));
  }

  /** What is in the way, a sentence each, and reported; none: accesses reach the range. */
  private put(range: FunctionRange, address: number): readonly string[] {
    range.address = address;
    const faults = this.overlaps([range]);
    try {
      if (enable(this, range.fn, range)) return [];
    } catch (error) {
      this.withdraw(range);
      throw error;
    }
    return faults.length > 0 ? faults : [`${describe(range)} lies where the guest has something else`];
  }

  /** Guest pages that several BARs have bytes on once these are enabled. */
  sharedPages(bars: readonly FunctionBar[]): number[] {
    return this.plan.sharedPages(bars);
  }

  map(bars: readonly FunctionBar[]): void {
    this.plan.claim(bars);
    try {
      this.directMap.add(bars);
    } catch (error) {
      this.plan.release(bars);
      try {
        this.directMap.remove(bars);
      } catch {
        // The first error is the one to report.
      }
      throw error;
    }
  }

  accept(bars: readonly FunctionBar[]): void {
    this.changes++;
    this.plan.show(bars);
    for (const bar of bars) bar.enabled = true;
    for (const bar of bars) this.enabled.add(bar);
  }

  enable(bars: readonly FunctionBar[]): void {
    this.map(bars);
    try {
      this.accept(bars);
    } catch (error) {
      this.disable(bars);
      throw error;
    }
  }

  disable(bars: readonly FunctionBar[]): void {
    this.changes++;
    for (const bar of bars) {
      bar.enabled = false;
      this.enabled.remove(bar);
    }
    this.plan.release(bars);
    this.directMap.remove(bars);
  }

  traps(page: number): boolean {
    return this.plan.traps(page);
  }

  direct(bar: FunctionBar): readonly MappedRange[] {
    return this.directMap.of(bar);
  }

  /** Takes a function from the inventory. Throws `shared-page`, `duplicate-function`. */
  hold(fn: PciFunction): void {
    const { sbdf, trapOnly, shareUnsafe } = fn;
    const bars = fn.bars.filter((bar) => bar.isMemory);
    if (!fn.isSoftware) this.inventory?.assign(this, { sbdf, bars, trapOnly, shareUnsafe });
    this.guardEdges(fn);
  }

  exposes(bars: readonly FunctionBar[]): boolean {
    return bars.some((bar) => !bar.fn.isSoftware && this.inventory?.isExposed(this, bar.fn.sbdf, bar));
  }

  /** Under the Xen policies the pages of one BAR's structures depend on where the other's are. */
  moved(fn: PciFunction): void {
    this.changes++;
    if (this.hardware && !fn.isSoftware) this.inventory?.moved(this, fn.sbdf);
    this.guardEdges(fn);
    this.plan.refresh(fn.enabledBars);
  }

  /** Decides which disabled BARs trap on the pages that they do not fill. */
  private guardEdges(fn: PciFunction): void {
    const clips = this.policy.adjacent === 'bars';
    const shared = (bar: FunctionBar) =>
      fn.trapOnly || (!fn.isSoftware && (this.inventory?.isShared(this, fn.sbdf, bar) ?? false));
    for (const bar of fn.bars) {
      if (bar.isMemory && !bar.enabled) bar.trapsEdges = clips && !fn.shareUnsafe && shared(bar);
    }
  }

  /** Unmaps a function's host pages. */
  dropPages(fn: PciFunction): void {
    this.generation++;
    fn.romPages?.drop();
    fn.cache.drop();
  }

  /** A sentence for each of these BARs that has bytes in common with an enabled one. */
  overlaps(bars: readonly FunctionBar[]): string[] {
    return bars.flatMap((bar) => {
      const others = bars.filter((other) => other.index < bar.index);
      const other =
        this.enabled.overlapping(bar) ??
        others.find((candidate) => candidate.address < bar.end && bar.address < candidate.end);
      return other ? [`${describe(bar)} overlaps ${describe(other)}`] : [];
    });
  }

  /** Gives back what an unassigned function holds. */
  release(fn: PciFunction): void {
    fn.detach();
    this.inventory?.deassign(this, fn.sbdf);
    for (const range of fn.ranges) this.removeRange(range);
    if (fn.cache instanceof SlotCache) fn.cache.remove();
    if (fn.pendingPage) this.pageList.remove(fn.pendingPage);
    fn.msixState?.vectors.release();
  }
}

function describe(bar: FunctionBar): string {
  const range = `${hex(bar.address)}..+${hex(bar.size)}`;
  return `function ${formatSbdf(bar.fn.sbdf)}: ${bar.type === 'region' ? 'region' : `bar ${bar.index}`} ${range}`;
}

/** A callback that cannot throw into an access. */
export function quiet<T>(
  callback: (value: T) => void,
  onError: (error: unknown) => void,
): (value: T) => void {
  return (value) => {
    try {
      callback(value);
    } catch (error) {
      onError(error);
    }
  };
}

function checkOptions({ host, domain, policy, trapAll, shared }: DispatcherOptions): void {
  const faults: string[] = [];
  if (typeof host?.mapPage !== 'function') faults.push('createDispatcher: host has no method mapPage');
  if (domain !== undefined && domain !== 'hardware' && domain !== 'guest') {
    faults.push(`createDispatcher: domain ${domain} is not hardware or guest`);
  }
  if (policy !== undefined && !Object.values(policies).includes(policy)) {
    faults.push('createDispatcher: policy is not one of policies.strict, policies.xen, policies.xenV3');
  }
  if (trapAll && policy?.adjacent === 'page') {
    faults.push(`createDispatcher: trapAll is for policy strict: ${policy.name} forwards whole pages`);
  }
  if (shared) faults.push('createDispatcher: shared is for the one of trapline/shared');
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
}
