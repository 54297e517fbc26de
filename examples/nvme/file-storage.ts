import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { BLOCK, type Storage } from './storage.js';

/** A disk in a file, of the file's size. */
export class FileStorage implements Storage {
  readonly blocks: number;
  private readonly descriptor: number;

  /** Throws what node:fs throws. */
  constructor(path: string) {
    this.descriptor = openSync(path, 'r+');
    this.blocks = Math.floor(fstatSync(this.descriptor).size / BLOCK);
  }

  read(block: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const length = readSync(this.descriptor, into, done, into.length - done, block * BLOCK + done);
      if (length === 0)
        throw new Error(`the file ends before block ${block + Math.ceil(into.length / BLOCK)}`);
      done += length;
    }
  }

  write(block: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      done += writeSync(this.descriptor, from, done, from.length - done, block * BLOCK + done);
    }
  }

  flush(): void {
    fsyncSync(this.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
