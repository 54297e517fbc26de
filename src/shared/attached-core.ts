import type { CoreImports } from '../engine/core.js';
import { SharedCore, type SharedImports } from './core.js';
import type { WorkerHandle } from './handle.js';

const WASM_LIMIT = 2 ** 32;

/** The core of another worker than the one that made the dispatcher. */
export class AttachedCore extends SharedCore {
  /** Asks for storage. */
  allocator!: (size: number) => number;

  /** Throws `bad-module`. */
  constructor(
    imports: CoreImports,
    own: Partial<SharedImports> & Pick<SharedImports, 'pass_entry' | 'drop_stale'>,
    { module, memory, worker, block }: WorkerHandle,
  ) {
    super({ ...imports, ...own }, WASM_LIMIT, module, memory);
    this.enterAs(worker, block);
  }

  override allocate(size: number): number {
    const block = this.allocator(size);
    if (block + size > this.words.byteLength) this.refresh();
    return block;
  }
}
