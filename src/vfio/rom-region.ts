import type { Width } from '../access.js';
import { writeView } from '../memory/mapped-page.js';
import type { FunctionBar } from '../pci/bar.js';
import type { Rom, RomState } from '../pci/rom.js';
import type { Range } from '../range.js';
import { ReadableRegion } from './accessed-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import { describeRegion, type RegionInfo, ROM_REGION, regionFlags } from './region.js';

const OUTCOMES: Readonly<Record<RomState, 0 | Errno>> = {
  ready: 0,
  copying: errno.EAGAIN,
  disabled: errno.EIO,
  unmappable: errno.ENOMEM,
};

/** The ROM BAR, read from its copy. Memory decoding must be on; the ROM's enable bit is not looked at. */
export class RomRegion extends ReadableRegion {
  /** Devices exist that report an error for 8 bytes (Intel X710). */
  readonly widest = 4;
  private readonly bar: FunctionBar;
  private readonly rom: Rom;
  private readonly gate: Gate;

  constructor(bar: FunctionBar, rom: Rom, gate: Gate) {
    super();
    this.bar = bar;
    this.rom = rom;
    this.gate = gate;
  }

  /** What follows the images. */
  get excluded(): Range {
    return { start: this.rom.imageLength, end: this.bar.size };
  }

  /** The BAR's size, or 0 where the ROM cannot be mapped. Copies it, with memory decoding off, too. */
  info(): RegionInfo | Errno {
    const outcome = this.copy();
    if (outcome === errno.ENOMEM || !this.bar.isAssigned) return describeRegion(ROM_REGION, 0, 0);
    return outcome || describeRegion(ROM_REGION, this.bar.size, regionFlags.READ);
  }

  /** 0, or why the ROM could not be copied. */
  copy(): 0 | Errno {
    return this.bar.isAssigned ? OUTCOMES[this.rom.load()] : 0;
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkMemory();
    if (closed === 0) writeView(into, index, width, this.rom.read(position, width));
    return closed;
  }

  protected bounded(position: number, count: number): number {
    const { bar, rom } = this;
    if (!bar.isAssigned || position >= bar.size) return errno.EINVAL;
    const failed = rom.loaded ? 0 : this.gate.checkMemory() || this.copy();
    return failed || Math.min(count, bar.size - position);
  }
}
