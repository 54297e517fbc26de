import { PAGE_SIZE, pageOf, type Width } from '../access.js';
import type { PageHandler } from '../host.js';
import { readView, writeView } from '../memory/mapped-page.js';
import type { FunctionBar } from '../pci/bar.js';
import { contains, type Range } from '../range.js';
import { WritableRegion } from './accessed-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import type { HostPages } from './host-pages.js';
import { type ByteRange, describeRegion, type RegionInfo, regionFlags } from './region.js';
import { NOTHING } from './transfer.js';

/** What of a BAR is not its host pages. */
export interface BarWindows {
  /** The MSI-X table, where it lies in this BAR. */
  readonly table?: Range;
  /** A software function's PBA, and what answers it. A real one's is accessed as all else. */
  readonly pending?: Range & { readonly page: PageHandler };
}

/** A memory BAR: its host pages, without the bytes of the MSI-X table. */
export class BarRegion extends WritableRegion {
  readonly widest = 8;
  private readonly bar: FunctionBar;
  private readonly windows: BarWindows;
  private readonly pages: HostPages;
  private readonly gate: Gate;
  private readonly high = new Uint32Array(1);

  constructor(bar: FunctionBar, windows: BarWindows, pages: HostPages, gate: Gate) {
    super();
    this.bar = bar;
    this.windows = windows;
    this.pages = pages;
    this.gate = gate;
  }

  get excluded(): Range {
    return this.windows.table ?? NOTHING;
  }

  info(): RegionInfo {
    const { bar, windows } = this;
    const mappable = isMappable(bar);
    const flags = regionFlags.READ | regionFlags.WRITE | (mappable ? regionFlags.MMAP : 0);
    const registers = Array.from(bar.registers.keys(), (start) => ({ start, end: start + 1 }));
    const holes = [windows.table, windows.pending, ...registers].filter((window) => window !== undefined);
    return {
      ...describeRegion(bar.index, bar.size, flags),
      msixMappable: mappable && windows.table !== undefined && !bar.fn.isSoftware,
      mappable: mappable ? pagesWithout(holes, bar.size) : [],
    };
  }

  /** Maps all of it. 0, or ENOMEM. */
  mapAll(): 0 | Errno {
    return this.bar.isAssigned ? this.pages.map(this.bar.hostAddress, this.bar.size) : 0;
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkMemory();
    if (closed !== 0) return closed;
    const { pending } = this.windows;
    if (pending === undefined || !contains(pending, position)) {
      this.pages.load(this.bar.hostAddress + position, width, into, index);
      return 0;
    }
    writeView(into, index, width, pending.page.read(position - pending.start, width, this.high));
    if (width === 8) into.setUint32(index + 4, this.high[0], true);
    return 0;
  }

  store(position: number, width: Width, from: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkMemory();
    if (closed !== 0) return closed;
    const { pending } = this.windows;
    if (pending === undefined || !contains(pending, position)) {
      this.pages.store(this.bar.hostAddress + position, width, from, index);
    } else {
      pending.page.write(position - pending.start, width, readView(from, index, width) >>> 0, 0);
    }
    return 0;
  }

  /** The bytes from `position` that are in the BAR, their pages mapped; or an errno. */
  protected bounded(position: number, count: number): number {
    const { bar } = this;
    if (!bar.isAssigned || position >= bar.size) return errno.EINVAL;
    const end = Math.min(position + count, bar.size);
    const { start, end: after } = this.windows.pending ?? { start: end, end };
    const failed = this.map(position, Math.min(end, start)) || this.map(Math.max(position, after), end);
    return failed || end - position;
  }

  private map(start: number, end: number): 0 | Errno {
    return start < end ? this.pages.map(this.bar.hostAddress + start, end - start) : 0;
  }
}

/** A BAR smaller than a page may share it with somebody else's. */
const isMappable = (bar: FunctionBar): boolean => bar.isAssigned && bar.size >= PAGE_SIZE;

/** The whole pages of [0, size) beside those that the holes touch. */
function pagesWithout(holes: readonly Range[], size: number): ByteRange[] {
  const ranges: ByteRange[] = [];
  let at = 0;
  for (const hole of [...holes, { start: size, end: size }].sort((a, b) => a.start - b.start)) {
    const start = Math.min(pageOf(hole.start), size);
    if (start > at) ranges.push({ offset: at, size: start - at });
    at = Math.max(at, pageOf(hole.end + PAGE_SIZE - 1));
  }
  return ranges;
}
