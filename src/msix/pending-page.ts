import { ones, type Width } from '../access.js';
import type { PageHandler } from '../host.js';
import type { PendingBits } from './pending-bits.js';

/** An emulated PBA, as a page that begins with its first byte: reads see the pending bits, writes are ignored. */
export class PendingPage implements PageHandler {
  private readonly bits: PendingBits;
  /** Told of the bytes that are read, before they are. */
  private readonly poll: (from: number, length: number) => void;

  constructor(bits: PendingBits, poll: (from: number, length: number) => void) {
    this.bits = bits;
    this.poll = poll;
  }

  /** Bytes: whole 8-byte words. */
  get size(): number {
    return this.bits.bytes.length;
  }

  read(offset: number, width: Width, high: Uint32Array): number {
    const { bytes } = this.bits;
    this.poll(offset, width);
    const lane = (at: number) =>
      bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (width === 8) high[0] = lane(offset + 4);
    return (lane(offset) & ones(width)) >>> 0;
  }

  write(): void {}
}
