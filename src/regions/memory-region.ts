import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import type { ByteRegion } from '../vfio/device-region.js';
import { ADDRESS_LIMIT, PAGE_SIZE, shown } from './address-range.js';

/** The 4096 bytes of memory at a position, a multiple of 4096: each time the same ones. */
export type MemoryPage = (position: number) => Uint8Array;

/** Memory as a region: stolen memory that is trapped. By default zero, a page of it allocated when it is first written. */
export class MemoryRegion implements ByteRegion {
  readonly size: number;
  private readonly pageAt: MemoryPage | undefined;
  private readonly pages = new Map<number, Uint8Array>();

  /** `pageAt`: the memory behind it, such as the guest's RAM. Throws `bad-argument`. */
  constructor(size: number, pageAt?: MemoryPage) {
    if (!isInteger(size, 1, ADDRESS_LIMIT)) {
      throw new TraplineError(
        'bad-argument',
        `MemoryRegion: size ${shown(size)} is not an integer in [1, 2^52]`,
      );
    }
    this.size = size;
    this.pageAt = pageAt;
  }

  read(position: number, into: Uint8Array): number {
    return this.eachPage(position, into, (part, page, offset) => {
      const memory = this.pageAt?.(page) ?? this.pages.get(page);
      if (memory) part.set(memory.subarray(offset, offset + part.length));
      else part.fill(0);
    });
  }

  write(position: number, from: Uint8Array): number {
    return this.eachPage(position, from, (part, page, offset) => {
      const memory = this.pageAt?.(page) ?? this.pages.get(page) ?? new Uint8Array(PAGE_SIZE);
      if (!this.pageAt) this.pages.set(page, memory);
      memory.set(part, offset);
    });
  }

  /** Bytes allocated so far. */
  get allocated(): number {
    return PAGE_SIZE * this.pages.size;
  }

  /** The parts of a transfer by page, as far as it lies in the region; how many bytes that are. */
  private eachPage(
    position: number,
    bytes: Uint8Array,
    work: (part: Uint8Array, page: number, offset: number) => void,
  ): number {
    const end = Math.min(this.size, position + bytes.length);
    for (let at = position; at < end; ) {
      const offset = at % PAGE_SIZE;
      const length = Math.min(PAGE_SIZE - offset, end - at);
      work(bytes.subarray(at - position, at - position + length), at - offset, offset);
      at += length;
    }
    return Math.max(0, end - position);
  }
}
