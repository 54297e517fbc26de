import { BLOCK, type Storage } from './storage.js';

/** The only one; it is active always. */
export const NAMESPACE = 1;

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
