import { hexOfBytes } from '../hexadecimal.js';
import type { ByteRegion } from '../vfio/device-region.js';
import { BackingMemory } from './backing-memory.js';
import type { Effect } from './scenario.js';

/** Bytes that are no BAR's, as the format's memory has them from 0 on; what is done to them is an effect. */
export class ScenarioRegion implements ByteRegion {
  readonly size: number;
  private readonly number: number;
  private readonly memory = new BackingMemory();
  private readonly note: (effect: Effect) => void;

  constructor(number: number, size: number, note: (effect: Effect) => void) {
    this.number = number;
    this.size = size;
    this.note = note;
  }

  read(position: number, into: Uint8Array): number {
    for (const index of into.keys()) into[index] = this.memory.read(position + index, 1);
    this.note(['rrd', this.number, position, hexOfBytes(into)]);
    return into.length;
  }

  /** Not at odd positions. */
  write(position: number, from: Uint8Array): number {
    const refused = position % 2 === 1;
    this.note([refused ? 'rrefuse' : 'rwr', this.number, position, hexOfBytes(from)]);
    if (refused) return -1;
    for (const [index, byte] of from.entries()) this.memory.write(position + index, 1, byte);
    return from.length;
  }
}
