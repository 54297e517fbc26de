import { pbaSize } from '../msix-layout.js';

/** Pending bits: one a vector, in whole 8-byte words (PCI 3.0 6.8.2). Bits of no vector stay 0. */
export class PendingBits {
  /** Vectors. */
  readonly count: number;
  readonly bytes: Uint8Array;

  constructor(count: number) {
    this.count = count;
    this.bytes = new Uint8Array(pbaSize(count));
  }

  /** False for a vector that does not exist. */
  has(vector: number): boolean {
    return ((this.bytes[vector >>> 3] ?? 0) & (1 << (vector & 7))) !== 0;
  }

  set(vector: number): void {
    this.bytes[vector >>> 3] |= 1 << (vector & 7);
  }

  clear(vector: number): void {
    this.bytes[vector >>> 3] &= ~(1 << (vector & 7));
  }

  clearAll(): void {
    this.bytes.fill(0);
  }
}
