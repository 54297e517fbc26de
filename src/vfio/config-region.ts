import type { Width } from '../access.js';
import type { ConfigRegisters } from '../function.js';
import { readView, writeView } from '../memory/mapped-page.js';
import { WritableRegion } from './accessed-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import { CONFIG_REGION, describeRegion, type RegionInfo, regionFlags } from './region.js';
import { NOTHING } from './transfer.js';

/** Configuration space, in configuration cycles. A transfer that leaves it is refused whole, not cut. */
export class ConfigRegion extends WritableRegion {
  readonly widest = 4;
  readonly excluded = NOTHING;
  private readonly config: ConfigRegisters;
  private readonly gate: Gate;

  constructor(config: ConfigRegisters, gate: Gate) {
    super();
    this.config = config;
    this.gate = gate;
  }

  info(): RegionInfo {
    return describeRegion(CONFIG_REGION, this.config.size, regionFlags.READ | regionFlags.WRITE);
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

  protected bounded(position: number, count: number): number {
    return position + count <= this.config.size ? count : errno.EFAULT;
  }
}
