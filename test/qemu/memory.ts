import type { Qtest } from '../../src/hosts/qtest.js';

/** The machine's memory, as the guest and its devices have it. */
export class Memory {
  private readonly qtest: Qtest;
  private next: number;

  /** Pages are given out from `start` on. */
  constructor(qtest: Qtest, start: number) {
    this.qtest = qtest;
    this.next = start;
  }

  /** A page of zeros that is nobody else's. */
  page(): number {
    const address = this.next;
    this.next += 4096;
    this.qtest.writeMemory(address, new Uint8Array(4096));
    return address;
  }

  write(address: number, words: Uint32Array): void {
    this.qtest.writeMemory(address, new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  }

  words(address: number, count: number): Uint32Array {
    return new Uint32Array(this.bytes(address, 4 * count).slice().buffer);
  }

  bytes(address: number, length: number): Uint8Array {
    return this.qtest.readMemory(address, length);
  }
}
