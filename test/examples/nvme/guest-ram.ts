import type { GuestMemory } from '../../../examples/nvme/guest-memory.js';

export interface Touched {
  readonly address: number;
  readonly length: number;
}

/** RAM from 0 on that remembers what a device touched. */
export class GuestRam implements GuestMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly reads: Touched[] = [];
  readonly writes: Touched[] = [];

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  read(address: number, into: Uint8Array): boolean {
    if (address + into.length > this.bytes.length) return false;
    this.reads.push({ address, length: into.length });
    into.set(this.bytes.subarray(address, address + into.length));
    return true;
  }

  write(address: number, from: Uint8Array): boolean {
    if (address + from.length > this.bytes.length) return false;
    this.writes.push({ address, length: from.length });
    this.bytes.set(from, address);
    return true;
  }
}
