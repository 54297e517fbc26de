import type { Width } from '../access.js';
import type { ConfigRegisters } from '../function.js';
import { readView, writeView } from '../memory/mapped-page.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import { CONFIG_REGION, describeRegion, type Region, type RegionInfo, regionFlags } from './region.js';
import { NOTHING, readFrom, type Target, writeTo } from './transfer.js';

/** Configuration space, in configuration cycles. A transfer that leaves it is refused whole, not cut. */
export class ConfigRegion implements Region, Target {
  readonly widest = 4;
  readonly excluded = NOTHING;
  private readonly config: ConfigRegisters;
  private readonly gate: Gate;

  constructor(config: ConfigRegisters, gate: Gate) {
    this.config = config;
    this.gate = gate;
  }

  info(): RegionInfo {
    return describeRegion(CONFIG_REGION, this.config.size, regionFlags.READ | regionFlags.WRITE);
  }

  read(position: number, into: Uint8Array): number {
    return this.holds(position, into.length) ? readFrom(this, position, into) : errno.EFAULT;
  }

  write(position: number, from: Uint8Array): number {
    return this.holds(position, from.length) ? writeTo(this, position, from) : errno.EFAULT;
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkOpen();
    if (closed === 0) writeView(into, index, width, this.config.read(position, width));
    return closed;
  }

  store(position: number, width: Width, from: DataView, index: number): 0 | Errno {
    const closed = this.gate.checkOpen();
    if (closed === 0) this.config.write(position, width, readView(from, index, width) >>> 0);
    return closed;
  }

  private holds(position: number, count: number): boolean {
    return position + count <= this.config.size;
  }
}
