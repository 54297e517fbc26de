import type { Width } from '../access.js';
import { contains } from '../range.js';
import { WritableRegion } from './accessed-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import type { HostPages } from './host-pages.js';
import type { Ports } from './ports.js';
import { describeRegion, type RegionInfo, regionFlags, VGA_REGION } from './region.js';
import { NOTHING } from './transfer.js';

/** The legacy VGA addresses, [start, end): the frame buffer in memory, two ranges of I/O ports. */
const WINDOWS = [
  { start: 0x3b0, end: 0x3bc, memory: false },
  { start: 0x3c0, end: 0x3e0, memory: false },
  { start: 0xa0000, end: 0xc0000, memory: true },
] as const;

const SIZE = 0xc0000;

/** Positions are the legacy addresses; a transfer ends with its window. No decoding bit is looked at. */
export class VgaRegion extends WritableRegion {
  readonly widest = 4;
  readonly excluded = NOTHING;
  private readonly pages: HostPages;
  private readonly ports: Ports;
  private readonly gate: Gate;

  constructor(pages: HostPages, ports: Ports, gate: Gate) {
    super();
    this.pages = pages;
    this.ports = ports;
    this.gate = gate;
  }

  info(): RegionInfo {
    return describeRegion(VGA_REGION, SIZE, regionFlags.READ | regionFlags.WRITE);
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    const closed = this.gate.check();
    if (closed !== 0) return closed;
    if (!isMemory(position)) return this.ports.load(position, width, into, index);
    this.pages.load(position, width, into, index);
    return 0;
  }

  store(position: number, width: Width, from: DataView, index: number): 0 | Errno {
    const closed = this.gate.check();
    if (closed !== 0) return closed;
    if (!isMemory(position)) return this.ports.store(position, width, from, index);
    this.pages.store(position, width, from, index);
    return 0;
  }

  protected bounded(position: number, count: number): number {
    const window = WINDOWS.find((range) => contains(range, position));
    if (!window) return errno.EINVAL;
    const inside = Math.min(count, window.end - position);
    const failed = window.memory ? this.pages.map(position, inside) : 0;
    return failed || inside;
  }
}

const isMemory = (position: number): boolean => position >= WINDOWS[2].start;
