import {
  EMPTY_LEAF,
  EMPTY_MID,
  HEAP,
  MIXED,
  MIXED_KINDS,
  NO_KINDS,
  NODE_ENTRIES,
  NODE_POINTERS,
  NODE_SIZE,
  TOP,
} from '../../assembly/layout.js';
import { TraplineError } from '../errors.js';
import { bytesOfHex } from '../hexadecimal.js';
import { wasm } from './core.generated.js';

/** v86's MMIO imports, for 32-bit addresses; data are 32-bit lanes, the low one first. See assembly/v86.ts. */
export interface V86Doors {
  /** A byte. */
  mmap_read8(address: number): number;
  /** 32 bits. */
  mmap_read32(address: number): number;
  /** A byte. */
  mmap_write8(address: number, data: number): void;
  /** 16 bits. */
  mmap_write16(address: number, data: number): void;
  /** 32 bits. */
  mmap_write32(address: number, data: number): void;
  /** 64 bits. */
  mmap_write64(address: number, low: number, high: number): void;
  /** 128 bits, as two of 64. */
  mmap_write128(address: number, data0: number, data1: number, data2: number, data3: number): void;
}

/** What another wasm module imports: plain i32 exports of the core. See assembly/index.ts. */
export interface ModuleDoors extends V86Doors {
  /** An access of `width` bytes at the address with these 32-bit lanes. The value, of 8 bytes its low lane. */
  trap_read(low: number, high: number, width: number): number;
  /** Likewise; `dataHigh` counts for width 8 only. */
  trap_write(low: number, high: number, width: number, data: number, dataHigh: number): void;
  /** The core's, for a module that shares it. */
  readonly memory: WebAssembly.Memory;
}

/** The core's exports; all arguments i32 but for the address, f64, of reads and writes. See assembly/index.ts. */
export interface CoreExports extends Omit<ModuleDoors, 'memory'> {
  configure(pbaWritable: boolean, splitsCrossing: boolean): void;
  read(address: number, width: number): number;
  read4(address: number): number;
  write(address: number, width: number, data: number, dataHigh: number): number;
  write4(address: number, data: number): number;
  answer(first: number, end: number): number;
}

/** What the core calls for a wasm caller. See assembly/host.ts. */
export interface CoreImports {
  complete_read(low: number, high: number, width: number, outcome: number): number;
  complete_write(
    low: number,
    high: number,
    width: number,
    data: number,
    dataHigh: number,
    outcome: number,
  ): void;
  unclaimed_read(low: number, high: number, width: number): number;
  unclaimed_write(low: number, high: number, width: number, data: number, dataHigh: number): void;
  forwarded_read4(offset: number, outcome: number, low: number): number;
  forwarded_write4(offset: number, outcome: number, low: number, data: number): void;
}

const WASM_PAGE = 65536;
/** Of 64 KiB, 512 KiB in all: what is there without functions. */
const LEAST_PAGES = 8;
/**
 * 16 MiB, room for thousands of functions: what nobody touches is only address space. Growing costs for good: V8 then
 * checks at every access to a typed array whether its buffer is detached, and the views below are no constants anymore.
 * An adjacent read was 10.0 ns after the first growth, 8.8 without.
 */
const INITIAL_PAGES = 256;
/** Blocks are multiples of this, and aligned to it. */
const GRAIN = 64;

let inlined: WebAssembly.Module | undefined;

function inlinedModule(): WebAssembly.Module {
  inlined ??= new WebAssembly.Module(bytesOfHex(wasm));
  return inlined;
}

export const EXPORTS =
  'answer,configure,memory,mmap_read32,mmap_read8,mmap_write128,mmap_write16,mmap_write32,mmap_write64,mmap_write8,read,read4,trap_read,trap_write,write,write4';

function isCore(module: WebAssembly.Module, exported: string): boolean {
  try {
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    return names.sort().join() === exported;
  } catch {
    return false;
  }
}

/** One instance of the hot path, typed views of its memory, and the allocator of that memory. */
export class Core {
  readonly exports: CoreExports;
  readonly memory: WebAssembly.Memory;
  /** Views of the whole memory; made anew when it grows. */
  bytes!: Uint8Array;
  halfwords!: Uint16Array;
  words!: Uint32Array;
  /** What an access leaves for TypeScript, indexed as words are. */
  cells!: Uint32Array;
  /** Called when the views were made anew. */
  onGrow: () => void = () => {};
  private readonly free = new Map<number, number[]>();
  private next = HEAP;
  /** Bytes of a node of leaf entries. */
  readonly leafNodeSize: number = NODE_SIZE;

  /**
   * `limit`: bytes of linear memory at most. `exported`: the build, by its exports. `memory`: laid out by another core. Throws
   * `bad-argument`, `bad-module`.
   */
  constructor(
    imports: CoreImports,
    limit: number,
    module = inlinedModule(),
    exported = EXPORTS,
    memory?: WebAssembly.Memory,
  ) {
    const maximum = Math.floor(limit / WASM_PAGE);
    if (!(maximum >= LEAST_PAGES && maximum <= WASM_PAGE)) {
      const least = LEAST_PAGES * WASM_PAGE;
      throw new TraplineError(
        'bad-argument',
        `createDispatcher: memoryLimit ${limit} is not in [${least}, 2^32]`,
      );
    }
    this.memory =
      memory ??
      new WebAssembly.Memory({
        initial: Math.min(INITIAL_PAGES, maximum),
        maximum,
        shared: exported !== EXPORTS,
      });
    if (!isCore(module, exported)) {
      throw new TraplineError(
        'bad-module',
        'createDispatcher: module is not trapline/core.wasm of this version',
      );
    }
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory }, host: { ...imports } });
    this.exports = instance.exports as unknown as CoreExports;
    this.refresh();
    if (memory) return;
    this.words.fill(EMPTY_MID, TOP / 4, TOP / 4 + NODE_POINTERS);
    this.clearPointers(EMPTY_MID);
    this.clearEntries(EMPTY_LEAF);
    this.bytes.fill(MIXED, MIXED_KINDS, MIXED_KINDS + 512);
  }

  /** Makes a node's pointers lead to nothing. */
  clearPointers(node: number): void {
    this.words.fill(EMPTY_LEAF, node / 4, node / 4 + NODE_POINTERS);
  }

  /** Makes a leaf node's entries unclaimed. */
  clearEntries(node: number): void {
    for (let entry = 0, word = node / 4; entry < NODE_ENTRIES; entry++) {
      this.words[word++] = 0;
      this.words[word++] = NO_KINDS;
      this.words[word++] = 0;
      this.words[word++] = 0;
    }
  }

  /** Writes a pointer, after what it leads to. */
  publish(word: number, pointer: number): void {
    this.words[word] = pointer;
  }

  /** A block of `size` bytes, 64-byte aligned, its content undefined. Throws `out-of-memory`. */
  allocate(size: number): number {
    const rounded = Math.ceil(size / GRAIN) * GRAIN;
    const reused = this.free.get(rounded)?.pop();
    if (reused !== undefined) return reused;
    const block = this.next;
    const missing = block + rounded - this.memory.buffer.byteLength;
    if (missing > 0) this.grow(Math.ceil(missing / WASM_PAGE));
    this.next = block + rounded;
    return block;
  }

  release(block: number, size: number): void {
    const rounded = Math.ceil(size / GRAIN) * GRAIN;
    const list = this.free.get(rounded);
    if (list) list.push(block);
    else this.free.set(rounded, [block]);
  }

  private grow(pages: number): void {
    try {
      this.memory.grow(pages);
    } catch {
      throw new TraplineError('out-of-memory', `memoryLimit: ${pages} more pages of 64 KiB exceed the limit`);
    }
    this.refresh();
    this.onGrow();
  }

  protected refresh(): void {
    this.bytes = new Uint8Array(this.memory.buffer);
    this.halfwords = new Uint16Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.cells = this.words;
  }
}
