import { ones, type Width } from '../access.js';
import { TraplineError } from '../errors.js';
import type { ConfigRegisters } from '../function.js';

/** What software may do to the bits of a register; bits in neither mask are read-only. Little endian, as the register. */
export interface RegisterMasks {
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4;
  /** Read and write. */
  readonly writable?: number;
  /** Write 1 to clear. */
  readonly clearable?: number;
}

/** A register whose writes do something. It is told the whole register, whichever of its bytes were written. */
export interface RegisterHandler {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  /** Reads the register; default: what is stored. */
  read?(): number;
  /**
   * `value`: the register as it reads, with the written bytes in place and no mask applied; `written`: the bits of the
   * written bytes. What it returns is stored.
   */
  write(value: number, written: number, stored: number): number;
}

/** Of a configuration space: conventional, or PCI Express's. */
export const isImageLength = (length: number): boolean => length === 256 || length === 4096;

/** Throws `bad-argument` unless it has the length of a configuration space. */
export function checkImage({ length }: Uint8Array): void {
  if (isImageLength(length)) return;
  throw new TraplineError('bad-argument', `config: an image has 256 or 4096 bytes, not ${length}`);
}

/**
 * The configuration space of a function: 256 or 4096 bytes, accessed with 1, 2 or 4 bytes at offsets aligned to the
 * width. Any other access reads all ones and writes nothing; no access throws.
 */
export class ConfigSpace implements ConfigRegisters {
  readonly size: number;
  /** What is stored, without what handlers answer. */
  readonly bytes: Uint8Array;
  private readonly initial: Uint8Array;
  private readonly writable: Uint8Array;
  private readonly clearable: Uint8Array;
  /** By the offset of each of its bytes. */
  private readonly handlers = new Map<number, RegisterHandler>();

  /** Copies `image`. Throws `bad-argument` unless it has 256 or 4096 bytes. */
  constructor(image: Uint8Array) {
    checkImage(image);
    this.size = image.length;
    this.bytes = image.slice();
    this.initial = image.slice();
    this.writable = new Uint8Array(this.size);
    this.clearable = new Uint8Array(this.size);
  }

  /** Adds a register's masks to those of its bits that have none yet. */
  mask({ offset, width, writable = 0, clearable = 0 }: RegisterMasks): void {
    for (let index = 0; index < width; index++) {
      this.writable[offset + index] |= (writable >>> (8 * index)) & 0xff;
      this.clearable[offset + index] |= (clearable >>> (8 * index)) & 0xff;
    }
  }

  /** Handlers may not overlap. */
  handle(handler: RegisterHandler): void {
    for (let index = 0; index < handler.width; index++) this.handlers.set(handler.offset + index, handler);
  }

  /** Bytes by offset that are the guest's: nothing listens to them, and only a writable one changes. */
  give(bytes: readonly (readonly [offset: number, byte: number])[], writable: boolean): void {
    for (const [offset, byte] of bytes) {
      this.bytes[offset] = byte;
      this.initial[offset] = byte;
      this.writable[offset] = writable ? 0xff : 0;
      this.clearable[offset] = 0;
      this.handlers.delete(offset);
    }
  }

  read(offset: number, width: number): number {
    if (!this.allows(offset, width)) return ones(width as Width);
    let value = 0;
    for (let index = width - 1; index >= 0; index--) value = (value << 8) | this.readByte(offset + index);
    return value >>> 0;
  }

  write(offset: number, width: number, value: number): void {
    if (!this.allows(offset, width)) return;
    const done = new Set<RegisterHandler>();
    for (let index = 0; index < width; index++) {
      const handler = this.handlers.get(offset + index);
      if (!handler) this.writeByte(offset + index, (value >>> (8 * index)) & 0xff);
      else if (!done.has(handler)) {
        done.add(handler);
        this.writeRegister(handler, offset, width, value);
      }
    }
  }

  /** The stored register, unsigned. */
  stored(offset: number, width: 1 | 2 | 4): number {
    let value = 0;
    for (let index = width - 1; index >= 0; index--) value = (value << 8) | this.bytes[offset + index];
    return value >>> 0;
  }

  /** Offset of the first byte where `bytes` differ in what neither software nor a handler changes; undefined: none. */
  differsAt(bytes: Uint8Array): number | undefined {
    const at = bytes.findIndex((byte, offset) => {
      const changeable = this.handlers.get(offset)?.read
        ? 0xff
        : this.writable[offset] | this.clearable[offset];
      return ((byte ^ this.initial[offset]) & ~changeable) !== 0;
    });
    return at < 0 ? undefined : at;
  }

  /** Stores all bytes. Handlers are not told. */
  restore(bytes: Uint8Array): void {
    this.bytes.set(bytes);
  }

  /** Puts back what was stored at first. Handlers are not told. */
  reset(): void {
    this.restore(this.initial);
  }

  private allows(offset: number, width: number): boolean {
    if (width !== 1 && width !== 2 && width !== 4) return false;
    return Number.isInteger(offset) && offset >= 0 && offset % width === 0 && offset + width <= this.size;
  }

  private readByte(offset: number): number {
    const handler = this.handlers.get(offset);
    if (!handler?.read) return this.bytes[offset];
    return (handler.read() >>> (8 * (offset - handler.offset))) & 0xff;
  }

  private writeByte(offset: number, value: number): void {
    const kept = this.bytes[offset] & ~this.writable[offset] & ~(value & this.clearable[offset]);
    this.bytes[offset] = kept | (value & this.writable[offset]);
  }

  private writeRegister(handler: RegisterHandler, offset: number, width: number, value: number): void {
    const stored = this.stored(handler.offset, handler.width);
    let next = handler.read?.() ?? stored;
    let written = 0;
    for (let index = 0; index < handler.width; index++) {
      const from = handler.offset + index - offset;
      if (from < 0 || from >= width || this.handlers.get(offset + from) !== handler) continue;
      const byte = 0xff << (8 * index);
      written |= byte;
      next = (next & ~byte) | (((value >>> (8 * from)) & 0xff) << (8 * index));
    }
    next = handler.write(next >>> 0, written >>> 0, stored);
    for (let index = 0; index < handler.width; index++) {
      const at = handler.offset + index;
      if (this.handlers.get(at) === handler) this.bytes[at] = next >>> (8 * index);
    }
  }
}
