import type { GuestMemory } from '../../src/hosts/guest-memory.js';

/** 64 KiB of guest memory at 64 KiB; nothing else is RAM. */
export class Ram implements GuestMemory {
  static readonly start = 0x10000;
  static readonly size = 0x10000;
  readonly bytes = Uint8Array.from({ length: Ram.size }, (_, at) => (at * 13) ^ (at >> 5));

  read(address: number, into: Uint8Array): boolean {
    if (!Ram.has(address, into.length)) return false;
    into.set(this.bytes.subarray(address - Ram.start, address - Ram.start + into.length));
    return true;
  }

  write(address: number, from: Uint8Array): boolean {
    if (!Ram.has(address, from.length)) return false;
    this.bytes.set(from, address - Ram.start);
    return true;
  }

  static has(address: number, length: number): boolean {
    return address >= Ram.start && address + length <= Ram.start + Ram.size;
  }
}
