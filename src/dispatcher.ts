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
import { UNCLAIMED, type Width } from './access.js';
import { BarIndex } from './bar-index.js';
import { type Diagnostic, type DiagnosticCode, type DiagnosticLimit, Diagnostics } from './diagnostics.js';
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
import { byFunction, byOwner, type ByteOwner, type Straddle } from './straddle.js';

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
    this.onError = options.onError ?? (() => {});
    const imports = {
      complete_read: (low: number, high: number, width: number) =>
        this.finishRead(wide(low, high), low, width as Width) | 0,
      complete_write: (
        low: number,
        high: number,
        width: number,
        data: number,
        dataHigh: number,
        outcome: number,
      ) => {
        this.finishWrite(wide(low, high), width as Width, data >>> 0, dataHigh >>> 0, outcome);
      },
      unclaimed_read: (low: number, high: number, width: number) => this.fallback.read(low, high, width),
      unclaimed_write: (low: number, high: number, width: number, data: number, dataHigh: number) =>
        this.fallback.write(low, high, width, data, dataHigh),
    };
    this.core = new Core(imports, options.memoryLimit ?? DEFAULT_MEMORY, options.module);
    this.pageMap = new PageMap(this.core);
    this.plan = this.policy.sharedPage === 'owner' ? new OwnerPlan(this.pageMap) : new NewestPlan(this.pageMap);
    const { exports } = this.core;
    exports.configure(this.policy.pbaWidths, this.hardware, this.policy.crossing === 'split');
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
      throw new TraplineError('duplicate-function', `assign: function ${formatSbdf(sbdf)} is assigned already`);
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
      throw new TraplineError('unknown-function', `deassign: function ${JSON.stringify(sbdf)} is not assigned`);
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
    return value === -1 ? this.finishRead(address, low, width) : value >>> 0;
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    const addressLow = address >>> 0;
    const addressHigh = (address / TWO_32) >>> 0;
    if (addressLow + addressHigh * TWO_32 !== address || !isWidth(width)) return false;
    const outcome = this.coreWrite(addressLow, addressHigh, width, low, high);
    return outcome === 0 || this.finishWrite(address, width, low >>> 0, high >>> 0, outcome);
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
    return new Ring(this.core, capacity, {
      read: (address, low, width) => this.finishRead(address, low, width),
      write: (address, width, low, high, outcome) => this.finishWrite(address, width, low, high, outcome),
    });
  }

  /**
   * The door for another wasm module: its imports are the core's flat i32 exports, with no JavaScript between.
   * Unclaimed accesses go to `fallback`, all ones and dropped by default.
   */
  attach(fallback?: Fallback): Pick<CoreExports, 'trap_read' | 'trap_write'> & { memory: WebAssembly.Memory } {
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
        const others = bars.filter((other) => other !== bar && other.type !== 'io' && other.index < bar.index);
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

  private allOnes(width: Width): number {
    if (width === 8) this.core.words[HIGH / 4] = 0xffffffff;
    return ones(width);
  }

  /** Finishes a read for which the core returned -1. */
  private finishRead(address: number, low: number, width: Width): number {
    const outcome = this.core.words[STATUS / 4];
    if (outcome === 0) return ones(width);
    this.core.words[STATUS / 4] = 0;
    const page = this.pages[outcome >>> 8];
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
          return this.readPage(page, low & 0xfff, width, address);
        case FORWARDED_AT:
          return this.readPage(page, this.core.words[OFFSET / 4], width, address);
        case SPLIT:
          return this.readSplit(page, low & 0xfff, width, address);
        case UNCLAIMED_ACCESS:
          return this.unclaimed();
        case REFUSED:
          this.diagnostics.report('bad-size', page.sbdf, address);
          return this.allOnes(width);
        default:
          return this.readStraddle(page, width, address);
      }
    } catch (error) {
      this.failed(page.sbdf, error);
      return this.allOnes(width);
    }
  }

  private readPage(page: MappedPage, offset: number, width: Width, address: number): number {
    if (!page.mapped && !this.map(page, 'map-failed-read', address)) return this.allOnes(width);
    const value = page.read(offset, width);
    if (width === 8) this.core.words[HIGH / 4] = page.high;
    return value;
  }

  private readSplit(page: MappedPage, offset: number, width: Width, address: number): number {
    if (this.policy.lookupBeforeSplit && !page.mapped && !this.map(page, 'map-failed-read', address)) {
      return this.allOnes(width);
    }
    this.diagnostics.report('unaligned-read', page.sbdf, address);
    const { generation } = this;
    let low = 0;
    let high = 0;
    for (let index = 0; index < width; index++) {
      let byte = 0xff;
      if (generation === this.generation && (page.mapped || this.map(page, 'map-failed-read', address))) {
        byte = page.read(offset + index, 1);
      }
      if (index < 4) low |= byte << (8 * index);
      else high |= byte << (8 * (index - 4));
    }
    if (width === 8) this.core.words[HIGH / 4] = high;
    return low >>> 0;
  }

  private readStraddle(first: MappedPage, width: Width, address: number): number {
    const straddle = this.straddle(first, width, address, false);
    if (straddle.kind === 'refused') this.diagnostics.report('bad-size', straddle.sbdf, address);
    if (straddle.kind !== 'bytes' || !this.begin(straddle, address, 'map-failed-read', 'unaligned-read')) {
      return this.allOnes(width);
    }
    const { generation } = this;
    const lanes = [0, 0];
    straddle.bytes.forEach((owner, index) => {
      const page = this.forwarded(owner, generation, 'map-failed-read', address + index);
      lanes[index >> 2] |= (page ? page.read((owner as { offset: number }).offset, 1) : 0xff) << (8 * (index & 3));
    });
    if (width === 8) this.core.words[HIGH / 4] = lanes[1];
    return lanes[0] >>> 0;
  }

  /** Finishes a write for which the core returned an outcome; false: unclaimed. */
  private finishWrite(address: number, width: Width, low: number, high: number, outcome: number): boolean {
    const page = this.pages[outcome >>> 8];
    try {
      switch (outcome & 0xff) {
        case VECTOR:
          this.vectorChanged(page, address);
          return true;
        case FORWARDED:
          this.writePage(page, address % 4096, width, low, high, address);
          return true;
        case FORWARDED_AT:
          this.writePage(page, this.core.words[OFFSET / 4], width, low, high, address);
          return true;
        case SPLIT:
          this.writeSplit(page, address % 4096, width, low, high, address);
          return true;
        case UNCLAIMED_ACCESS:
          return false;
        case REFUSED:
          this.diagnostics.report('bad-size', page.sbdf, address);
          return true;
        default:
          this.writeStraddle(page, width, low, high, address);
          return true;
      }
    } catch (error) {
      this.failed(page.sbdf, error);
      return true;
    }
  }

  private writePage(
    page: MappedPage,
    offset: number,
    width: Width,
    low: number,
    high: number,
    address: number,
  ): void {
    if (page.mapped || this.map(page, 'map-failed-write', address)) page.write(offset, width, low, high);
  }

  private writeSplit(
    page: MappedPage,
    offset: number,
    width: Width,
    low: number,
    high: number,
    address: number,
  ): void {
    if (this.policy.lookupBeforeSplit && !page.mapped && !this.map(page, 'map-failed-write', address)) return;
    this.diagnostics.report('unaligned-write', page.sbdf, address);
    const { generation } = this;
    for (let index = 0; index < width; index++) {
      if (generation !== this.generation) return;
      this.writePage(page, offset + index, 1, byteOf(low, high, index), 0, address);
    }
  }

  private writeStraddle(first: MappedPage, width: Width, low: number, high: number, address: number): void {
    const straddle = this.straddle(first, width, address, true);
    if (straddle.kind === 'refused') this.diagnostics.report('bad-size', straddle.sbdf, address);
    if (straddle.kind !== 'bytes') return;
    if (!this.begin(straddle, address, 'map-failed-write', 'unaligned-write')) return;
    const { generation } = this;
    straddle.bytes.forEach((owner, index) => {
      const page = this.forwarded(owner, generation, 'map-failed-write', address + index);
      page?.write((owner as { offset: number }).offset, 1, byteOf(low, high, index), 0);
    });
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

  /** The mapped page that a byte is forwarded to, if it is. */
  private forwarded(
    owner: ByteOwner,
    generation: number,
    mapFailed: DiagnosticCode,
    address: number,
  ): MappedPage | undefined {
    if (owner.kind === 'refused') this.diagnostics.report('bad-size', owner.sbdf, address);
    if (owner.kind !== 'forward' || generation !== this.generation) return undefined;
    return owner.page.mapped || this.map(owner.page, mapFailed, address) ? owner.page : undefined;
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

function byteOf(low: number, high: number, index: number): number {
  return ((index < 4 ? low : high) >>> (8 * (index & 3))) & 0xff;
}

function wide(low: number, high: number): number {
  return (low >>> 0) + (high >>> 0) * TWO_32;
}

function describe(bar: FunctionBar): string {
  const range = `0x${bar.address.toString(16)}..+0x${bar.size.toString(16)}`;
  return `function ${formatSbdf(bar.fn.sbdf)}: bar ${bar.index} ${range}`;
}
