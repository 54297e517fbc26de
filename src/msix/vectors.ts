import { VECTOR_SIZE } from '../../assembly/layout.js';
import type { Core } from '../engine/core.js';
import type { Vector } from '../host.js';

/** The entries of one MSI-X table, in linear memory: their only home. Laid out in assembly/layout.ts. */
export class Vectors {
  readonly count: number;
  /** Pointer to the entries. */
  readonly storage: number;
  /** Pointer to the `updated` bytes. */
  readonly updated: number;
  /** The halves of an entry are exchanged. */
  readonly swapped: boolean;
  /** The memory is another's now: nothing is written any more. */
  released = false;
  private readonly core: Core;

  constructor(core: Core, count: number, swapped: boolean) {
    this.core = core;
    this.count = count;
    this.swapped = swapped;
    this.storage = core.allocate(this.size);
    this.updated = this.storage + VECTOR_SIZE * count;
    this.reset();
  }

  /** Every entry masked, all else zero. */
  reset(): void {
    if (this.released) return;
    const { core } = this;
    core.bytes.fill(0, this.storage, this.storage + this.size);
    for (let index = 0; index < this.count; index++) core.words[this.word(index, 12)] = 1;
  }

  private get size(): number {
    return (VECTOR_SIZE + 2) * this.count;
  }

  release(): void {
    this.released = true;
    this.core.release(this.storage, this.size);
  }

  get(index: number): Vector {
    const { words, bytes } = this.core;
    return {
      index,
      addressLow: words[this.word(index, 0)],
      addressHigh: words[this.word(index, 4)],
      data: words[this.word(index, 8)],
      masked: this.masked(index),
      updated: bytes[this.updated + index] === 1,
      armed: this.armed(index),
    };
  }

  /** All but whether it is armed. */
  set(index: number, entry: Omit<Vector, 'index' | 'armed'>): void {
    const { words } = this.core;
    this.setUpdated(index, entry.updated);
    words[this.word(index, 0)] = entry.addressLow;
    words[this.word(index, 4)] = entry.addressHigh;
    words[this.word(index, 8)] = entry.data;
    words[this.word(index, 12)] = entry.masked ? 1 : 0;
  }

  masked(index: number): boolean {
    return this.core.words[this.word(index, 12)] === 1;
  }

  /** Address or data were written since the entry was armed last. */
  isUpdated(index: number): boolean {
    return this.core.bytes[this.updated + index] === 1;
  }

  setUpdated(index: number, value: boolean): void {
    if (!this.released) this.core.bytes[this.updated + index] = value ? 1 : 0;
  }

  armed(index: number): boolean {
    return this.core.bytes[this.updated + this.count + index] === 1;
  }

  setArmed(index: number, value: boolean): void {
    if (!this.released) this.core.bytes[this.updated + this.count + index] = value ? 1 : 0;
  }

  private word(index: number, field: number): number {
    return (this.storage + VECTOR_SIZE * index + (this.swapped ? field ^ 8 : field)) / 4;
  }
}
