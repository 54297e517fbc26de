import { BLOCK, type Storage } from './storage.js';

/** The only one; it is active always. */
export const NAMESPACE = 1;

export interface NamespaceState {
  /** The storage's, which the guest was told. */
  readonly blocks: number;
  readonly blocksRead: number;
  readonly blocksWritten: number;
  readonly reads: number;
  readonly writes: number;
  readonly mediaErrors: number;
}

/** A namespace over a storage, and what is counted of its use (NVMe 1.4, 5.14.1.2). */
export class Namespace {
  readonly storage: Storage;
  blocksRead = 0;
  blocksWritten = 0;
  reads = 0;
  writes = 0;
  mediaErrors = 0;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  save(): NamespaceState {
    const { storage, blocksRead, blocksWritten, reads, writes, mediaErrors } = this;
    return { blocks: storage.blocks, blocksRead, blocksWritten, reads, writes, mediaErrors };
  }

  restore({ blocksRead, blocksWritten, reads, writes, mediaErrors }: NamespaceState): void {
    Object.assign(this, { blocksRead, blocksWritten, reads, writes, mediaErrors });
  }

  read(block: number, into: Uint8Array): void {
    this.reads++;
    this.attempt(() => this.storage.read(block, into));
    this.blocksRead += into.length / BLOCK;
  }

  write(block: number, from: Uint8Array): void {
    this.writes++;
    this.attempt(() => this.storage.write(block, from));
    this.blocksWritten += from.length / BLOCK;
  }

  flush(): void {
    this.attempt(() => this.storage.flush());
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.mediaErrors++;
      throw error;
    }
  }
}
