import type { GuestMemory } from '../guest-memory.js';

/** What of v86's exports DMA needs. */
export interface RamExports {
  readonly memory: WebAssembly.Memory;
  jit_dirty_cache(start: number, end: number): void;
}

/** The VGA's memory, which is not RAM. */
const VGA_START = 0xa_0000;
const VGA_END = 0xc_0000;

/** v86's guest RAM: a part of its linear memory, which may grow, so that views are made anew. */
export class GuestRam implements GuestMemory {
  private exports: RamExports | undefined;
  private start = 0;
  private size = 0;

  /** What v86 allocated. */
  allocated(exports: RamExports, start: number, size: number): void {
    this.exports = exports;
    this.start = start >>> 0;
    this.size = size >>> 0;
  }

  read(address: number, into: Uint8Array): boolean {
    const bytes = this.bytes(address, into.length);
    if (bytes) into.set(bytes);
    return bytes !== undefined;
  }

  /** Code that v86 has compiled from the bytes is forgotten. */
  write(address: number, from: Uint8Array): boolean {
    const bytes = this.bytes(address, from.length);
    if (!bytes) return false;
    if (from.length > 0) this.exports?.jit_dirty_cache(address, address + from.length);
    bytes.set(from);
    return true;
  }

  private bytes(address: number, length: number): Uint8Array | undefined {
    const end = address + length;
    if (!this.exports || !Number.isInteger(address) || address < 0 || end > this.size) return undefined;
    if (address < VGA_END && end > VGA_START) return undefined;
    return new Uint8Array(this.exports.memory.buffer, this.start + address, length);
  }
}
