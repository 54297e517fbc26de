import { FORWARDED, HIGH, SPLIT, STATUS, UNCLAIMED_ACCESS } from '../assembly/layout.js';
import { ones, UNCLAIMED, type Width } from './access.js';
import { Completion } from './completion.js';
import type { DiagnosticCode, DiagnosticCounter } from './diagnostics.js';
import { Domain } from './domain.js';
import { Core, type CoreExports, type V86Doors } from './engine/core.js';
import { TraplineError } from './errors.js';
import type {
  AssignedFunction,
  FunctionDescription,
  Location,
  SoftwareDescription,
  SoftwareFunction,
  TrappedFunction,
} from './function.js';
import { readView, writeView } from './memory/mapped-page.js';
import type { OwnPage } from './memory/own-pages.js';
import type { DispatcherOptions } from './options.js';
import { PciFunction, refuseBusy } from './pci/function.js';
import { completed } from './pci/msix-capability.js';
import { descriptionFaults, msixFaults, pbaOverTable } from './pci/validate.js';
import type { Policy } from './policy.js';
import { Ring } from './ring.js';
import { formatSbdf, parseSbdf, type Sbdf } from './sbdf.js';
import { restore, type Snapshot, save } from './snapshot.js';
import { snapshotFaults } from './snapshot-faults.js';
import type { RegionDoor, RegionDoorOptions } from './vfio/door.js';
import { RegionDoors } from './vfio/doors.js';
import type { Errno } from './vfio/errno.js';

export type { DispatcherOptions } from './options.js';

/** Answers one domain's trapped accesses. */
export interface Trap {
  /** High lane of the last 8-byte read, unsigned. */
  readonly high: number;
  assign(description: FunctionDescription): TrappedFunction;
  deassign(sbdf: string | Sbdf): void;
  /** The value, for width 8 its low lane, unsigned; or `UNCLAIMED`. */
  read(address: number, width: Width): number;
  /** `data` is the low 32-bit lane. False: no function claims the address. */
  write(address: number, width: Width, data: number, dataHigh?: number): boolean;
}

/** What a wasm caller's accesses fall back to when no function claims the address; lanes are i32. The high lane of 8 bytes reads ones. */
export interface Fallback {
  read(low: number, high: number, width: number): number;
  write(low: number, high: number, width: number, data: number, dataHigh: number): void;
}

/** What a build of the dispatcher is made of. */
export type Build = readonly [typeof Core, typeof Domain, typeof Completion];

const DEFAULT_MEMORY = 256 * 1024 * 1024;

/** Synchronous: the wasm is inlined, or handed over compiled. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new Dispatcher(options);
}

/**
 * Single-threaded. Guest accesses never throw: `read` and `write` answer any width and address. Everything else
 * throws `TraplineError` for misuse.
 */
export class Dispatcher implements Trap {
  // Declared only, so that the constructor's assignment is the first: V8 then takes the fields for constant.
  declare protected readonly core: Core;
  declare protected readonly domain: Domain;
  declare private readonly completion: Completion;
  declare protected views: readonly (DataView | undefined)[];
  declare protected readonly unalignedRead: DiagnosticCounter;
  declare protected readonly unalignedWrite: DiagnosticCounter;
  declare private readonly coreRead: CoreExports['read'];
  declare private readonly coreRead4: CoreExports['read4'];
  declare private readonly coreWrite4: CoreExports['write4'];
  declare private readonly coreWrite: CoreExports['write'];
  /** The core's, one step nearer. */
  declare protected cells: Uint32Array;
  private fallback: Fallback = { read: () => -1, write: () => {} };
  private sequence = 0;
  private readonly doors: RegionDoors;
  /** What readMemory left to do. */
  protected outcome = 0;

  /** Throws `bad-module`, `bad-argument`. */
  constructor(
    options: DispatcherOptions,
    [TheCore, TheDomain, TheCompletion]: Build = [Core, Domain, Completion],
  ) {
    this.core = new TheCore(
      {
        complete_read: (low, high, width, outcome) =>
          this.completion.read(outcome, low, high, width as Width),
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
      },
      options.memoryLimit ?? DEFAULT_MEMORY,
      options.module,
    );
    this.cells = this.core.cells;
    this.core.onGrow = () => {
      this.cells = this.core.cells;
      this.domain?.pageList.refresh();
    };
    this.domain = new TheDomain(options, this.core);
    this.completion = new TheCompletion(this.domain);
    this.doors = new RegionDoors(this.domain);
    this.views = this.domain.pageList.views;
    this.unalignedRead = this.domain.diagnostics.of('unaligned-read');
    this.unalignedWrite = this.domain.diagnostics.of('unaligned-write');
    this.coreRead = this.core.exports.read;
    this.coreWrite = this.core.exports.write;
    this.coreRead4 = this.core.exports.read4;
    this.coreWrite4 = this.core.exports.write4;
  }

  get functions(): readonly AssignedFunction[] {
    return [...this.domain.functions.values()];
  }

  /** Undefined: it is not assigned. Throws `bad-argument`. */
  find(sbdf: string | Sbdf): AssignedFunction | undefined {
    return this.domain.functions.get(parseSbdf(sbdf));
  }

  /** Pages that trap now. */
  get trappedPages(): number {
    return this.domain.pageMap.size;
  }

  get policy(): Policy {
    return this.domain.policy;
  }

  /** Rises whenever what a recording says of the machine may have changed: functions, decoding, regions, Message Control, resets. */
  get changes(): number {
    return this.domain.changes;
  }

  /** How often each diagnostic occurred, held back or not. */
  get counts(): Readonly<Record<DiagnosticCode, number>> {
    return this.domain.diagnostics.counts;
  }

  get high(): number {
    return this.cells[HIGH / 4];
  }

  /**
   * Makes a function's accesses trap. Throws `bad-argument`, `duplicate-function`, `shared-page`, `out-of-memory`, and as the policy
   * has it `bad-msix-capability` and `overlap`, with all faults found; then nothing has changed. When the guest has something
   * else mapped where pages must trap, the function comes up with decoding off under `strict`. A software function is
   * the embedder's own, so no policy accepts faults in it.
   */
  assign(description: SoftwareDescription): SoftwareFunction;
  assign(description: FunctionDescription): AssignedFunction;
  assign(given: FunctionDescription): AssignedFunction {
    const { domain } = this;
    const sbdf = parseSbdf(given.sbdf);
    if (domain.functions.has(sbdf)) {
      throw new TraplineError(
        'duplicate-function',
        `assign: function ${formatSbdf(sbdf)} is assigned already`,
      );
    }
    const accepted = domain.policy.malformed === 'accepted' && !given.software;
    const faults = descriptionFaults(given, sbdf, accepted, domain.policy);
    const description = faults.length > 0 ? given : completed(given);
    const malformed = accepted ? [] : msixFaults(description, sbdf);
    if (malformed.length > 0) domain.diagnostics.report('bad-msix-capability', sbdf);
    if (faults.length > 0) throw new TraplineError('bad-argument', ...faults, ...malformed);
    const fn = new PciFunction(description, sbdf, this.sequence++, domain, this.core, domain.pageList);
    const enabled = fn.bars.filter((bar) => bar.isMemory && bar.initiallyEnabled);
    const overlaps = domain.policy.sharedPage === 'owner' ? domain.overlaps(enabled) : [];
    if (malformed.length + overlaps.length > 0) {
      domain.release(fn);
      const code = malformed.length > 0 ? 'bad-msix-capability' : 'overlap';
      throw new TraplineError(code, ...malformed, ...overlaps.map((overlap) => `assign: ${overlap}`));
    }
    if (domain.policy.pbaOverTable === 'warned' && fn.msix && pbaOverTable(fn.msix)) {
      domain.diagnostics.report('pba-over-table', sbdf);
    }
    domain.functions.set(sbdf, fn);
    domain.changes++;
    try {
      domain.hold(fn);
      domain.switchOn(fn, enabled);
    } catch (error) {
      domain.functions.delete(sbdf);
      domain.release(fn);
      throw error;
    }
    return fn;
  }

  /**
   * Ends the trapping of a function and unmaps its host pages. Throws `unknown-function`; `busy` in a host callback that
   * the switching of its decoding calls.
   */
  deassign(sbdf: string | Sbdf): void {
    const { domain } = this;
    const fn = this.assigned('deassign', sbdf);
    refuseBusy('deassign', [fn]);
    this.doors.revoke(fn);
    domain.functions.delete(fn.sbdf);
    domain.changes++;
    domain.attempt(fn, () => domain.disable(fn.enabledBars));
    domain.attempt(fn, () => domain.dropPages(fn));
    domain.release(fn);
  }

  /**
   * Opens the region door of a function: resets it, and nobody opens it again until it is closed. EBUSY: a door is
   * open already, or the host refuses the regions; ENOMEM: a page cannot be mapped (`eager`). Throws
   * `unknown-function`, `bad-argument`.
   */
  openRegions(sbdf: string | Sbdf, options: RegionDoorOptions = {}): RegionDoor | Errno {
    return this.doors.open(this.assigned('openRegions', sbdf), options);
  }

  /** The state of all functions, as it is between two accesses. Mapped host pages and open region doors are not part of it. */
  save(): Snapshot {
    return save(this.domain);
  }

  /**
   * Puts the functions into a saved state: the same ones, assigned in the same order as when it was saved. What is
   * pending and not masked is sent, once. The host hears of it as if the guest had done it: mappings, COMMAND, Message
   * Control, vectors to arm. What it refuses leaves that function's decoding off, and is reported. Throws
   * `bad-snapshot` with all faults, and `busy` as `deassign`; then nothing has changed.
   */
  restore(snapshot: unknown): void {
    const faults = snapshotFaults(snapshot, this.domain);
    if (faults.length > 0) throw new TraplineError('bad-snapshot', ...faults);
    refuseBusy('restore', [...this.domain.functions.values()]);
    restore(this.domain, snapshot as Snapshot);
  }

  private assigned(method: string, sbdf: string | Sbdf): PciFunction {
    const fn = this.domain.functions.get(parseSbdf(sbdf));
    if (fn) return fn;
    throw new TraplineError(
      'unknown-function',
      `${method}: function ${JSON.stringify(sbdf)} is not assigned`,
    );
  }

  // What follows stays small enough to be inlined into its caller, and passes 32-bit signed integers on: an address or
  // a value above 2^31 is a heap number for a function that is not inlined.

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
      if (how === FORWARDED || (how === SPLIT && this.unalignedRead.countQuietly()))
        return readView(view, low & 0xfff, width);
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
    return true;
  }

  /** An 8-byte read as one value; undefined: no function claims the address. */
  readBig(address: number): bigint | undefined {
    const low = this.read(address, 8);
    return low === UNCLAIMED ? undefined : (BigInt(this.high) << 32n) | BigInt(low);
  }

  /** An 8-byte write of the low 64 bits. False: no function claims the address. */
  writeBig(address: number, value: bigint): boolean {
    return this.write(address, 8, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
  }

  /** A page of zeros for `Host.mapPage`, for registers that are nothing but memory. Throws `out-of-memory`. */
  createPage(): OwnPage {
    return this.domain.ownPages.create();
  }

  /** Room for `capacity` records that `Ring.answer` serves. Throws `bad-argument`, `out-of-memory`. */
  createRing(capacity: number): Ring {
    return new Ring(this.core, capacity, this.completion);
  }

  /**
   * The door for another wasm module: its imports are the core's flat i32 exports, with no JavaScript between; those
   * named `mmap_` are v86's, for 32-bit addresses. Unclaimed accesses go to `fallback`, all ones and dropped by default.
   */
  attach(
    fallback?: Fallback,
  ): Pick<CoreExports, 'trap_read' | 'trap_write' | keyof V86Doors> & { memory: WebAssembly.Memory } {
    if (fallback) this.fallback = fallback;
    const { answer, configure, read, read4, write, write4, ...doors } = this.core.exports;
    return { ...doors, memory: this.core.memory };
  }

  /** Whose byte an address is, among the enabled BARs; undefined where it is in none. */
  locate(address: number): Location | undefined {
    return this.domain.locate(address);
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
