import type { Width } from '../access.js';
import type { Bar } from '../host.js';
import { isAssigned } from './bar-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import type { Ports } from './ports.js';
import { describeRegion, type Region, type RegionInfo, regionFlags } from './region.js';
import { NOTHING, readFrom, type Target, writeTo } from './transfer.js';

/** An I/O BAR. No decoding bit is looked at. */
export class IoRegion implements Region, Target {
  /** An 8-byte access to ports is two of 4 anyway, the lower first. */
  readonly widest = 4;
  readonly excluded = NOTHING;
  private readonly bar: Bar;
  private readonly ports: Ports;
  private readonly gate: Gate;

  constructor(bar: Bar, ports: Ports, gate: Gate) {
    this.bar = bar;
    this.ports = ports;
    this.gate = gate;
  }

  info(): RegionInfo {
    return describeRegion(this.bar.index, this.bar.size, regionFlags.READ | regionFlags.WRITE);
  }

  read(position: number, into: Uint8Array): number {
    if (!this.holds(position)) return errno.EINVAL;
    return readFrom(this, position, into.subarray(0, this.bar.size - position));
  }

  write(position: number, from: Uint8Array): number {
    if (!this.holds(position)) return errno.EINVAL;
    return writeTo(this, position, from.subarray(0, this.bar.size - position));
  }

  load(position: number, width: Width, into: DataView, index: number): 0 | Errno {
    return this.gate.check() || this.ports.load(this.bar.hostAddress + position, width, into, index);
  }

  store(position: number, width: Width, from: DataView, index: number): 0 | Errno {
    return this.gate.check() || this.ports.store(this.bar.hostAddress + position, width, from, index);
  }

  private holds(position: number): boolean {
    return isAssigned(this.bar) && position < this.bar.size;
  }
}
