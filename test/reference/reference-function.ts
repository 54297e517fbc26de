import { ADDRESS_LIMIT } from '../../src/access.js';
import { TraplineError } from '../../src/errors.js';
import type { DecodeResult, FunctionDescription, MsixLayout, TrappedFunction } from '../../src/function.js';
import type { Bar, BarType, Vector } from '../../src/host.js';
import { formatSbdf, type Sbdf } from '../../src/sbdf.js';
import type { Context } from './context.js';
import { setDecode } from './decode.js';
import { HostPages } from './host-pages.js';
import { contains, type Range, touches } from './range.js';
import { VectorTable } from './vector-table.js';

export interface ReferenceBar extends Bar {
  readonly index: number;
  readonly type: BarType;
  readonly size: number;
  address: number;
  hostAddress: number;
  enabled: boolean;
}

/** An MSI-X structure where its BAR is now. */
export interface Structure extends Range {
  readonly bar: ReferenceBar | undefined;
  readonly enabled: boolean;
  /** Host-physical address of its first byte. */
  readonly hostStart: number;
}

export class ReferenceFunction implements TrappedFunction {
  readonly sbdf: Sbdf;
  readonly msix: MsixLayout | undefined;
  readonly vectors: VectorTable | undefined;
  readonly pages: HostPages;
  readonly allBars: readonly ReferenceBar[];
  readonly memoryBars: readonly ReferenceBar[];
  /** Those that memory decoding switches: a ROM only when its own enable bit was set. */
  readonly decodableBars: readonly ReferenceBar[];
  decoding: boolean;
  private readonly context: Context;

  constructor(context: Context, sbdf: Sbdf, description: FunctionDescription) {
    this.context = context;
    this.sbdf = sbdf;
    this.msix = description.msix;
    this.vectors = this.msix && new VectorTable(context, sbdf, this.msix);
    this.pages = new HostPages(context, sbdf);
    this.allBars = description.bars
      .map((bar) => ({
        index: bar.index,
        type: bar.type,
        address: bar.address,
        hostAddress: bar.hostAddress ?? bar.address,
        size: bar.size,
        enabled: bar.enabled ?? description.decode ?? false,
      }))
      .sort((a, b) => a.index - b.index);
    this.memoryBars = this.allBars.filter((bar) => bar.type !== 'io');
    this.decodableBars = this.memoryBars.filter((bar) => bar.type !== 'rom' || bar.enabled);
    this.decoding = this.memoryBars.some((bar) => bar.enabled);
  }

  get bars(): readonly Bar[] {
    return this.allBars.map((bar) => ({ ...bar }));
  }

  /** 16 bytes an entry. */
  get table(): Structure | undefined {
    return this.msix && this.structure(this.msix.table, 16 * this.msix.count);
  }

  /** A bit an entry, in whole 8-byte words. */
  get pba(): Structure | undefined {
    return this.msix && this.structure(this.msix.pba, 8 * Math.ceil(this.msix.count / 64));
  }

  /** Table, then PBA. */
  get structures(): readonly Structure[] {
    const { table, pba } = this;
    return table && pba ? [table, pba] : [];
  }

  private structure({ bir, offset }: { bir: number; offset: number }, length: number): Structure {
    const bar = this.memoryBars.find(({ index }) => index === bir);
    const start = (bar?.address ?? 0) + offset;
    const hostStart = (bar?.hostAddress ?? 0) + offset;
    return { bar, enabled: bar !== undefined && isReached(bar), start, end: start + length, hostStart };
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

  /** How many enabled BARs have bytes on the page. */
  enabledBarsIn(page: number): number {
    return this.memoryBars.filter((bar) => isReached(bar) && touches(rangeOf(bar), page)).length;
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

  moveBar(index: number, address: number): boolean {
    this.mustBeAssigned();
    const bar = this.allBars.find((candidate) => candidate.index === index);
    if (!bar || !Number.isSafeInteger(address) || address < 0) {
      throw new TraplineError('bad-argument', `${formatSbdf(this.sbdf)}: BAR ${index} to ${address}`);
    }
    if (bar.enabled) return false;
    // The low four bits of a memory BAR are read-only.
    bar.address = address - (address % 16);
    if (this.context.hardware) bar.hostAddress = bar.address;
    return true;
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

export const rangeOf = (bar: Bar): Range => ({ start: bar.address, end: bar.address + bar.size });
