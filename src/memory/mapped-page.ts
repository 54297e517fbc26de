import { ones, PAGE_SIZE, type Width } from '../access.js';
import { TraplineError } from '../errors.js';
import type { HostPage, PageHandler, PageHost } from '../host.js';
import type { Sbdf } from '../sbdf.js';

let mappings = 0;

/** Where the memory of pages is also kept, by id: one step nearer to an access. */
export interface PageMemory {
  /** What a page's memory is from now on. */
  show(id: number, memory: Uint8Array | undefined): DataView | undefined;
}

/**
 * One host page of one function, mapped through the host on first use. One class whatever is behind it, so that
 * the call sites on the access path stay monomorphic.
 */
export class MappedPage {
  /** Index in the dispatcher's list; what the hot path hands back. */
  readonly id: number;
  readonly sbdf: Sbdf;
  private readonly host: PageHost;
  /** Host-physical address of the page that the next `map` asks for. */
  address: number;
  /** High lane of the last 8-byte read. */
  high = 0;
  private readonly highCell = new Uint32Array(1);
  /** Position among all mappings made so far. */
  order = 0;
  mapped = false;
  /** How often it was to be unmapped. */
  private drops = 0;
  private view: DataView | undefined;
  private readonly list: PageMemory;
  private handler: PageHandler | undefined;
  private mappedAddress = 0;

  constructor(id: number, sbdf: Sbdf, host: PageHost, address: number, list: PageMemory) {
    this.id = id;
    this.sbdf = sbdf;
    this.host = host;
    this.address = address;
    this.list = list;
    list.show(id, undefined);
  }

  /** Asks the host for the page. False: it cannot be mapped now, or was to be unmapped while the host mapped it. */
  map(): boolean {
    const { address, drops } = this;
    const page: HostPage | null = this.host.mapPage(address, this.sbdf);
    if (page === null) return false;
    if (drops !== this.drops) {
      this.host.unmapPage?.(address, this.sbdf);
      return false;
    }
    if (page instanceof Uint8Array) {
      if (page.length !== PAGE_SIZE) {
        throw new TraplineError(
          'bad-argument',
          `host.mapPage: the memory of page 0x${address.toString(16)} has ${page.length} bytes, not ${PAGE_SIZE}`,
        );
      }
      this.view = this.list.show(this.id, page);
    } else {
      this.handler = page;
    }
    this.mapped = true;
    this.mappedAddress = address;
    this.order = ++mappings;
    return true;
  }

  /** Its memory is the same bytes, in another buffer. */
  moved(memory: Uint8Array): void {
    this.view = this.list.show(this.id, memory);
  }

  unmap(): void {
    this.drops++;
    if (!this.mapped) return;
    this.mapped = false;
    this.view = this.list.show(this.id, undefined);
    this.handler = undefined;
    this.host.unmapPage?.(this.mappedAddress, this.sbdf);
  }

  /** Aligned. Returns the value, signed; of 8 bytes the low lane, the high one in `high`. */
  read(offset: number, width: Width): number {
    const { view } = this;
    if (view === undefined) return this.readHandler(offset, width);
    if (width === 8) this.high = view.getInt32(offset + 4, true);
    return readView(view, offset, width);
  }

  /** Aligned, to and from `index` of bytes. */
  load(offset: number, width: Width, into: DataView, index: number): void {
    const low = this.read(offset, width);
    if (width === 8) into.setInt32(index + 4, this.high, true);
    writeView(into, index, width, low);
  }

  store(offset: number, width: Width, from: DataView, index: number): void {
    const high = width === 8 ? from.getInt32(index + 4, true) : 0;
    this.write(offset, width, readView(from, index, width), high);
  }

  /** Unaligned, within the page: byte by byte, low first. Memory cannot tell, so it is read at once. */
  readBytes(offset: number, width: Width): number {
    if (this.view !== undefined) return this.read(offset, width);
    let low = 0;
    let high = 0;
    for (let index = 0; index < width; index++) {
      const byte = this.readHandler(offset + index, 1);
      if (index < 4) low |= byte << (8 * index);
      else high |= byte << (8 * (index - 4));
    }
    this.high = high;
    return low;
  }

  private readHandler(offset: number, width: Width): number {
    if (this.handler === undefined) return ones(width) | 0;
    const low = this.handler.read(offset, width, this.highCell) & ones(width);
    this.high = this.highCell[0] | 0;
    return low;
  }

  write(offset: number, width: Width, low: number, high: number): void {
    const { view } = this;
    if (view === undefined) {
      this.handler?.write(offset, width, (low & ones(width)) >>> 0, high >>> 0);
      return;
    }
    writeView(view, offset, width, low);
    if (width === 8) view.setInt32(offset + 4, high, true);
  }

  writeBytes(offset: number, width: Width, low: number, high: number): void {
    if (this.view !== undefined) {
      this.write(offset, width, low, high);
      return;
    }
    for (let index = 0; index < width; index++) {
      this.write(offset + index, 1, (index < 4 ? low : high) >>> (8 * (index & 3)), 0);
    }
  }
}

/** Memory is little endian. Of 8 bytes the low lane; signed. */
export const readView = (view: DataView, offset: number, width: Width): number => {
  if (width === 1) return view.getUint8(offset);
  return width === 2 ? view.getUint16(offset, true) : view.getInt32(offset, true);
};

/** Of 8 bytes the low lane. */
export const writeView = (view: DataView, offset: number, width: Width, data: number): void => {
  if (width === 1) view.setInt8(offset, data);
  else if (width === 2) view.setInt16(offset, data, true);
  else view.setInt32(offset, data, true);
};
