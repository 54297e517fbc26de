import {
  FORWARDED,
  FORWARDED_AT,
  HIGH,
  OFFSET,
  REFUSED,
  SPLIT,
  STATUS,
  STRADDLE,
  UNCLAIMED_ACCESS,
  VECTOR,
} from '../assembly/layout.js';
import { PAGE_SIZE, UNCLAIMED, type Width } from './access.js';
import { BarIndex } from './bar-index.js';
import {
  type Diagnostic,
  type DiagnosticCode,
  type DiagnosticCounter,
  type DiagnosticLimit,
  Diagnostics,
} from './diagnostics.js';
import { Core, type CoreExports } from './engine/core.js';
import { PageMap } from './engine/page-map.js';
import { TraplineError } from './errors.js';
import type { FunctionDescription, Location, TrappedFunction } from './function.js';
import type { Host } from './host.js';
import type { MappedPage } from './memory/mapped-page.js';
import { PageList, SlotCache } from './memory/page-cache.js';
import { locationOf, NewestPlan, OwnerPlan, type PagePlan } from './page-plan.js';
import type { FunctionBar } from './pci/bar.js';
import { decodeAtAssign } from './pci/decode.js';
import { type FunctionOwner, PciFunction } from './pci/function.js';
import { checkDescription, msixFaults } from './pci/validate.js';
import { type Policy, policies } from './policy.js';
import { Ring } from './ring.js';
import { formatSbdf, parseSbdf, type Sbdf } from './sbdf.js';
import { type ByteOwner, type ByteTarget, byFunction, byOwner, type Straddle } from './straddle.js';

export interface DispatcherOptions {
  readonly host: Host;
  /** `hardware`: guest and host addresses are equal and its BAR writes move the physical BARs. Default: `guest`. */
  readonly domain?: 'hardware' | 'guest';
  /** Default: `policies.strict`. */
  readonly policy?: Policy;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Default: 10 of a code and function in 1000 ms. */
  readonly diagnosticLimit?: DiagnosticLimit;
  /** Gets what a host callback threw. */
  readonly onError?: (error: unknown) => void;
  /** Bytes of linear memory at most, for page map, tables and rings. Default: 256 MiB. */
  readonly memoryLimit?: number;
  /** `trapline/core.wasm`, compiled, where the inlined copy must not be compiled. */
  readonly module?: WebAssembly.Module;
}

/** Answers one domain's trapped accesses. */
export interface Trap {
  /** High lane of the last 8-byte read, unsigned. */
  readonly high: number;
  assign(description: FunctionDescription): TrappedFunction;
  deassign(sbdf: string | Sbdf): void;
  /** The value, for width 8 its low lane, unsigned; or `UNCLAIMED`. */
  read(address: number, width: Width): number;
  /** `low` and `high` are 32-bit lanes. False: no function claims the address. */
  write(address: number, width: Width, low: number, high?: number): boolean;
}

/** What a wasm caller's accesses fall back to when no function claims the address; lanes are i32. */
export interface Fallback {
  read(low: number, high: number, width: number): number;
  write(low: number, high: number, width: number, data: number, dataHigh: number): void;
}

const TWO_32 = 0x1_0000_0000;
const DEFAULT_LIMIT: DiagnosticLimit = { burst: 10, interval: 1000 };
const DEFAULT_MEMORY = 256 * 1024 * 1024;

/** Synchronous: the wasm is inlined, or handed over compiled. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new Dispatcher(options);
}

/**
 * Single-threaded. Guest accesses never throw: `read` and `write` answer any width and address. Everything else
 * throws `TraplineError` for misuse.
 */
export class Dispatcher implements Trap, FunctionOwner {
  readonly host: Host;
  readonly policy: Policy;
  readonly hardware: boolean;
  readonly diagnostics: Diagnostics;
  readonly plan: PagePlan;
  /** Enabled memory BARs. */
  readonly enabled = new BarIndex();
  private readonly core: Core;
  private readonly pageMap: PageMap;
  private readonly pageList = new PageList();
  private readonly pages: readonly MappedPage[] = this.pageList.pages;
  private readonly bySbdf = new Map<Sbdf, PciFunction>();
  private readonly onError: (error: unknown) => void;
  private readonly unalignedRead: DiagnosticCounter;
  private readonly coreRead: CoreExports['read'];
  private readonly coreWrite: CoreExports['write'];
  private fallback: Fallback = { read: () => -1, write: () => {} };
  private sequence = 0;
  /** Rises when pages are dropped, so that an access under way does not map them again. */
  private generation = 0;

  constructor(options: DispatcherOptions) {
    this.host = options.host;
    this.policy = options.policy ?? policies.strict;
    this.hardware = options.domain === 'hardware';
    this.diagnostics = new Diagnostics(options.onDiagnostic, options.diagnosticLimit ?? DEFAULT_LIMIT);
    this.unalignedRead = this.diagnostics.of('unaligned-read');
    this.onError = options.onError ?? (() => {});
    const imports = {
      complete_read: (low: number, high: number, width: number, outcome: number) =>
        this.finishRead(outcome, low, high, width as Width),
      complete_write: (
        low: number,
        high: number,
        width: number,
        data: number,
        dataHigh: number,
        outcome: number,
      ) => this.finishWrite(outcome, low, high, width as Width, data, dataHigh),
      unclaimed_read: (low: number, high: number, width: number) => this.fallback.read(low, high, width),
      unclaimed_write: (low: number, high: number, width: number, data: number, dataHigh: number) =>
        this.fallback.write(low, high, width, data, dataHigh),
    };
    this.core = new Core(imports, options.memoryLimit ?? DEFAULT_MEMORY, options.module);
    this.pageMap = new PageMap(this.core);
    const { sharedPage, pbaWidths, crossing } = this.policy;
    this.plan = new (sharedPage === 'owner' ? OwnerPlan : NewestPlan)(this.pageMap, pbaWidths);
    const { exports } = this.core;
    exports.configure(this.hardware, crossing === 'split');
    this.coreRead = exports.read;
    this.coreWrite = exports.write;
  }

  get functions(): readonly TrappedFunction[] {
    return [...this.bySbdf.values()];
  }

  /** Pages that trap now. */
  get trappedPages(): number {
    return this.pageMap.size;
  }

  /** How often each diagnostic occurred, held back or not. */
  get counts(): Readonly<Partial<Record<DiagnosticCode, number>>> {
    return this.diagnostics.counts;
  }

  get high(): number {
    return this.core.words[HIGH / 4];
  }

  /**
   * Makes a function's accesses trap. Throws `bad-argument`, `duplicate-function`, `out-of-memory`, and as the policy
   * has it `bad-msix-capability` and `overlap`; then nothing has changed. When the guest has something else mapped
   * where pages must trap, the function comes up with decoding off under `strict`.
   */
  assign(description: FunctionDescription): TrappedFunction {
    const sbdf = parseSbdf(description.sbdf);
    if (this.bySbdf.has(sbdf)) {
      throw new TraplineError(
        'duplicate-function',
        `assign: function ${formatSbdf(sbdf)} is assigned already`,
      );
    }
    checkDescription(description, sbdf);
    const faults = this.policy.malformed === 'refused' ? msixFaults(description, sbdf) : [];
    if (faults.length > 0) {
      this.diagnostics.report('bad-msix-capability', sbdf);
      throw new TraplineError('bad-msix-capability', ...faults);
    }
    const fn = new PciFunction(description, sbdf, this.sequence++, this, this.core, this.pageList);
    const wanted = fn.bars.filter(
      (bar) => description.bars.find(({ index }) => index === bar.index)?.enabled ?? description.decode,
    );
    const overlaps = this.policy.sharedPage === 'owner' ? this.overlaps(wanted) : [];
    if (overlaps.length > 0) {
      this.release(fn);
      throw new TraplineError('overlap', ...overlaps.map((text) => `assign: ${text}`));
    }
    this.bySbdf.set(sbdf, fn);
    try {
      decodeAtAssign(this, fn, wanted);
    } catch (error) {
      this.bySbdf.delete(sbdf);
      this.release(fn);
      throw error;
    }
    return fn;
  }

  /** Ends the trapping of a function and unmaps its host pages. Throws `unknown-function`. */
  deassign(sbdf: string | Sbdf): void {
    const fn = this.bySbdf.get(parseSbdf(sbdf));
    if (!fn) {
      throw new TraplineError(
        'unknown-function',
        `deassign: function ${JSON.stringify(sbdf)} is not assigned`,
      );
    }
    this.bySbdf.delete(fn.sbdf);
    this.disable(fn.bars.filter((bar) => bar.enabled));
    this.attempt(fn, () => this.dropPages(fn));
    this.release(fn);
  }

  read(address: number, width: Width): number {
    const low = address >>> 0;
    const high = (address / TWO_32) >>> 0;
    if (low + high * TWO_32 !== address || !isWidth(width)) return this.unclaimed();
    const value = this.coreRead(low, high, width);
    if (value !== -1) return value >>> 0;
    const { words } = this.core;
    const outcome = words[STATUS / 4];
    if (outcome === 0) return ones(width);
    words[STATUS / 4] = 0;
    if (outcome === UNCLAIMED_ACCESS) return this.unclaimed();
    const page = this.pages[outcome >>> 8];
    // Memory cannot fail, nor tell how it is accessed: no need for finishRead and its try.
    if (page.view !== undefined && width !== 8 && (outcome & 0xff) <= SPLIT) {
      if ((outcome & 0xff) === SPLIT) this.unalignedRead.report(page.sbdf, address);
      return page.read(low & 0xfff, width) >>> 0;
    }
    return this.finishRead(outcome, low | 0, high | 0, width) >>> 0;
  }

  write(address: number, width: Width, data: number, dataHigh = 0): boolean {
    const low = address >>> 0;
    const high = (address / TWO_32) >>> 0;
    if (low + high * TWO_32 !== address || !isWidth(width)) return false;
    const outcome = this.coreWrite(low, high, width, data, dataHigh);
    if (outcome === 0) return true;
    if (outcome === UNCLAIMED_ACCESS) return false;
    this.finishWrite(outcome, low | 0, high | 0, width, data | 0, dataHigh | 0);
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

  /** Room for `capacity` records that `Ring.answer` serves. Throws `bad-argument`, `out-of-memory`. */
  createRing(capacity: number): Ring {
    return new Ring(this.core, capacity, this);
  }

  /**
   * The door for another wasm module: its imports are the core's flat i32 exports, with no JavaScript between.
   * Unclaimed accesses go to `fallback`, all ones and dropped by default.
   */
  attach(
    fallback?: Fallback,
  ): Pick<CoreExports, 'trap_read' | 'trap_write'> & { memory: WebAssembly.Memory } {
    if (fallback) this.fallback = fallback;
    const { trap_read, trap_write } = this.core.exports;
    return { trap_read, trap_write, memory: this.core.memory };
  }

  /** Whose byte an address is, among the enabled BARs; undefined where it is in none. */
  locate(address: number): Location | undefined {
    const bar = this.enabled.at(address);
    return bar && locationOf(bar, address, this.plan);
  }

  /** Runs control-path work; what the host throws goes to `onError`, and false is returned. */
  attempt(fn: PciFunction, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.failed(fn.sbdf, error);
      return false;
    }
  }

  /** Makes BARs reachable. Throws `out-of-memory`, changing nothing. */
  enable(bars: readonly FunctionBar[]): void {
    for (const bar of bars) bar.enabled = true;
    try {
      this.plan.add(bars);
    } catch (error) {
      for (const bar of bars) bar.enabled = false;
      throw error;
    }
    for (const bar of bars) if (bar.type !== 'io') this.enabled.add(bar);
  }

  disable(bars: readonly FunctionBar[]): void {
    for (const bar of bars) {
      bar.enabled = false;
      if (bar.type !== 'io') this.enabled.remove(bar);
    }
    this.plan.remove(bars);
  }

  /** Unmaps a function's host pages. */
  dropPages(fn: PciFunction): void {
    this.generation++;
    fn.cache.drop(this.host);
  }

  /** A sentence for each of these BARs that has bytes in common with an enabled one. */
  overlaps(bars: readonly FunctionBar[]): string[] {
    return bars
      .filter((bar) => bar.type !== 'io')
      .flatMap((bar) => {
        const others = bars.filter(
          (other) => other !== bar && other.type !== 'io' && other.index < bar.index,
        );
        const other =
          this.enabled.overlapping(bar) ??
          others.find((candidate) => candidate.address < bar.end && bar.address < candidate.end);
        return other ? [`${describe(bar)} overlaps ${describe(other)}`] : [];
      });
  }

  private release(fn: PciFunction): void {
    fn.detach();
    if (fn.cache instanceof SlotCache) fn.cache.remove(this.host);
    fn.msixState?.vectors.release();
  }

  private failed(sbdf: Sbdf, error: unknown): void {
    this.diagnostics.report(
      error instanceof TraplineError && error.code === 'out-of-memory' ? 'out-of-memory' : 'host-error',
      sbdf,
    );
    this.onError(error);
  }

  private unclaimed(): number {
    this.core.words[HIGH / 4] = 0xffffffff;
    return UNCLAIMED;
  }

  /** Signed, as all that finishes an access: 32-bit signed integers pass between functions without allocation. */
  private allOnes(width: Width): number {
    if (width === 8) this.core.words[HIGH / 4] = 0xffffffff;
    return ones(width) | 0;
  }

  /** Finishes a claimed read that the core could not; lanes and result are signed. */
  finishRead(outcome: number, low: number, high: number, width: Width): number {
    const page = this.pages[outcome >>> 8];
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
          return this.readPage(page, low & 0xfff, width, low, high);
        case SPLIT:
          return this.readSplit(page, width, low, high);
        case FORWARDED_AT:
          return this.readPage(page, this.core.words[OFFSET / 4], width, low, high);
        case REFUSED:
          this.diagnostics.report('bad-size', page.sbdf, wide(low, high));
          return this.allOnes(width);
        default:
          return this.readStraddle(page, width, wide(low, high));
      }
    } catch (error) {
      this.failed(page.sbdf, error);
      return this.allOnes(width);
    }
  }

  private readPage(page: MappedPage, offset: number, width: Width, low: number, high: number): number {
    if (!page.mapped && !this.map(page, 'map-failed-read', wide(low, high))) return this.allOnes(width);
    const value = page.read(offset, width);
    if (width === 8) this.core.words[HIGH / 4] = page.high;
    return value;
  }

  private readSplit(page: MappedPage, width: Width, low: number, high: number): number {
    if (this.policy.lookupBeforeSplit && !page.mapped) {
      if (!this.map(page, 'map-failed-read', wide(low, high))) return this.allOnes(width);
    }
    this.unalignedRead.report(page.sbdf, wide(low, high));
    const offset = low & 0xfff;
    if (!page.mapped)
      return this.joinBytes(width, (index) => this.readPage(page, offset + index, 1, low, high));
    const value = page.readBytes(offset, width);
    if (width === 8) this.core.words[HIGH / 4] = page.high;
    return value;
  }

  private readStraddle(first: MappedPage, width: Width, address: number): number {
    const straddle = this.straddle(first, width, address, false);
    if (straddle.kind === 'refused') this.diagnostics.report('bad-size', straddle.sbdf, address);
    if (straddle.kind !== 'bytes' || !this.begin(straddle, address, 'map-failed-read', 'unaligned-read')) {
      return this.allOnes(width);
    }
    return this.joinBytes(width, (index) => {
      const to = this.target(straddle.bytes[index], 'map-failed-read', address + index);
      return to ? to.page.read(to.offset, 1) : 0xff;
    });
  }

  /** The bytes of an access, low address first, as its lanes. Once pages were dropped the rest is all ones. */
  private joinBytes(width: Width, byteAt: (index: number) => number): number {
    const { generation } = this;
    const lanes = [0, 0];
    for (let index = 0; index < width; index++) {
      const byte = generation === this.generation ? byteAt(index) & 0xff : 0xff;
      lanes[index >> 2] |= byte << (8 * (index & 3));
    }
    if (width === 8) this.core.words[HIGH / 4] = lanes[1];
    return lanes[0];
  }

  /** Finishes a claimed write that the core could not; lanes are signed. */
  finishWrite(
    outcome: number,
    low: number,
    high: number,
    width: Width,
    data: number,
    dataHigh: number,
  ): void {
    const page = this.pages[outcome >>> 8];
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
          if (page.mapped || this.map(page, 'map-failed-write', wide(low, high))) {
            page.write(low & 0xfff, width, data, dataHigh);
          }
          break;
        case VECTOR:
          this.vectorChanged(page, wide(low, high));
          break;
        case SPLIT:
          this.writeSplit(page, width, data, dataHigh, wide(low, high));
          break;
        case FORWARDED_AT: {
          const offset = this.core.words[OFFSET / 4];
          if (page.mapped || this.map(page, 'map-failed-write', wide(low, high))) {
            page.write(offset, width, data, dataHigh);
          }
          break;
        }
        case REFUSED:
          this.diagnostics.report('bad-size', page.sbdf, wide(low, high));
          break;
        default:
          this.writeStraddle(page, width, data, dataHigh, wide(low, high));
      }
    } catch (error) {
      this.failed(page.sbdf, error);
    }
  }

  private writeSplit(page: MappedPage, width: Width, data: number, dataHigh: number, address: number): void {
    if (this.policy.lookupBeforeSplit && !page.mapped) {
      if (!this.map(page, 'map-failed-write', address)) return;
    }
    this.diagnostics.report('unaligned-write', page.sbdf, address);
    const offset = address % PAGE_SIZE;
    if (page.mapped) {
      page.writeBytes(offset, width, data, dataHigh);
      return;
    }
    this.eachByte(width, data, dataHigh, (index, byte) => {
      if (page.mapped || this.map(page, 'map-failed-write', address)) page.write(offset + index, 1, byte, 0);
    });
  }

  private writeStraddle(
    first: MappedPage,
    width: Width,
    data: number,
    dataHigh: number,
    address: number,
  ): void {
    const straddle = this.straddle(first, width, address, true);
    if (straddle.kind === 'refused') this.diagnostics.report('bad-size', straddle.sbdf, address);
    if (straddle.kind !== 'bytes') return;
    if (!this.begin(straddle, address, 'map-failed-write', 'unaligned-write')) return;
    this.eachByte(width, data, dataHigh, (index, byte) => {
      const to = this.target(straddle.bytes[index], 'map-failed-write', address + index);
      to?.page.write(to.offset, 1, byte, 0);
    });
  }

  /** Hands out the bytes of a write, low address first, until pages are dropped. */
  private eachByte(
    width: Width,
    data: number,
    dataHigh: number,
    work: (index: number, byte: number) => void,
  ): void {
    const { generation } = this;
    for (let index = 0; index < width && generation === this.generation; index++) {
      work(index, ((index < 4 ? data : dataHigh) >>> (8 * (index & 3))) & 0xff);
    }
  }

  private straddle(first: MappedPage, width: Width, address: number, writes: boolean): Straddle {
    if (this.policy.crossing === 'split') {
      return byOwner(address, width, this.policy, (at) => this.locate(at));
    }
    const fn = this.bySbdf.get(first.sbdf) as PciFunction;
    return byFunction(fn, address, width, this.policy, writes, this.hardware);
  }

  /** What comes before the bytes of a straddle. False: it ends there. */
  private begin(
    straddle: Straddle & { kind: 'bytes' },
    address: number,
    mapFailed: DiagnosticCode,
    unaligned: DiagnosticCode,
  ): boolean {
    const [first] = straddle.bytes;
    if (this.policy.lookupBeforeSplit && first.kind === 'forward') {
      if (!first.page.mapped && !this.map(first.page, mapFailed, address)) return false;
    }
    this.diagnostics.report(unaligned, straddle.sbdf, address);
    return true;
  }

  /** Where a byte is forwarded to, mapped, if it is. */
  private target(owner: ByteOwner, failure: DiagnosticCode, address: number): ByteTarget | undefined {
    if (owner.kind === 'refused') this.diagnostics.report('bad-size', owner.sbdf, address);
    if (owner.kind !== 'forward') return undefined;
    return owner.page.mapped || this.map(owner.page, failure, address) ? owner : undefined;
  }

  private map(page: MappedPage, failure: DiagnosticCode, address: number): boolean {
    if (page.map(this.host)) return true;
    this.diagnostics.report(failure, page.sbdf, address);
    return false;
  }

  private vectorChanged(page: MappedPage, address: number): void {
    const fn = this.bySbdf.get(page.sbdf) as PciFunction;
    const index = Math.floor((address - (fn.table as { start: number }).start) / 16);
    fn.msixState?.maskChanged(index, this.host);
  }
}

function isWidth(width: number): boolean {
  return width === 4 || width === 1 || width === 2 || width === 8;
}

function ones(width: Width): number {
  return width < 4 ? 2 ** (8 * width) - 1 : 0xffffffff;
}

function wide(low: number, high: number): number {
  return (low >>> 0) + (high >>> 0) * TWO_32;
}

function describe(bar: FunctionBar): string {
  const range = `0x${bar.address.toString(16)}..+0x${bar.size.toString(16)}`;
  return `function ${formatSbdf(bar.fn.sbdf)}: bar ${bar.index} ${range}`;
}
