import { FUNCTION_SIZE, RECORDS } from '../../assembly/layout.js';
import type { Sbdf } from '../sbdf.js';
import type { SharedCore } from './core.js';

/** Where each function's record is, and that of the function that has a mapped page, by the page's id. See assembly/layout.ts. */
export class FunctionRecords {
  private readonly core: SharedCore;
  private readonly pointers = new Map<Sbdf, number>();
  private table = 0;
  private capacity = 0;

  constructor(core: SharedCore) {
    this.core = core;
  }

  /** A function's record, made when it is asked for first. Throws `out-of-memory`. */
  of(sbdf: Sbdf): number {
    let record = this.pointers.get(sbdf);
    if (record === undefined) {
      record = this.core.allocate(FUNCTION_SIZE);
      this.core.words.fill(0, record / 4, (record + FUNCTION_SIZE) / 4);
      this.pointers.set(sbdf, record);
    }
    return record;
  }

  /** The function is gone: no leaf leads to its record. */
  remove(sbdf: Sbdf): void {
    const record = this.pointers.get(sbdf);
    if (record === undefined) return;
    this.pointers.delete(sbdf);
    this.core.release(record, FUNCTION_SIZE);
  }

  /** Says whose a mapped page is. Throws `out-of-memory`. */
  assign(id: number, sbdf: Sbdf): void {
    const record = this.of(sbdf);
    this.reserve(id);
    this.core.publish(this.table / 4 + id, record);
  }

  /** The record of the function that has a mapped page; 0: none. */
  ofPage(id: number): number {
    return this.core.words[this.table / 4 + id];
  }

  private reserve(id: number): void {
    if (id < this.capacity) return;
    const { core, table, capacity } = this;
    const more = Math.max(64, 2 * capacity, id + 1);
    const block = core.allocate(4 * more);
    core.words.fill(0, block / 4, block / 4 + more);
    core.words.copyWithin(block / 4, table / 4, table / 4 + capacity);
    core.publish(RECORDS / 4, block);
    if (capacity > 0) core.release(table, 4 * capacity);
    this.table = block;
    this.capacity = more;
  }
}
