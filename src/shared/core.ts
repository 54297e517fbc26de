import {
  BLOCK_SIZE,
  CELL_SIZE,
  CIRCLES,
  EMPTY_ENTRY,
  ENTERED,
  EPOCH,
  GENERATION,
  KINDS,
  NO_KINDS,
  NOBODY,
  NODE_ENTRIES,
  ONES_ENTRY,
  ONES_KINDS,
  OUTSIDE,
  POINTER_NODE_SIZE,
  SEEN,
  SHARED_ENTRY_SIZE,
} from '../../assembly/layout.js';
import { PAGE_SIZE } from '../access.js';
import { Core, type CoreExports, type CoreImports, EXPORTS } from '../engine/core.js';
import { bytesOfHex } from '../hexadecimal.js';
import { wasm } from './core.generated.js';
import { FunctionRecords } from './function-records.js';
import { freeLocks } from './release.js';
import { Workers } from './workers.js';

/** See assembly/shared.ts. */
export interface SharedExports extends CoreExports {
  attach(worker: number, block: number): void;
  /** 0: those who would have to release it wait for this worker. */
  acquire(record: number): number;
  release(record: number): void;
  /** Releases the lock that an outcome holds. */
  leave_held(): void;
}

/** What the shared core calls besides. See assembly/host.ts. */
export interface SharedImports extends CoreImports {
  pass_entry(): void;
  drop_stale(record: number): void;
}

let inlined: WebAssembly.Module | undefined;

function inlinedModule(): WebAssembly.Module {
  inlined ??= new WebAssembly.Module(bytesOfHex(wasm));
  return inlined;
}

const SHARED_EXPORTS = [...EXPORTS.split(','), 'acquire', 'attach', 'leave_held', 'release'].sort().join();

/** One worker's instance of the hot path, on memory that it shares with others. */
export class SharedCore extends Core {
  declare readonly exports: SharedExports;
  override readonly leafNodeSize = POINTER_NODE_SIZE;
  /** What other workers make their instances of. */
  readonly module: WebAssembly.Module;
  /** This worker's block; its cells come first. */
  block = 0;
  private worker = 0;
  /** Accesses that TypeScript is finishing now, one within the other. */
  underway = 0;
  /** An access may have ended before TypeScript could release its lock. */
  exhausted = false;

  /** Throws `bad-argument`, `bad-module`. */
  constructor(imports: SharedImports, limit: number, module = inlinedModule(), memory?: WebAssembly.Memory) {
    super(imports, limit, module, SHARED_EXPORTS, memory);
    this.module = module;
  }

  /** Before anything else. */
  protected enterAs(worker: number, block: number): void {
    this.worker = worker;
    this.block = block;
    this.cells = new Uint32Array(this.memory.buffer, block, BLOCK_SIZE / 4);
    this.exports.attach(worker, block);
  }

  /** The word at a pointer, which may be in memory that another worker has grown. */
  word(pointer: number): number {
    if (pointer >= this.words.byteLength) this.refresh();
    return this.words[pointer / 4];
  }

  /** What was written before is there for who reads it. */
  override publish(word: number, value: number): void {
    Atomics.store(this.words, word, value);
  }

  /** What a handler threw: where the stack is exhausted the accesses within it left locks. */
  noteFailure(error: unknown): void {
    this.exhausted ||= error instanceof RangeError;
  }

  /** The outermost access has ended. */
  freeLocks(): void {
    this.exhausted = false;
    freeLocks(new Int32Array(this.memory.buffer), this.worker);
  }

  /** Accesses of this worker that were given up, as those whom it waited for waited for it. */
  get circles(): number {
    return this.cells[CIRCLES / 4];
  }

  /** An access begins. The outermost passes an entry: what this worker found before, it has not in hand any more. */
  pass(): void {
    const epoch = Atomics.load(this.words, EPOCH / 4);
    this.cells[SEEN / 4] = epoch;
    if (this.underway === 0) Atomics.store(this.cells, ENTERED / 4, epoch);
  }

  /** It has nothing in hand until its next entry. */
  leave(): void {
    Atomics.store(this.cells, ENTERED / 4, OUTSIDE);
  }

  /** The cells' place does not change, and shared memory that grows ends no view. */
  protected override refresh(): void {
    const { cells } = this;
    super.refresh();
    if (cells) this.cells = cells;
  }
}

/** The core of the worker that made the dispatcher: it alone allocates and writes the page map. */
export class OwningCore extends SharedCore {
  readonly records: FunctionRecords;
  readonly workers: Workers;
  /** Storage that other workers may still read: pointer, size and the EPOCH that all must have passed, ascending. */
  private readonly retired: { readonly block: number; readonly size: number; readonly stamp: number }[] = [];

  /** Throws `bad-argument`, `bad-module`. */
  constructor(imports: CoreImports, limit: number, module?: WebAssembly.Module) {
    const own: SharedImports = {
      ...imports,
      pass_entry: () => this.pass(),
      // Its pages are unmapped when they are dropped.
      drop_stale: () => {},
    };
    super(own, limit, module);
    this.words[EPOCH / 4] = 1;
    for (const entry of [EMPTY_ENTRY, ONES_ENTRY]) {
      this.words.fill(0, entry / 4, (entry + SHARED_ENTRY_SIZE) / 4);
    }
    this.words[(EMPTY_ENTRY + KINDS) / 4] = NO_KINDS;
    this.words[(ONES_ENTRY + KINDS) / 4] = ONES_KINDS;
    this.bytes.fill(NOBODY, ONES_KINDS, ONES_KINDS + PAGE_SIZE / CELL_SIZE);
    this.records = new FunctionRecords(this);
    this.workers = new Workers(this);
    const { worker, block } = this.workers.add();
    this.enterAs(worker, block);
  }

  override clearEntries(node: number): void {
    this.words.fill(EMPTY_ENTRY, node / 4, node / 4 + NODE_ENTRIES);
  }

  /** Storage that is retired now can be used again when all workers have passed this EPOCH. */
  raiseEpoch(): number {
    const raised = this.nextEpoch;
    this.publish(EPOCH / 4, raised);
    return raised;
  }

  /** Nobody else raises it. OUTSIDE is none. */
  private get nextEpoch(): number {
    return (this.words[EPOCH / 4] + 1) >>> 0 || 1;
  }

  /** Before the EPOCH is raised: who passes an entry at that one sees that its pages of this function are stale. */
  raiseGeneration(record: number): void {
    this.publish((record + GENERATION) / 4, this.nextEpoch);
    this.raiseEpoch();
  }

  /** Storage whose stamp all have passed. */
  isFree(stamp: number): boolean {
    if (this.underway > 0) return false;
    this.pass();
    return this.workers.havePassed(stamp);
  }

  override allocate(size: number): number {
    const { retired } = this;
    while (retired.length > 0 && this.isFree(retired[0].stamp)) {
      const [{ block, size: retiredSize }] = retired.splice(0, 1);
      super.release(block, retiredSize);
    }
    return super.allocate(size);
  }

  /** Nothing leads to the block any more. Nobody waits until it can be used again: memory grows. */
  override release(block: number, size: number): void {
    this.retired.push({ block, size, stamp: this.raiseEpoch() });
  }
}
