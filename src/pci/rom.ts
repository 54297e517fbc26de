import { ones, PAGE_SIZE, pageOf, type Width } from '../access.js';
import type { Bar, Host, PageHandler } from '../host.js';
import { readView } from '../memory/mapped-page.js';
import { PageCache, PageList } from '../memory/page-cache.js';
import type { Sbdf } from '../sbdf.js';
import { romImageLength } from './rom-image.js';

/** The function that a ROM belongs to. */
export interface RomFunction {
  readonly sbdf: Sbdf;
  readonly host: Host;
  /** COMMAND's memory decoding. */
  readonly decoding: boolean;
}

/**
 * Runs `copy` while the physical ROM decoder is on, memory decoding with it, and none of the function's BARs can be
 * reached; puts all of it back, also when `copy` throws.
 */
export type RomDecoder = (copy: () => void) => void;

/**
 * - `ready`: the image is shadowed.
 * - `copying`: asked for from a host callback of the copy itself; there is nothing to wait for.
 * - `disabled`: memory decoding changed during the copy.
 * - `unmappable`: the host does not map the ROM's pages.
 */
export type RomState = 'ready' | 'copying' | 'disabled' | 'unmappable';

const EMPTY = new DataView(new ArrayBuffer(0));

/**
 * An expansion ROM, read once and answered from the copy: its decoder may be shared with other BARs, which must not
 * be touched while it is on (PCI 3.0 6.2.5.2). From the end of its images to the end of its BAR it reads all ones.
 */
export class Rom {
  private readonly fn: RomFunction;
  private readonly bar: Bar;
  private readonly decoder: RomDecoder;
  private view = EMPTY;
  private done = false;
  private busy = false;

  constructor(fn: RomFunction, bar: Bar, decoder: RomDecoder) {
    this.fn = fn;
    this.bar = bar;
    this.decoder = decoder;
  }

  /** Bytes of the images; 0 until `ready`, and where there is no valid image. */
  get imageLength(): number {
    return this.view.byteLength;
  }

  get loaded(): boolean {
    return this.done;
  }

  /** The physical ROM decoder may be on now. */
  get copying(): boolean {
    return this.busy;
  }

  /** Copies the images unless that is done. Throws what the host throws; then the next call tries again. */
  load(): RomState {
    if (this.busy) return 'copying';
    if (this.done) return 'ready';
    const pages = new PageCache(new PageList(), this.fn.sbdf, this.fn.host);
    this.busy = true;
    try {
      for (let page = pageOf(this.bar.hostAddress); page < this.end; page += PAGE_SIZE) {
        if (!pages.at(page).map()) return 'unmappable';
      }
      this.decoder(() => {
        this.done = this.copy(pages);
      });
    } finally {
      this.busy = false;
      pages.drop();
    }
    return this.done ? 'ready' : 'disabled';
  }

  /** Aligned, of the copy: `load` first. An unsigned value; of 8 bytes, the low lane. */
  read(offset: number, width: Width): number {
    if (offset < 0 || offset + Math.min(width, 4) > this.view.byteLength) return ones(width);
    return readView(this.view, offset, width) >>> 0;
  }

  /** The page behind the ROM BAR for trapped accesses. Writes are dropped. Null: the ROM cannot be mapped. */
  mapPage(address: number): PageHandler | null {
    if (this.load() === 'unmappable') return null;
    const start = address - this.bar.hostAddress;
    return {
      read: (offset, width, high) => {
        const ready = this.load() === 'ready';
        if (width === 8) high[0] = ready ? this.read(start + offset + 4, 4) : 0xffffffff;
        return ready ? this.read(start + offset, width) : ones(width);
      },
      write: () => {},
    };
  }

  private get end(): number {
    return this.bar.hostAddress + this.bar.size;
  }

  /** False, and nothing kept: the hardware stopped decoding in between. Reads at most 4 bytes at a time. */
  private copy(pages: PageCache): boolean {
    const { decoding } = this.fn;
    const changed = () => this.fn.decoding !== decoding;
    const hardware = (offset: number, width: Width) => {
      const address = this.bar.hostAddress + offset;
      return changed() ? ones(width) : pages.at(address).read(address % PAGE_SIZE, width);
    };
    const length = romImageLength(this.bar.size, (offset) => hardware(offset, 1) & 0xff);
    const view = new DataView(new ArrayBuffer(length));
    for (let offset = 0; offset < length; offset += 4) {
      view.setInt32(offset, hardware(offset, 4), true);
    }
    if (changed()) return false;
    this.view = view;
    return true;
  }
}
