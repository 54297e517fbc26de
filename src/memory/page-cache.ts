import { PAGE_SIZE, pageOf } from '../access.js';
import type { Core } from '../engine/core.js';
import type { PageHost } from '../host.js';
import type { Sbdf } from '../sbdf.js';
import { MappedPage } from './mapped-page.js';
import type { OwnPages } from './own-pages.js';

/** Every mapped page of a dispatcher by its id; 0 is none. */
export class PageList {
  readonly pages: MappedPage[] = [];
  /** The memory of those that have some, by id. */
  readonly views: (DataView | undefined)[] = [];
  protected readonly free: number[] = [];
  private readonly own: OwnPages | undefined;

  /** `own`: told of pages in the core's own memory. Throws `out-of-memory`. */
  constructor(own?: OwnPages, _core?: Core) {
    this.own = own;
    this.add(0, { mapPage: () => null }, 0);
  }

  /** Throws `out-of-memory`. */
  add(sbdf: Sbdf, host: PageHost, address: number): MappedPage {
    const id = this.free.at(-1) ?? this.pages.length;
    this.reserve(id, sbdf, host, address);
    this.free.pop();
    const page = new MappedPage(id, sbdf, host, address, this);
    this.pages[id] = page;
    return page;
  }

  /** Makes room for a page. Throws `out-of-memory`. */
  protected reserve(id: number, _sbdf: Sbdf, _host: PageHost, _address: number): void {
    this.own?.reserve(id);
  }

  /** The next mapping of a page is of this host page. */
  place(page: MappedPage, address: number): void {
    page.address = address;
  }

  /** What a page's memory is from now on; undefined: it has none. */
  show(id: number, memory: Uint8Array | undefined): DataView | undefined {
    this.own?.show(id, memory);
    const view = memory && new DataView(memory.buffer, memory.byteOffset, PAGE_SIZE);
    this.views[id] = view;
    return view;
  }

  /** The core's memory has grown: views of it have come to an end. */
  refresh(): void {
    this.own?.each((id, memory) => this.pages[id].moved(memory));
  }

  remove(page: MappedPage): void {
    this.pages[page.id] = this.pages[0];
    this.retire(page.id);
  }

  /** An id is another page's some time. */
  protected retire(id: number): void {
    this.free.push(id);
  }
}

/** The page-level ioremap cache of one function: a host page is mapped on first use, and once. */
export class PageCache {
  private readonly list: PageList;
  private readonly sbdf: Sbdf;
  private readonly host: PageHost;
  private readonly byAddress = new Map<number, MappedPage>();

  constructor(list: PageList, sbdf: Sbdf, host: PageHost) {
    this.list = list;
    this.sbdf = sbdf;
    this.host = host;
  }

  /** The page that holds a host address. */
  at(hostAddress: number): MappedPage {
    const address = pageOf(hostAddress);
    let page = this.byAddress.get(address);
    if (!page) {
      page = this.list.add(this.sbdf, this.host, address);
      this.byAddress.set(address, page);
    }
    return page;
  }

  /** Forgets all pages and unmaps those mapped, in the order of their mapping. No leaf may lead to one. */
  drop(): void {
    const pages = [...this.byAddress.values()];
    this.byAddress.clear();
    for (const page of pages) this.list.remove(page);
    unmapAll(pages.sort((a, b) => a.order - b.order));
  }
}

/** Where the pages of table head, table tail, PBA head and PBA tail are kept under the Xen policies. */
type Slot = 0 | 1 | 2 | 3;

/** Xen's cache: four slots a function, each mapped on first use and kept until dropped, wherever its BAR moves. */
export class SlotCache {
  private readonly list: PageList;
  private readonly slots: readonly MappedPage[];

  constructor(list: PageList, sbdf: Sbdf, host: PageHost) {
    this.list = list;
    this.slots = [0, 1, 2, 3].map(() => list.add(sbdf, host, 0));
  }

  /** A slot's page; where it is not mapped yet, that of `hostAddress` from now on. */
  at(slot: Slot, hostAddress: number): MappedPage {
    const page = this.slots[slot];
    this.list.place(page, pageOf(hostAddress));
    return page;
  }

  drop(): void {
    unmapAll(this.slots);
  }

  /** Gives the slots' ids back. No leaf may lead to one. */
  remove(): void {
    for (const page of this.slots) this.list.remove(page);
    this.drop();
  }
}

/** Unmaps every page even where the host throws; throws the first error then. */
function unmapAll(pages: readonly MappedPage[]): void {
  const errors: unknown[] = [];
  for (const page of pages) {
    try {
      page.unmap();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
