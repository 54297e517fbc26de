import { PAGE_SIZE, pageOf, type Width } from '../access.js';
import type { PageHost } from '../host.js';
import { PageCache, type PageList } from '../memory/page-cache.js';
import type { Sbdf } from '../sbdf.js';
import { type Errno, errno } from './errno.js';

/** The host pages that an open door holds: each mapped once, and kept until the door closes. */
export class HostPages {
  private readonly cache: PageCache;
  private released = false;

  constructor(list: PageList, sbdf: Sbdf, host: PageHost) {
    this.cache = new PageCache(list, sbdf, host);
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
    this.cache.at(address).load(address % PAGE_SIZE, width, into, index);
  }

  store(address: number, width: Width, from: DataView, index: number): void {
    this.cache.at(address).store(address % PAGE_SIZE, width, from, index);
  }

  /** Unmaps all of them, and what is still being mapped. */
  release(): void {
    this.released = true;
    this.cache.drop();
  }
}
