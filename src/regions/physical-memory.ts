import { TraplineError } from '../errors.js';
import { hex } from '../hexadecimal.js';

/** Live bytes behind a callback. `offset` and `offset + into.length` lie within what was mapped. */
export interface ByteReader {
  /** Fills `into` with what is there now. */
  read(offset: number, into: Uint8Array): void;
}

/** The host's physical memory, behind which firmware tables are. All addresses and lengths are in bytes. */
export interface PhysicalMemory {
  /**
   * Maps [address, address + length) for reading, at any alignment: a view of exactly that length that follows every
   * change of the memory, or a reader. Null: it cannot be mapped.
   */
  map(address: number, length: number): Uint8Array | ByteReader | null;
  /** Ends a mapping, told by what `map` was given. */
  unmap?(address: number, length: number): void;
}

/** A range of physical memory while it is mapped. */
export class MappedBytes {
  readonly address: number;
  private readonly length: number;
  private readonly memory: PhysicalMemory;
  private readonly bytes: Uint8Array | ByteReader;

  private constructor(
    memory: PhysicalMemory,
    address: number,
    length: number,
    bytes: Uint8Array | ByteReader,
  ) {
    this.memory = memory;
    this.address = address;
    this.length = length;
    this.bytes = bytes;
  }

  /** Undefined: the host cannot map it. */
  static map(memory: PhysicalMemory, address: number, length: number): MappedBytes | undefined {
    const bytes = memory.map(address, length);
    if (bytes === null) return undefined;
    if (bytes instanceof Uint8Array && bytes.length !== length) {
      memory.unmap?.(address, length);
      throw new TraplineError(
        'bad-argument',
        `memory.map: the memory at ${hex(address)} has ${bytes.length} bytes, not ${length}`,
      );
    }
    return new MappedBytes(memory, address, length, bytes);
  }

  read(offset: number, into: Uint8Array): void {
    const { bytes } = this;
    if (bytes instanceof Uint8Array) into.set(bytes.subarray(offset, offset + into.length));
    else bytes.read(offset, into);
  }

  unmap(): void {
    this.memory.unmap?.(this.address, this.length);
  }
}
