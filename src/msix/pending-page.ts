import { ones, type Width } from '../access.js';
import type { PageHandler } from '../host.js';
import type { SoftwareMsix } from './software.js';

/** An emulated PBA, as a page that begins with its first byte: reads see the pending bits, writes are ignored. */
export class PendingPage implements PageHandler {
  private readonly msix: SoftwareMsix;

  constructor(msix: SoftwareMsix) {
    this.msix = msix;
  }

  /** Bytes: whole 8-byte words. */
  get size(): number {
    return this.msix.pendingBits.bytes.length;
  }

  read(offset: number, width: Width, high: Uint32Array): number {
    const { bytes } = this.msix.pendingBits;
    this.msix.poll(offset, width);
    const lane = (at: number) =>
      bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (width === 8) high[0] = lane(offset + 4);
    return (lane(offset) & ones(width)) >>> 0;
  }

  write(): void {}
}
