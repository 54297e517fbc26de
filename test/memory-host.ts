import { PAGE_SIZE } from '../src/access.js';
import type { Host } from '../src/host.js';

/** Hardware whose pages are plain memory, zero at first. */
export class MemoryHost implements Host {
  readonly pages = new Map<number, Uint8Array>();

  mapPage(address: number): Uint8Array {
    let page = this.pages.get(address);
    if (!page) {
      page = new Uint8Array(PAGE_SIZE);
      this.pages.set(address, page);
    }
    return page;
  }
}
