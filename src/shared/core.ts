import {
  CELL_SIZE,
  CELLS_SIZE,
  EMPTY_ENTRY,
  KINDS,
  NO_KINDS,
  NOBODY,
  NODE_ENTRIES,
  ONES_ENTRY,
  ONES_KINDS,
  POINTER_NODE_SIZE,
  SHARED_ENTRY_SIZE,
} from '../../assembly/layout.js';
import { PAGE_SIZE } from '../access.js';
import { Core, type CoreExports, type CoreImports, EXPORTS } from '../engine/core.js';
import { bytesOfHex } from '../hexadecimal.js';
import { wasm } from './core.generated.js';
import { FunctionRecords } from './function-records.js';

/** See assembly/shared.ts. */
export interface SharedExports extends CoreExports {
  attach(worker: number, cells: number): void;
  /** 0: those who would have to release it wait for this worker. */
  acquire(record: number): number;
  release(record: number): void;
}

let inlined: WebAssembly.Module | undefined;

function inlinedModule(): WebAssembly.Module {
  inlined ??= new WebAssembly.Module(bytesOfHex(wasm));
  return inlined;
}

const SHARED_EXPORTS = [...EXPORTS.split(','), 'acquire', 'attach', 'release'].sort().join();

/** The shared build of the hot path: its memory is shared, and each worker has its own cells in it. */
export class SharedCore extends Core {
  declare readonly exports: SharedExports;
  override readonly leafNodeSize = POINTER_NODE_SIZE;
  /** What other workers make their instances of. */
  readonly module: WebAssembly.Module;
  readonly records: FunctionRecords;
  /** Accesses that TypeScript is finishing now, one within the other. */
  underway = 0;
  /** Changes that are made now, one within the other. */
  changing = 0;
  /** Pointer and size of storage that what is under way may still read. */
  private readonly retired: [number, number][] = [];

  /** Throws `bad-argument`, `bad-module`. */
  constructor(imports: CoreImports, limit: number, module = inlinedModule()) {
    super(imports, limit, module, SHARED_EXPORTS);
    this.module = module;
    this.words.fill(0, EMPTY_ENTRY / 4, (EMPTY_ENTRY + SHARED_ENTRY_SIZE) / 4);
    this.words[(EMPTY_ENTRY + KINDS) / 4] = NO_KINDS;
    this.words.fill(0, ONES_ENTRY / 4, (ONES_ENTRY + SHARED_ENTRY_SIZE) / 4);
    this.words[(ONES_ENTRY + KINDS) / 4] = ONES_KINDS;
    this.bytes.fill(NOBODY, ONES_KINDS, ONES_KINDS + PAGE_SIZE / CELL_SIZE);
    const block = this.allocate(CELLS_SIZE);
    this.exports.attach(0, block);
    this.cells = new Uint32Array(this.memory.buffer, block, CELLS_SIZE / 4);
    this.records = new FunctionRecords(this);
  }

  override clearEntries(node: number): void {
    this.words.fill(EMPTY_ENTRY, node / 4, node / 4 + NODE_ENTRIES);
  }

  /** What was written before is there for who reads the pointer. */
  override publish(word: number, value: number): void {
    Atomics.store(this.words, word, value);
  }

  override allocate(size: number): number {
    if (this.underway + this.changing === 0) {
      for (const [block, retiredSize] of this.retired.splice(0)) super.release(block, retiredSize);
    }
    return super.allocate(size);
  }

  /** Nothing leads to the block any more. It is used again when nothing is under way. */
  override release(block: number, size: number): void {
    this.retired.push([block, size]);
  }

  /** The cells' place does not change, and shared memory that grows ends no view. */
  protected override refresh(): void {
    const { cells } = this;
    super.refresh();
    if (cells) this.cells = cells;
  }
}
