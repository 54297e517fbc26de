import { pageOf } from '../../src/access.js';
import { TraplineError } from '../../src/errors.js';
import type { DecodeResult, FunctionDescription, MsixLayout, TrappedFunction } from '../../src/function.js';
import type { Bar, BarType, Vector } from '../../src/host.js';
import { formatSbdf, type Sbdf } from '../../src/sbdf.js';
import type { Context } from './context.js';
import { setDecode } from './decode.js';
import { HostPages } from './host-pages.js';
import { contains, pagesOf, type Range } from './range.js';
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
  decoding: boolean;
  private readonly context: Context;
  private readonly guard: Guard;

  constructor(context: Context, guard: Guard, sbdf: Sbdf, description: FunctionDescription) {
    this.context = context;
    this.guard = guard;
    this.sbdf = sbdf;
    this.msix = description.msix;
    this.vectors = this.msix && new VectorTable(context, sbdf, this.msix.count);
    this.pages = new HostPages(context, sbdf);
    this.allBars = description.bars
      .map((bar) => ({
        index: bar.index,
        type: bar.type,
        address: bar.address,
        hostAddress: bar.hostAddress ?? bar.address,
        size: bar.size,
        enabled: bar.type !== 'io' && (bar.enabled ?? description.decode ?? false),
      }))
      .sort((a, b) => a.index - b.index);
    this.decoding = this.allBars.some((bar) => bar.enabled);
  }

  get bars(): readonly Bar[] {
    return this.allBars.map((bar) => ({ ...bar }));
  }

  /** Those that memory decoding governs. */
  get memoryBars(): readonly ReferenceBar[] {
    return this.allBars.filter((bar) => bar.type !== 'io');
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
    return this.table && this.pba ? [this.table, this.pba] : [];
  }

  private structure({ bir, offset }: { bir: number; offset: number }, length: number): Structure {
    const bar = this.allBars.find(({ index }) => index === bir);
    const start = (bar?.address ?? 0) + offset;
    const hostStart = (bar?.hostAddress ?? 0) + offset;
    return { bar, enabled: bar?.enabled ?? false, start, end: start + length, hostStart };
  }

  /** A page of the table or PBA, enabled or not. */
  holdsStructure(page: number): boolean {
    return this.structures.some((structure) => pagesOf(structure).includes(page));
  }

  /** A page of the table or PBA of an enabled BAR. */
  trapsStructure(page: number): boolean {
    return this.structures.some((structure) => structure.enabled && pagesOf(structure).includes(page));
  }

  enabledBarAt(address: number): ReferenceBar | undefined {
    return this.memoryBars.find((bar) => bar.enabled && contains(rangeOf(bar), address));
  }

  /** Bytes of this enabled BAR lie in the page. */
  enabledBarsIn(page: number): number {
    return this.memoryBars.filter(
      (bar) => bar.enabled && pageOf(bar.address) <= page && page < rangeOf(bar).end,
    ).length;
  }

  get messageControl(): number {
    return this.vectors?.control ?? 0;
  }

  writeMessageControl(value: number): void {
    this.mustBeAssigned();
    this.guard(undefined, () => this.vectors?.writeControl(value), undefined);
  }

  setDecode(on: boolean): DecodeResult {
    this.mustBeAssigned();
    return this.guard<DecodeResult>(undefined, () => setDecode(this.context, this, on), 'fail');
  }

  moveBar(index: number, address: number): boolean {
    this.mustBeAssigned();
    const bar = this.allBars.find((candidate) => candidate.index === index);
    if (!bar || bar.enabled) return false;
    bar.address = address;
    if (this.context.hardware) bar.hostAddress = address;
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

export const rangeOf = (bar: Bar): Range => ({ start: bar.address, end: bar.address + bar.size });

/** Runs what a guest caused; when a host callback throws, reports that and gives `otherwise`. */
export type Guard = <T>(address: number | undefined, run: () => T, otherwise: T) => T;
