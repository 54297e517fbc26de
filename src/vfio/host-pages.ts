import { PAGE_SIZE, pageOf, type Width } from '../access.js';
import type { Host } from '../host.js';
import { readView, writeView } from '../memory/mapped-page.js';
import { PageCache, PageList } from '../memory/page-cache.js';
import type { Sbdf } from '../sbdf.js';
import { type Errno, errno } from './errno.js';

/** The host pages that an open door holds: each mapped once, and kept until the door closes. */
export class HostPages {
  private readonly cache: PageCache;
  private released = false;

  constructor(sbdf: Sbdf, host: Host) {
    this.cache = new PageCache(new PageList(), sbdf, host);
  }

  /** Maps the pages of [address, address + size). 0, or ENOMEM: what was mapped stays so. */
  map(address: number, size: number): 0 | Errno {
    for (let at = pageOf(address); at < address + size; at += PAGE_SIZE) {
      if (this.released) return errno.ENODEV;
      const page = this.cache.at(at);
      if (page.mapped) continue;
      if (!page.map()) return this.released ? errno.ENODEV : errno.ENOMEM;
    }
    return 0;
  }

  /** Aligned, of a page that is mapped. */
  load(address: number, width: Width, into: DataView, index: number): void {
    const page = this.cache.at(address);
    const low = page.read(address % PAGE_SIZE, width);
    if (width === 8) into.setInt32(index + 4, page.high, true);
    writeView(into, index, width, low);
  }

  store(address: number, width: Width, from: DataView, index: number): void {
    const high = width === 8 ? from.getInt32(index + 4, true) : 0;
    this.cache.at(address).write(address % PAGE_SIZE, width, readView(from, index, width), high);
  }

  /** Unmaps all of them, and what is still being mapped. */
  release(): void {
    this.released = true;
    this.cache.drop();
  }
}
