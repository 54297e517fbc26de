import type { Width } from '../access.js';
import type { FunctionBar } from '../pci/bar.js';
import { WritableRegion } from './accessed-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import type { Ports } from './ports.js';
import { describeRegion, type RegionInfo, regionFlags } from './region.js';
import { NOTHING } from './transfer.js';

/** An I/O BAR. No decoding bit is looked at. */
export class IoRegion extends WritableRegion {
  /** An 8-byte access to ports is two of 4 anyway, the lower first. */
  readonly widest = 4;
  readonly excluded = NOTHING;
  private readonly bar: FunctionBar;
  private readonly ports: Ports;
  private readonly gate: Gate;

  constructor(bar: FunctionBar, ports: Ports, gate: Gate) {
    super();
    this.bar = bar;
    this.ports = ports;
    this.gate = gate;
  }

  info(): RegionInfo {
    return describeRegion(this.bar.index, this.bar.size, regionFlags.READ | regionFlags.WRITE);
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    return this.gate.check() || this.ports.load(this.bar.hostAddress + position, width, into, index);
  }

  store(position: number, width: Width, from: DataView, index: number): 0 | Errno {
    return this.gate.check() || this.ports.store(this.bar.hostAddress + position, width, from, index);
  }

  protected bounded(position: number, count: number): number {
    const { isAssigned, size } = this.bar;
    return isAssigned && position < size ? Math.min(count, size - position) : errno.EINVAL;
  }
}
