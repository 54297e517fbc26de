import { FORWARDED, HIGH, SPLIT, STATUS, UNCLAIMED_ACCESS } from '../assembly/layout.js';
import { ones, UNCLAIMED, type Width } from './access.js';
import type { Completion } from './completion.js';
import type { DiagnosticCode, DiagnosticCounter } from './diagnostics.js';
import type { Core, CoreExports, CoreImports, ModuleDoors } from './engine/core.js';
import { readView, writeView } from './memory/mapped-page.js';
import { Ring } from './ring.js';

/** What a wasm caller's accesses fall back to when no function claims the address; lanes are i32. The high lane of 8 bytes reads ones. */
export interface Fallback {
  /** The value, or its low lane. */
  read(low: number, high: number, width: number): number;
  /** `dataHigh` counts for width 8 only. */
  write(low: number, high: number, width: number, data: number, dataHigh: number): void;
}

/** The doors through which accesses come. They never throw: they answer any width and address. */
export abstract class Accesses {
  // The constructor's assignment is the first (useDefineForClassFields is off): V8 then takes the fields for constant.
  protected readonly core: Core;
  protected readonly completion: Completion;
  protected views: readonly (DataView | undefined)[];
  protected readonly unalignedRead: DiagnosticCounter;
  protected readonly unalignedWrite: DiagnosticCounter;
  private readonly coreRead: CoreExports['read'];
  private readonly coreRead4: CoreExports['read4'];
  private readonly coreWrite4: CoreExports['write4'];
  private readonly coreWrite: CoreExports['write'];
  /** The core's, one step nearer. */
  protected cells: Uint32Array;
  private fallback: Fallback = { read: () => -1, write: () => {} };
  /** What readMemory left to do. */
  protected outcome = 0;

  protected constructor(create: (imports: CoreImports) => Core, completion: (core: Core) => Completion) {
    this.core = create({
      complete_read: (low, high, width, outcome) => this.completion.read(outcome, low, high, width as Width),
      complete_write: (low, high, width, data, dataHigh, outcome) =>
        this.completion.write(outcome, low, high, width as Width, data, dataHigh),
      unclaimed_read: (low, high, width) => {
        this.cells[HIGH / 4] = 0xffffffff;
        return this.fallback.read(low, high, width);
      },
      unclaimed_write: (low, high, width, data, dataHigh) =>
        this.fallback.write(low, high, width, data, dataHigh),
      forwarded_read4: (offset, outcome, low) => {
        const view = this.views[outcome >>> 8];
        return view !== undefined ? view.getInt32(offset, true) : this.completion.read(outcome, low, 0, 4);
      },
      forwarded_write4: (offset, outcome, low, data) => {
        const view = this.views[outcome >>> 8];
        if (view !== undefined) view.setInt32(offset, data, true);
        else this.completion.write(outcome, low, 0, 4, data, 0);
      },
    });
    this.cells = this.core.cells;
    this.core.onGrow = () => {
      this.cells = this.core.cells;
      this.completion?.domain.pageList.refresh();
    };
    this.completion = completion(this.core);
    const { pageList, diagnostics } = this.completion.domain;
    this.views = pageList.views;
    this.unalignedRead = diagnostics.of('unaligned-read');
    this.unalignedWrite = diagnostics.of('unaligned-write');
    this.coreRead = this.core.exports.read;
    this.coreWrite = this.core.exports.write;
    this.coreRead4 = this.core.exports.read4;
    this.coreWrite4 = this.core.exports.write4;
  }

  /** How often each diagnostic occurred, held back or not. */
  get counts(): Readonly<Record<DiagnosticCode, number>> {
    return this.completion.domain.diagnostics.counts;
  }

  /** High lane of the last 8-byte read, unsigned. */
  get high(): number {
    return this.cells[HIGH / 4];
  }

  // What follows stays small enough to be inlined into its caller, and passes 32-bit signed integers on: an address or
  // a value above 2^31 is a heap number for a function that is not inlined.

  /** The value, for width 8 its low lane, unsigned; or `UNCLAIMED`. `address`: guest-physical, bytes. */
  read(address: number, width: Width): number {
    if (typeof address !== 'number' || !isWidth(width)) return this.unclaimed();
    let value = width === 4 ? this.coreRead4(address) : this.coreRead(address, width);
    if (value !== -1) return value >>> 0;
    value = this.readMemory(address | 0, width);
    if (value !== -1) return value >>> 0;
    const { outcome } = this;
    if (outcome === 0) return ones(width);
    if (outcome === UNCLAIMED_ACCESS) return this.unclaimed();
    return this.completion.read(outcome, address | 0, (address / 0x1_0000_0000) | 0, width) >>> 0;
  }

  /** `data` and `dataHigh` are 32-bit lanes, signed or not. False: no function claims the address. */
  write(address: number, width: Width, data: number, dataHigh = 0): boolean {
    if (typeof address !== 'number' || !isWidth(width)) return false;
    const outcome =
      width === 4 ? this.coreWrite4(address, data) : this.coreWrite(address, width, data, dataHigh);
    if (outcome === 0 || this.writeMemory(outcome, address | 0, width, data | 0)) return true;
    if (outcome === UNCLAIMED_ACCESS) return false;
    this.completion.write(outcome, address | 0, (address / 0x1_0000_0000) | 0, width, data | 0, dataHigh | 0);
    return true;
  }

  /**
   * The value where memory answers: it cannot fail, nor tell how it is accessed. -1 is a value when `outcome` is 0,
   * else the outcome is left to do.
   */
  protected readMemory(low: number, width: Width): number {
    const outcome = this.cells[STATUS / 4];
    this.cells[STATUS / 4] = 0;
    const view = this.views[outcome >>> 8];
    this.outcome = 0;
    if (view !== undefined && width !== 8) {
      const how = outcome & 0xff;
      if (how === FORWARDED || (how === SPLIT && this.unalignedRead.countQuietly())) {
        const value = readView(view, low & 0xfff, width);
        this.leave();
        return value;
      }
    }
    this.outcome = outcome;
    return -1;
  }

  /** True where memory took the value. */
  protected writeMemory(outcome: number, low: number, width: Width, data: number): boolean {
    const view = this.views[outcome >>> 8];
    if (view === undefined || width === 8) return false;
    const how = outcome & 0xff;
    if (how !== FORWARDED && (how !== SPLIT || !this.unalignedWrite.countQuietly())) return false;
    writeView(view, low & 0xfff, width, data);
    this.leave();
    return true;
  }

  /** Memory has answered. */
  protected leave(): void {}

  /** An 8-byte read as one value; undefined: no function claims the address. */
  readBig(address: number): bigint | undefined {
    const low = this.read(address, 8);
    return low === UNCLAIMED ? undefined : (BigInt(this.high) << 32n) | BigInt(low);
  }

  /** An 8-byte write of the low 64 bits. False: no function claims the address. */
  writeBig(address: number, value: bigint): boolean {
    return this.write(address, 8, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
  }

  /** Room for `capacity` records that `Ring.answer` serves. Throws `bad-argument`, `out-of-memory`. */
  createRing(capacity: number): Ring {
    return new Ring(this.core, capacity, this.completion);
  }

  /**
   * The door for another wasm module: its imports are the core's flat i32 exports, with no JavaScript between; those
   * named `mmap_` are v86's, for 32-bit addresses. Unclaimed accesses go to `fallback`, all ones and dropped by default.
   */
  attach(fallback?: Fallback): ModuleDoors {
    if (fallback) this.fallback = fallback;
    const { answer, configure, read, read4, write, write4, ...doors } = this.core.exports;
    return { ...doors, memory: this.core.memory };
  }

  private unclaimed(): number {
    this.cells[HIGH / 4] = 0xffffffff;
    return UNCLAIMED;
  }
}

/**
 * A constant, as `readView` and `writeView`: of a function declaration V8 checks at every call that it is still that. Not the one
 * of access.ts, which other entries use too: what a module exports V8 does not fold (0.1 times the floor).
 */
const isWidth = (width: number): boolean => width === 4 || width === 1 || width === 2 || width === 8;
