import { ADDRESS_LIMIT, PAGE_SIZE } from '../../src/access.js';
import { TraplineError } from '../../src/errors.js';
import type {
  AssignedFunction,
  BarOffset,
  DecodeResult,
  FunctionDescription,
  MsixLayout,
  TrappedFunction,
} from '../../src/function.js';
import type { Bar, BarType, Vector } from '../../src/host.js';
import { formatSbdf, type Sbdf } from '../../src/sbdf.js';
import type { ByteRegion } from '../../src/vfio/device-region.js';
import { type Context, callHost, HostFailure } from './context.js';
import { setDecode, strictHole } from './decode.js';
import { HostPages } from './host-pages.js';
import { contains, type Range, touches } from './range.js';
import { ReferenceRegion } from './region.js';
import { ReferenceRom } from './rom.js';
import { VectorTable } from './vector-table.js';

export interface ReferenceBar extends Bar {
  readonly index: number;
  readonly type: BarType;
  readonly size: number;
  address: number;
  hostAddress: number;
  enabled: boolean;
  /** Bytes of the guest's registers, by offset. */
  readonly registers: ReadonlyMap<number, number>;
}

/** Table or PBA: it lies where its BAR is now, and at its offset alone where the BIR names no memory BAR. */
export class Structure implements Range {
  readonly bar: ReferenceBar | undefined;
  private readonly offset: number;
  private readonly length: number;

  constructor(bar: ReferenceBar | undefined, offset: number, length: number) {
    this.bar = bar;
    this.offset = offset;
    this.length = length;
  }

  get enabled(): boolean {
    return this.bar !== undefined && isReached(this.bar);
  }

  get start(): number {
    return (this.bar?.address ?? 0) + this.offset;
  }

  get end(): number {
    return this.start + this.length;
  }

  /** Host-physical address of the first byte, and of the one after the last. */
  get hostStart(): number {
    return (this.bar?.hostAddress ?? 0) + this.offset;
  }

  get hostEnd(): number {
    return this.hostStart + this.length;
  }
}

export class ReferenceFunction implements TrappedFunction, Pick<AssignedFunction, 'reset'> {
  readonly sbdf: Sbdf;
  readonly msix: MsixLayout | undefined;
  readonly vectors: VectorTable | undefined;
  readonly table: Structure | undefined;
  readonly pba: Structure | undefined;
  /** Table, then PBA. */
  readonly structures: readonly Structure[];
  readonly pages: HostPages;
  readonly rom: ReferenceRom | undefined;
  readonly allBars: readonly ReferenceBar[];
  readonly memoryBars: readonly ReferenceBar[];
  decoding: boolean;
  /** The ROM's own enable bit. */
  private romEnabled: boolean;
  /** Where the BARs were assigned. */
  private readonly places: ReadonlyMap<ReferenceBar, Pick<Bar, 'address' | 'hostAddress'>>;
  /** Regions that are no BAR. */
  ranges: readonly ReferenceRegion[] = [];
  private readonly context: Context;

  constructor(context: Context, sbdf: Sbdf, description: FunctionDescription) {
    this.context = context;
    this.sbdf = sbdf;
    this.msix = description.msix;
    this.vectors = this.msix && new VectorTable(context, sbdf, this.msix);
    this.pages = new HostPages(context, sbdf);
    // Xen gives no guest domain a ROM.
    this.allBars = description.bars
      .filter(({ type }) => type !== 'rom' || context.policy.rom === 'copy' || context.hardware)
      .map((bar) => ({
        index: bar.index,
        type: bar.type,
        address: bar.address,
        hostAddress: bar.hostAddress ?? bar.address,
        size: bar.size,
        enabled: bar.enabled ?? description.decode ?? false,
        registers: registersOf(description, bar.index),
      }))
      .sort((a, b) => a.index - b.index);
    const rom = this.allBars.find(({ type }) => type === 'rom');
    this.rom = rom && new ReferenceRom(context, this, rom);
    this.memoryBars = this.allBars.filter((bar) => bar.type !== 'io');
    const structure = ({ bir, offset }: BarOffset, length: number) =>
      new Structure(
        this.memoryBars.find(({ index }) => index === bir),
        offset,
        length,
      );
    if (this.msix) {
      const { count, table, pba } = this.msix;
      this.table = structure(table, 16 * count);
      this.pba = structure(pba, 8 * Math.ceil(count / 64));
    }
    this.structures = this.table && this.pba ? [this.table, this.pba] : [];
    this.romEnabled = rom?.enabled ?? false;
    this.places = new Map(this.allBars.map((bar) => [bar, { ...bar }]));
    this.decoding = this.memoryBars.some((bar) => bar.enabled);
  }

  /** Those that memory decoding switches: a ROM only when its own enable bit is set. */
  get decodableBars(): readonly ReferenceBar[] {
    return this.memoryBars.filter((bar) => bar.type !== 'rom' || this.romEnabled);
  }

  get bars(): readonly Bar[] {
    return this.allBars.map((bar) => ({ ...bar }));
  }

  /** A page of the table or PBA, enabled or not. */
  holdsStructure(page: number): boolean {
    return this.structures.some((structure) => touches(structure, page));
  }

  /** A page of the table or PBA of an enabled BAR. */
  trapsStructure(page: number): boolean {
    return this.structures.some((structure) => structure.enabled && touches(structure, page));
  }

  enabledBarAt(address: number): ReferenceBar | undefined {
    return this.memoryBars.find((bar) => isReached(bar) && contains(rangeOf(bar), address));
  }

  /** Enabled BARs with bytes on the page. */
  enabledBarsIn(page: number): ReferenceBar[] {
    return this.memoryBars.filter((bar) => isReached(bar) && touches(rangeOf(bar), page));
  }

  get messageControl(): number {
    return this.vectors?.control ?? 0;
  }

  writeMessageControl(value: number): void {
    this.mustBeAssigned();
    this.context.guard(undefined, () => this.vectors?.writeControl(value), undefined);
  }

  setDecode(on: boolean): DecodeResult {
    this.mustBeAssigned();
    return this.context.guard<DecodeResult>(undefined, () => setDecode(this.context, this, on), 'fail');
  }

  /** As after power-on: decoding nothing, where it was assigned, the ROM not enabled, MSI-X off and its entries masked. */
  reset(): boolean {
    this.mustBeAssigned();
    const { context } = this;
    if (this.decoding) this.setDecode(false);
    for (const bar of this.memoryBars) bar.enabled = false;
    context.guard(undefined, () => this.pages.drop(), undefined);
    context.guard(undefined, () => this.vectors?.reset(), undefined);
    for (const [bar, { address, hostAddress }] of this.places) {
      bar.address = address;
      bar.hostAddress = hostAddress;
    }
    this.romEnabled = false;
    const reset = () => callHost(this.sbdf, () => context.host.reset?.(this.sbdf) ?? false);
    return context.guard(undefined, reset, false);
  }

  moveBar(index: number, address: number): boolean {
    this.mustBeAssigned();
    const bar = this.allBars.find((candidate) => candidate.index === index);
    if (!bar || !Number.isSafeInteger(address) || address < 0) {
      throw new TraplineError('bad-argument', `${formatSbdf(this.sbdf)}: BAR ${index} to ${address}`);
    }
    if (bar.enabled) return false;
    // Address bits below the size are read-only.
    bar.address = address - (address % bar.size);
    if (this.context.hardware) bar.hostAddress = bar.address;
    return true;
  }

  placeRegion(region: ByteRegion, address: number): void {
    this.mustBeAssigned();
    const { policy } = this.context;
    const fits = address % PAGE_SIZE === 0 && address >= 0 && address + region.size <= ADDRESS_LIMIT;
    if (policy.sharedPage !== 'owner' || !fits) {
      throw new TraplineError('bad-argument', `${formatSbdf(this.sbdf)}: region at ${address}`);
    }
    const index = this.ranges.findIndex((range) => range.region === region);
    const before = this.ranges[index]?.address;
    const range = this.ranges[index] ?? new ReferenceRegion(this.context, this, region, address);
    // While it moves it is nowhere.
    const others = this.ranges.filter((other) => other !== range);
    const put = (at: number): boolean => {
      range.address = at;
      this.ranges = others;
      const hole = strictHole(this.context, this, [range]);
      for (const page of hole ?? []) callHost(this.sbdf, () => this.context.host.removeGuestMapping?.(page));
      if (!hole) return false;
      this.ranges = before === undefined ? [...others, range] : others.toSpliced(index, 0, range);
      return true;
    };
    const goBack = () => {
      if (before !== undefined) this.context.guard(undefined, () => put(before), false);
    };
    let done = false;
    try {
      done = put(address);
    } catch (error) {
      goBack();
      throw error instanceof HostFailure ? error.cause : error;
    }
    if (done) return;
    goBack();
    throw new TraplineError('overlap', `${formatSbdf(this.sbdf)}: region at ${address}`);
  }

  removeRegion(region: ByteRegion): boolean {
    this.mustBeAssigned();
    const others = this.ranges.filter((range) => range.region !== region);
    const removed = others.length < this.ranges.length;
    this.ranges = others;
    return removed;
  }

  vector(index: number): Vector {
    if (!this.vectors || !this.msix || !Number.isInteger(index) || index < 0 || index >= this.msix.count) {
      throw new TraplineError('bad-argument', `${formatSbdf(this.sbdf)}: no MSI-X table entry ${index}`);
    }
    return this.vectors.vector(index);
  }

  private mustBeAssigned(): void {
    if (!this.context.functions.includes(this)) {
      throw new TraplineError('unknown-function', `${formatSbdf(this.sbdf)} is not assigned`);
    }
  }
}

/** A guest may move a BAR where it does not fit; then no access reaches it. */
const isReached = (bar: Bar): boolean => bar.enabled && bar.address + bar.size <= ADDRESS_LIMIT;

/** Whether the guest's pages can be the host's: not a ROM's copy, and not where page offsets differ. */
export const isMappable = (context: Context, bar: ReferenceBar): boolean =>
  !context.trapAll && samePageOffset(bar) && !(bar.type === 'rom' && context.policy.rom === 'copy');

/** The page has bytes of the guest's registers. */
export const holdsRegister = ({ address, registers }: ReferenceBar, page: number): boolean =>
  [...registers.keys()].some((offset) =>
    touches({ start: address + offset, end: address + offset + 1 }, page),
  );

/** Low bytes first. */
function registersOf({ registers = [] }: FunctionDescription, bar: number): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const { space, offset, width, value } of registers) {
    if (space !== `bar${bar}` || value === 'hardware') continue;
    for (let i = 0; i < width; i++) bytes.set(offset + i, Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));
  }
  return bytes;
}

export const samePageOffset = (bar: ReferenceBar): boolean =>
  bar.address % PAGE_SIZE === bar.hostAddress % PAGE_SIZE;

export const rangeOf = (bar: Bar): Range => ({ start: bar.address, end: bar.address + bar.size });
