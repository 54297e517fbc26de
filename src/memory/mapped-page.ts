import { ones, PAGE_SIZE, type Width } from '../access.js';
import { TraplineError } from '../errors.js';
import type { Host, HostPage, PageHandler } from '../host.js';
import type { Sbdf } from '../sbdf.js';

let mappings = 0;

/**
 * One host page of one function, mapped through the host on first use. One class whatever is behind it, so that
 * the call sites on the access path stay monomorphic.
 */
export class MappedPage {
  /** Index in the dispatcher's list; what the hot path hands back. */
  readonly id: number;
  readonly sbdf: Sbdf;
  /** Host-physical address of the page that the next `map` asks for. */
  address: number;
  /** High lane of the last 8-byte read. */
  high = 0;
  private readonly highCell = new Uint32Array(1);
  /** Position among all mappings made so far. */
  order = 0;
  mapped = false;
  /** The page's memory, where that is behind it. */
  view: DataView | undefined;
  private handler: PageHandler | undefined;
  private mappedAddress = 0;

  constructor(id: number, sbdf: Sbdf, address: number) {
    this.id = id;
    this.sbdf = sbdf;
    this.address = address;
  }

  /** Asks the host for the page. False: it cannot be mapped now. */
  map(host: Host): boolean {
    const address = this.address;
    const page: HostPage | null = host.mapPage(address, this.sbdf);
    if (page === null) return false;
    if (page instanceof Uint8Array) {
      if (page.length !== PAGE_SIZE) {
        throw new TraplineError(
          'bad-argument',
          `host.mapPage: the memory of page 0x${address.toString(16)} has ${page.length} bytes, not ${PAGE_SIZE}`,
        );
      }
      this.view = new DataView(page.buffer, page.byteOffset, PAGE_SIZE);
    } else {
      this.handler = page;
    }
    this.mapped = true;
    this.mappedAddress = address;
    this.order = ++mappings;
    return true;
  }

  unmap(host: Host): void {
    if (!this.mapped) return;
    this.mapped = false;
    this.view = undefined;
    this.handler = undefined;
    host.unmapPage?.(this.mappedAddress, this.sbdf);
  }

  /** Aligned. Returns the value, signed; of 8 bytes the low lane, the high one in `high`. */
  read(offset: number, width: Width): number {
    const view = this.view;
    if (view === undefined) return this.readHandler(offset, width);
    if (width === 4) return view.getInt32(offset, true);
    if (width === 1) return view.getUint8(offset);
    if (width === 2) return view.getUint16(offset, true);
    this.high = view.getInt32(offset + 4, true);
    return view.getInt32(offset, true);
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
    const view = this.view;
    if (view === undefined) this.handler?.write(offset, width, (low & ones(width)) >>> 0, high >>> 0);
    else if (width === 4) view.setInt32(offset, low, true);
    else if (width === 1) view.setInt8(offset, low);
    else if (width === 2) view.setInt16(offset, low, true);
    else {
      view.setInt32(offset, low, true);
      view.setInt32(offset + 4, high, true);
    }
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
