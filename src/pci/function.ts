import { ADDRESS_LIMIT, PAGE_SIZE, pageOf } from '../access.js';
import type { Diagnostics } from '../diagnostics.js';
import type { Core } from '../engine/core.js';
import { TraplineError } from '../errors.js';
import type {
  AssignedFunction,
  BarOffset,
  DecodeResult,
  FunctionDescription,
  GuestRange,
  GuestRegister,
  MappedRange,
  MsixLayout,
} from '../function.js';
import type { Host, PageHost, Vector } from '../host.js';
import { isInteger } from '../integer.js';
import type { MappedPage } from '../memory/mapped-page.js';
import { PageCache, type PageList, SlotCache } from '../memory/page-cache.js';
import { registerPages } from '../memory/register-pages.js';
import { Msix } from '../msix/msix.js';
import { SoftwareMsix } from '../msix/software.js';
import { SoftwareHost } from '../msix/software-host.js';
import { pbaSize, tableSize } from '../msix-layout.js';
import type { Policy } from '../policy.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { ByteRegion } from '../vfio/device-region.js';
import { FunctionBar } from './bar.js';
import { BAR_GRAIN, IO_GRAIN } from './bar-register.js';
import type { ConfigSpace } from './config-space.js';
import { createConfig } from './function-config.js';
import { FunctionRange } from './function-range.js';
import { registerBytes } from './guest-register.js';
import { MEMORY } from './header.js';
import { Rom } from './rom.js';
import { romDecoder } from './rom-decoder.js';
import { type Structure, structure } from './structure.js';
import { NO_REGIONS, rangeFault } from './validate.js';

/** What a function and its decode state machine need of the dispatcher. */
export interface FunctionOwner {
  readonly host: Host;
  readonly policy: Policy;
  readonly hardware: boolean;
  readonly trapAll: boolean;
  changes: number;
  readonly diagnostics: Diagnostics;
  /** Runs control-path work; an error that the host throws is reported, and false returned. */
  attempt(fn: PciFunction, work: () => void): boolean;
  setDecode(fn: PciFunction, on: boolean): DecodeResult;
  /** As `attempt`, work that no access to the function may be in the middle of. */
  amend(fn: PciFunction, work: () => void): void;
  /** Decoding off, no BAR enabled, no host page mapped, MSI-X off and its entries as at first. */
  switchOff(fn: PciFunction): void;
  /** Sets the ROM's enable bit; refused, it stays off. */
  setRom(fn: PciFunction, rom: FunctionBar, on: boolean): void;
  /** Puts a range where nothing else is. Throws `overlap`, `out-of-memory`, what the host throws: then it is where it was. */
  placeRange(range: FunctionRange, address: number): void;
  /** Accesses do not reach a range any more. */
  removeRange(range: FunctionRange): void;
  /** Guest pages that several BARs have bytes on once these are enabled, ascending. */
  sharedPages(bars: readonly FunctionBar[]): number[];
  /** Gives the guest the pages of memory BARs that need not trap. Throws what the host throws, changing nothing. */
  map(bars: readonly FunctionBar[]): void;
  /** From now on accesses to these BARs are accepted. Throws `out-of-memory`; `disable` takes back what was done. */
  accept(bars: readonly FunctionBar[]): void;
  /** Both. Throws what either does, changing nothing. */
  enable(bars: readonly FunctionBar[]): void;
  disable(bars: readonly FunctionBar[]): void;
  /** A disabled BAR of the function moved. */
  moved(fn: PciFunction): void;
  /** Whether guests would reach each other's functions on the pages of these BARs. */
  exposes(bars: readonly FunctionBar[]): boolean;
  traps(page: number): boolean;
  /** The ranges of an enabled BAR that map directly, ascending. */
  direct(bar: FunctionBar): readonly MappedRange[];
  /** Unmaps a function's host pages. */
  dropPages(fn: PciFunction): void;
  /** A sentence for each of these BARs that has bytes in common with an enabled one or with another of them. */
  overlaps(bars: readonly FunctionBar[]): string[];
}

/** A PCI function assigned to a dispatcher. */
export class PciFunction implements AssignedFunction {
  readonly sbdf: Sbdf;
  /** What is behind this function. */
  readonly host: Host;
  readonly bars: readonly FunctionBar[];
  readonly msixState: Msix | undefined;
  readonly cache: PageCache | SlotCache;
  /** No hardware is behind it. */
  readonly isSoftware: boolean;
  /** The emulated PBA, from its first byte on. */
  readonly pendingPage: MappedPage | undefined;
  /** The pages of a ROM's copy. */
  readonly romPages: PageCache | undefined;
  /** Order of assignment. */
  readonly sequence: number;
  decoding = false;
  restarts = 0;
  readonly registers: readonly GuestRegister[];
  /** Decoding is being switched: a host callback that is called meanwhile changes neither it nor the BARs. */
  switching = false;
  /** COMMAND without its memory bit. */
  command = 0;
  /** What of COMMAND can be set, the memory bit apart. */
  commandBits = 0;
  /** A virtual function: its physical function's memory bit decides, it has none of its own (SR-IOV 3.4.1.3). */
  readonly virtual: boolean;
  /** All pages of its BARs trap. */
  readonly trapAll: boolean;
  /** Pages that its BARs do not fill trap. */
  readonly trapOnly: boolean;
  /** Assigned whatever is on its pages. */
  readonly shareUnsafe: boolean;
  readonly config: ConfigSpace;
  readonly rom: Rom | undefined;
  private owner: FunctionOwner | undefined;
  private readonly tableBar: FunctionBar | undefined;
  private readonly pbaBar: FunctionBar | undefined;
  readonly pageList: PageList;
  private readonly regions = new Map<ByteRegion, FunctionRange>();

  constructor(
    description: FunctionDescription,
    sbdf: Sbdf,
    sequence: number,
    owner: FunctionOwner,
    core: Core,
    pages: PageList,
  ) {
    this.sbdf = sbdf;
    this.sequence = sequence;
    this.owner = owner;
    this.pageList = pages;
    const { policy } = owner;
    this.trapAll = owner.trapAll;
    this.bars = description.bars
      .filter(({ type }) => type !== 'rom' || policy.rom === 'copy' || owner.hardware)
      .map((bar) => new FunctionBar(this, bar, description.decode ?? false, policy.rom))
      .sort((a, b) => a.index - b.index);
    const { msix, software } = description;
    if (msix) {
      this.tableBar = this.barAt(msix.table);
      this.pbaBar = this.barAt(msix.pba);
      const start = (this.tableBar?.address ?? 0) + msix.table.offset;
      const swapped = policy.field === 'address' && start % 16 === 8;
      const attempt = (work: () => void) => owner.attempt(this, work);
      this.msixState = software
        ? new SoftwareMsix(core, sbdf, msix, swapped, software, attempt)
        : new Msix(core, sbdf, msix, swapped);
    }
    this.isSoftware = software !== undefined;
    this.host = software ? new SoftwareHost(owner.host, software) : owner.host;
    const { interrupts } = this;
    this.pendingPage = interrupts && pages.add(sbdf, { mapPage: () => interrupts.pendingPage }, 0);
    this.registers = description.registers ?? [];
    for (const register of this.registers) {
      const bar = this.bars.find(({ index }) => register.space === `bar${index}`);
      for (const [offset, byte] of registerBytes(register)) bar?.registers.set(offset, byte);
    }
    const pageHost = this.createPageHost();
    this.cache =
      policy.tailPage === 'byte-after'
        ? new SlotCache(pages, sbdf, pageHost)
        : new PageCache(pages, sbdf, pageHost);
    this.virtual = description.virtual ?? false;
    this.trapOnly = description.trapOnly ?? false;
    this.shareUnsafe = description.shareUnsafe ?? false;
    this.config = createConfig(this, description);
    const rom = this.bars.find((bar) => bar.type === 'rom');
    this.rom = rom && new Rom(this, rom, romDecoder(owner, this, rom));
    this.romPages = this.rom && new PageCache(pages, sbdf, this.rom);
    if (rom?.isCopied) rom.pages = this.romPages;
  }

  private barAt(offset: BarOffset): FunctionBar | undefined {
    return this.bars.find((bar) => bar.index === offset.bir && bar.isMemory);
  }

  /** The host's pages, with the guest's registers in them, for one that maps each of them once. */
  createPageHost(): PageHost {
    const patched = this.bars.filter(({ registers }) => registers.size > 0);
    return patched.length > 0 ? registerPages(this.host, patched, this.pageList) : this.host;
  }

  /** Policy strict: the page that a byte of a BAR is on. */
  pageBehind(bar: FunctionBar, hostAddress: number): MappedPage {
    return (bar.pages ?? (this.cache as PageCache)).at(hostAddress);
  }

  get enabledBars(): FunctionBar[] {
    return this.bars.filter((bar) => bar.isMemory && bar.enabled);
  }

  get interrupts(): SoftwareMsix | undefined {
    return this.msixState instanceof SoftwareMsix ? this.msixState : undefined;
  }

  get msix(): MsixLayout | undefined {
    return this.msixState?.layout;
  }

  /** Where the table lies now. */
  get table(): Structure | undefined {
    return this.msix && structure(this.tableBar, this.msix.table.offset, tableSize(this.msix.count));
  }

  /** Index of the table entry at an address. Both are low lanes, signed: an access allocates no number here. */
  entryAt(low: number): number {
    const start = ((this.tableBar?.lowAddress ?? 0) + (this.msix?.table.offset ?? 0)) | 0;
    return ((low - start) | 0) >>> 4;
  }

  /** Where the PBA lies now. */
  get pba(): Structure | undefined {
    return this.msix && structure(this.pbaBar, this.msix.pba.offset, pbaSize(this.msix.count));
  }

  get messageControl(): number {
    return this.msixState?.control ?? 0;
  }

  writeMessageControl(value: number): void {
    const owner = this.assigned('writeMessageControl');
    const { msixState } = this;
    if (!msixState) return;
    owner.amend(this, () => msixState.writeControl(value, this.host, owner.policy, owner.hardware));
    owner.changes++;
  }

  setDecode(on: boolean): DecodeResult {
    return this.assigned('setDecode').setDecode(this, on);
  }

  moveBar(index: number, address: number): boolean {
    const owner = this.assigned('moveBar');
    const bar = this.bars.find((candidate) => candidate.index === index);
    if (!bar) throw this.misuse('moveBar', `index ${index} names no BAR of the function`);
    if (!isInteger(address, 0, Number.MAX_SAFE_INTEGER)) {
      throw this.misuse('moveBar', `bar ${index} address ${address} is not an integer in [0, 2^53)`);
    }
    if (bar.enabled || this.switching) return false;
    bar.address = address - (address % Math.max(bar.size, bar.isMemory ? BAR_GRAIN : IO_GRAIN));
    this.placed(bar, owner);
    return true;
  }

  private placed(bar: FunctionBar, owner: FunctionOwner): void {
    if (owner.hardware) bar.hostAddress = bar.address;
    owner.moved(this);
    this.moveHardware(owner, [bar]);
  }

  /** Tells of physical BARs that are to be where they are said to be. */
  moveHardware(owner: FunctionOwner, bars: readonly FunctionBar[] = this.bars): void {
    if (!owner.hardware) return;
    for (const bar of bars) owner.attempt(this, () => this.host.moveBar?.(this.sbdf, bar));
  }

  /** A guest's write of COMMAND. */
  writeCommand(value: number): void {
    const owner = this.assigned('config.write');
    const before = this.command;
    this.command = value & ~MEMORY;
    const on = this.virtual ? this.decoding : (value & MEMORY) !== 0;
    if (owner.setDecode(this, on) === 'fail') this.command = before;
  }

  /** A guest's write of half a BAR: refused, and nothing moves, while the BAR is enabled. */
  writeBarRegister(bar: FunctionBar, value: number, upper: boolean): void {
    const owner = this.assigned('config.write');
    if (bar.isMemory && (bar.enabled || this.switching)) return;
    if (upper) bar.highRegister = value;
    else bar.lowRegister = value;
    this.placed(bar, owner);
  }

  /** A guest's write of the ROM's register: it moves only while it is not enabled. */
  writeRomRegister(rom: FunctionBar, value: number, enable: boolean): void {
    const owner = this.assigned('config.write');
    if ((rom.enabled && enable) || this.switching) return;
    if (rom.followsDecode && !enable) owner.setRom(this, rom, false);
    rom.lowRegister = value;
    this.placed(rom, owner);
    if (!rom.followsDecode && enable) owner.setRom(this, rom, true);
  }

  /** Back to the state after power-on: decoding off, registers as assigned, MSI-X off and masked. */
  reset(): boolean {
    const owner = this.assigned('reset');
    if (this.switching) return false;
    owner.switchOff(this);
    for (const bar of this.bars) bar.reset();
    owner.moved(this);
    this.moveHardware(owner);
    this.command = 0;
    this.config.reset();
    let done = false;
    owner.attempt(this, () => {
      done = this.host.reset?.(this.sbdf) ?? false;
    });
    return done;
  }

  get mapping(): readonly GuestRange[] {
    const { owner } = this;
    if (!owner) return [];
    return this.enabledBars.flatMap((bar) =>
      guestRanges(bar, owner.direct(bar), (page) => owner.traps(page)),
    );
  }

  get ranges(): readonly FunctionRange[] {
    return [...this.regions.values()];
  }

  placeRegion(region: ByteRegion, address: number): void {
    refuseBusy('placeRegion', [this]);
    const owner = this.assigned('placeRegion');
    const { name, sharedPage } = owner.policy;
    const fault = sharedPage === 'owner' ? rangeFault(region, address) : `policy ${name} ${NO_REGIONS}`;
    if (fault) throw this.misuse('placeRegion', fault);
    const range =
      this.regions.get(region) ?? new FunctionRange(this, region, this.pageList, owner.diagnostics);
    // Before host callbacks may look for it.
    this.regions.set(region, range);
    try {
      owner.placeRange(range, address);
    } finally {
      // Nor can it go back: the guest has something else there by now.
      if (!range.enabled) {
        this.regions.delete(region);
        range.pages.drop();
      }
    }
  }

  removeRegion(region: ByteRegion): boolean {
    refuseBusy('removeRegion', [this]);
    const owner = this.assigned('removeRegion');
    const range = this.regions.get(region);
    if (range) owner.removeRange(range);
    return this.regions.delete(region);
  }

  vector(index: number): Vector {
    const { msixState } = this;
    if (!msixState || !isInteger(index, 0, msixState.vectors.count - 1)) {
      throw this.misuse('vector', `index ${index} is not in [0, ${msixState?.vectors.count ?? 0})`);
    }
    return msixState.vectors.get(index);
  }

  /** From now on every control call is misuse. */
  detach(): void {
    this.owner = undefined;
    this.interrupts?.detach();
  }

  private assigned(method: string): FunctionOwner {
    if (this.owner) return this.owner;
    throw new TraplineError(
      'unknown-function',
      `${method}: function ${formatSbdf(this.sbdf)} is not assigned any more`,
    );
  }

  private misuse(method: string, rule: string): TraplineError {
    return new TraplineError('bad-argument', `${method}: function ${formatSbdf(this.sbdf)}: ${rule}`);
  }
}

export function refuseBusy(method: string, functions: readonly PciFunction[]): void {
  const busy = functions.filter((fn) => fn.switching);
  if (busy.length === 0) return;
  const faults = busy.map(
    ({ sbdf }) => `${method}: the decoding of function ${formatSbdf(sbdf)} is being switched`,
  );
  throw new TraplineError('busy', ...faults);
}

/** A BAR's pages: its direct ranges, and between them those that trap. */
function guestRanges(
  bar: FunctionBar,
  direct: readonly MappedRange[],
  traps: (page: number) => boolean,
): GuestRange[] {
  const ranges: GuestRange[] = [];
  const trapping = (start: number, end: number) => {
    let from = start;
    for (let page = start; page <= end; page += PAGE_SIZE) {
      if (page < end && traps(page)) continue;
      if (page > from) ranges.push({ bar: bar.index, kind: 'trap', guest: from, length: page - from });
      from = page + PAGE_SIZE;
    }
  };
  let at = pageOf(bar.address);
  for (const range of direct) {
    trapping(at, range.guest);
    ranges.push({ bar: bar.index, kind: 'direct', ...range });
    at = range.guest + range.length;
  }
  trapping(at, Math.min(pageOf(bar.end + PAGE_SIZE - 1), ADDRESS_LIMIT));
  return ranges;
}
