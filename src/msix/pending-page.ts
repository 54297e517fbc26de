import { ones, type Width } from '../access.js';
import type { PageHandler } from '../host.js';
import type { MappedPage } from '../memory/mapped-page.js';
import type { SoftwareMsix } from './software.js';

/** A page that holds bytes of an emulated PBA: reads of them see the pending bits, writes are ignored. */
export class PendingPage implements PageHandler {
  private readonly msix: SoftwareMsix;
  /** Offset in the page of the PBA's first byte; negative where it starts on a page before. */
  private readonly start: number;
  /** The model's own bytes of the page, mapped when one of them is accessed. */
  private readonly rest: MappedPage;

  constructor(msix: SoftwareMsix, start: number, rest: MappedPage) {
    this.msix = msix;
    this.start = start;
    this.rest = rest;
  }

  // Table, PBA and BARs start and end at multiples of 8: an aligned access has one owner.

  read(offset: number, width: Width, high: Uint32Array): number {
    const from = offset - this.start;
    const { bytes } = this.msix.pendingBits;
    if (from < 0 || from >= bytes.length) {
      high[0] = 0xffffffff;
      if (!this.isMapped()) return ones(width);
      const low = this.rest.read(offset, width);
      high[0] = this.rest.high;
      return low;
    }
    this.msix.poll(from, width);
    const lane = (at: number) =>
      bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    if (width === 8) high[0] = lane(from + 4);
    return (lane(from) & ones(width)) >>> 0;
  }

  write(offset: number, width: Width, low: number, high: number): void {
    const from = offset - this.start;
    if (from >= 0 && from < this.msix.pendingBits.bytes.length) return;
    if (this.isMapped()) this.rest.write(offset, width, low, high);
  }

  unmap(): void {
    this.rest.unmap();
  }

  private isMapped(): boolean {
    return this.rest.mapped || this.rest.map();
  }
}
