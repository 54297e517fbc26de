import {
  FUNCTION_SIZE,
  FUNCTIONS,
  GENERATION,
  HOST_ADDRESS,
  MAPPABLE,
  NEXT,
  RECORDS,
  SBDF,
  SEQUENCE,
  WHEREABOUTS_SIZE,
} from '../../assembly/layout.js';
import type { Sbdf } from '../sbdf.js';
import type { OwningCore } from './core.js';

const WORDS = WHEREABOUTS_SIZE / 4;

/** Where each function's record is, and the whereabouts of each mapped page, by its id. See assembly/layout.ts. */
export class FunctionRecords {
  private readonly core: OwningCore;
  private readonly pointers = new Map<Sbdf, number>();
  /** Records of functions that are gone, and the EPOCH that all workers must have passed. */
  private readonly retired: { readonly record: number; readonly stamp: number }[] = [];
  private sequence = 0;
  private table = 0;
  private capacity = 0;

  constructor(core: OwningCore) {
    this.core = core;
  }

  /** A function's record, made when it is asked for first. Throws `out-of-memory`. */
  of(sbdf: Sbdf): number {
    let record = this.pointers.get(sbdf);
    if (record === undefined) {
      record = this.make();
      this.core.words[(record + SBDF) / 4] = sbdf;
      this.core.words[(record + SEQUENCE) / 4] = ++this.sequence;
      this.pointers.set(sbdf, record);
    }
    return record;
  }

  /** Its GENERATION goes on where another function had it: some worker may still have that one's pages. */
  private make(): number {
    const { core, retired } = this;
    if (retired.length > 0 && core.isFree(retired[0].stamp)) return retired.splice(0, 1)[0].record;
    const record = core.allocate(FUNCTION_SIZE);
    const { words } = core;
    words.fill(0, record / 4, (record + FUNCTION_SIZE) / 4);
    words[(record + GENERATION) / 4] = core.raiseEpoch();
    words[(record + NEXT) / 4] = words[FUNCTIONS / 4];
    core.publish(FUNCTIONS / 4, record);
    return record;
  }

  /** The function is gone: no leaf leads to its record. */
  remove(sbdf: Sbdf): void {
    const record = this.pointers.get(sbdf);
    if (record === undefined) return;
    this.pointers.delete(sbdf);
    this.core.words[(record + SEQUENCE) / 4] = 0;
    this.retired.push({ record, stamp: this.core.raiseEpoch() });
  }

  /** Says whose a mapped page is, and whether each worker asks its own host for it. Throws `out-of-memory`. */
  assign(id: number, sbdf: Sbdf, mappable: boolean, address: number): void {
    const record = this.of(sbdf);
    this.reserve(id);
    const { words } = this.core;
    words[(this.table + MAPPABLE) / 4 + WORDS * id] = mappable ? 1 : 0;
    this.place(id, address);
    this.core.publish(this.table / 4 + WORDS * id, record);
  }

  /** Says where a mapped page is. */
  place(id: number, address: number): void {
    const at = (this.table + HOST_ADDRESS) / 4 + WORDS * id;
    new Float64Array(this.core.memory.buffer, 4 * at, 1)[0] = address;
  }

  /** The record of the function that has a mapped page; 0: none. */
  ofPage(id: number): number {
    return this.core.words[this.table / 4 + WORDS * id];
  }

  private reserve(id: number): void {
    if (id < this.capacity) return;
    const { core, table, capacity } = this;
    const more = Math.max(64, 2 * capacity, id + 1);
    const block = core.allocate(WHEREABOUTS_SIZE * more);
    core.words.fill(0, block / 4, block / 4 + WORDS * more);
    core.words.copyWithin(block / 4, table / 4, table / 4 + WORDS * capacity);
    core.publish(RECORDS / 4, block);
    if (capacity > 0) core.release(table, WHEREABOUTS_SIZE * capacity);
    this.table = block;
    this.capacity = more;
  }
}
