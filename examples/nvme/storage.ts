/** Bytes of a logical block. */
export const BLOCK = 512;

/** What is behind a namespace. What a method throws fails the guest's command with a media error. */
export interface Storage {
  /** Logical blocks. */
  readonly blocks: number;
  /** Whole blocks, within `blocks`. */
  read(block: number, into: Uint8Array): void;
  write(block: number, from: Uint8Array): void;
  /** What was written outlives a loss of power from now on. */
  flush(): void;
}

/** A disk in memory. */
export class BufferStorage implements Storage {
  readonly blocks: number;
  private readonly bytes: Uint8Array;

  /** Bytes behind the last whole block are not the disk's. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.blocks = Math.floor(bytes.length / BLOCK);
  }

  read(block: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(block * BLOCK, block * BLOCK + into.length));
  }

  write(block: number, from: Uint8Array): void {
    this.bytes.set(from, block * BLOCK);
  }

  flush(): void {}
}
