import { PAGE_SIZE, pageOf, type Width } from '../access.js';
import type { Bar } from '../host.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import type { HostPages } from './host-pages.js';
import { type ByteRange, describeRegion, type Region, type RegionInfo, regionFlags } from './region.js';
import { NOTHING, type Range, readFrom, type Target, writeTo } from './transfer.js';

/** A memory BAR: its host pages, without the bytes of the MSI-X table. The PBA is accessed as all else. */
export class BarRegion implements Region, Target {
  readonly widest = 8;
  readonly excluded: Range;
  private readonly bar: Bar;
  private readonly table: ByteRange | undefined;
  private readonly pages: HostPages;
  private readonly gate: Gate;

  /** `table`: the MSI-X table's bytes, where it lies in this BAR. */
  constructor(bar: Bar, table: ByteRange | undefined, pages: HostPages, gate: Gate) {
    this.bar = bar;
    this.table = table;
    this.excluded = table ? { start: table.offset, end: table.offset + table.size } : NOTHING;
    this.pages = pages;
    this.gate = gate;
  }

  info(): RegionInfo {
    const { bar, table } = this;
    const mappable = isMappable(bar);
    const flags = regionFlags.READ | regionFlags.WRITE | (mappable ? regionFlags.MMAP : 0);
    return {
      ...describeRegion(bar.index, bar.size, flags),
      msixMappable: mappable && table !== undefined,
      mappable: mappable ? pagesWithout(table, bar.size) : [],
    };
  }

  /** Maps all of it. 0, or ENOMEM. */
  mapAll(): 0 | Errno {
    return isAssigned(this.bar) ? this.pages.map(this.bar.hostAddress, this.bar.size) : 0;
  }

  read(position: number, into: Uint8Array): number {
    const count = this.bounded(position, into.length);
    return count < 0 ? count : readFrom(this, position, into.subarray(0, count));
  }

  write(position: number, from: Uint8Array): number {
    const count = this.bounded(position, from.length);
    return count < 0 ? count : writeTo(this, position, from.subarray(0, count));
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkMemory();
    if (closed === 0) this.pages.load(this.bar.hostAddress + position, width, into, index);
    return closed;
  }

  store(position: number, width: Width, from: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkMemory();
    if (closed === 0) this.pages.store(this.bar.hostAddress + position, width, from, index);
    return closed;
  }

  /** The bytes from `position` that are in the BAR, their pages mapped; or an errno. */
  private bounded(position: number, count: number): number {
    const { bar } = this;
    if (!isAssigned(bar) || position >= bar.size) return errno.EINVAL;
    const inside = Math.min(count, bar.size - position);
    const failed = this.pages.map(bar.hostAddress + position, inside);
    return failed || inside;
  }
}

/** A BAR at 0 was never given an address. */
export const isAssigned = (bar: Bar): boolean => bar.hostAddress !== 0;

/** A BAR smaller than a page may share it with somebody else's. */
const isMappable = (bar: Bar): boolean =>
  isAssigned(bar) && bar.size >= PAGE_SIZE && bar.hostAddress % PAGE_SIZE === 0;

/** The whole pages of [0, size) beside those that the table touches. */
function pagesWithout(table: ByteRange | undefined, size: number): ByteRange[] {
  if (!table) return [{ offset: 0, size }];
  const start = Math.min(pageOf(table.offset), size);
  const end = pageOf(table.offset + table.size + PAGE_SIZE - 1);
  const ranges = [
    { offset: 0, size: start },
    { offset: end, size: size - end },
  ];
  return ranges.filter((range) => range.size > 0);
}
