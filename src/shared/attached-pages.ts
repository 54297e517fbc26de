import {
  GENERATION,
  HOST_ADDRESS,
  MAPPABLE,
  RECORDS,
  SBDF,
  WHEREABOUTS_SIZE,
} from '../../assembly/layout.js';
import type { PageHost } from '../host.js';
import { MappedPage } from '../memory/mapped-page.js';
import { PageList } from '../memory/page-cache.js';
import type { Sbdf } from '../sbdf.js';
import type { SharedCore } from './core.js';

/** Pages of one function that this worker has mapped. */
interface Mapped {
  /** The GENERATION at which they were mapped. */
  generation: number;
  readonly ids: Set<number>;
}

/** A worker's own mappings of host pages: made on first use, and unmapped at the entry after the function's were dropped. */
export class AttachedPages extends PageList {
  private readonly core: SharedCore;
  private readonly host: PageHost;
  private readonly failed: (sbdf: number, error: unknown) => void;
  private readonly byRecord = new Map<number, Mapped>();
  /** Pages that only the dispatcher's worker has. */
  private readonly unmappable = new Set<number>();

  constructor(core: SharedCore, host: PageHost, failed: (sbdf: number, error: unknown) => void) {
    super();
    this.core = core;
    this.host = host;
    this.failed = failed;
  }

  /** Under its function's lock: a page that an outcome names. Undefined: this worker cannot have it. */
  find(id: number): MappedPage | undefined {
    let page = this.pages[id];
    if (page === undefined || (page === this.pages[0] && id !== 0)) page = this.make(id);
    if (this.unmappable.has(id)) return undefined;
    if (id !== 0 && !page.mapped) page.address = this.hostAddress(id);
    return page;
  }

  private make(id: number): MappedPage {
    const { core } = this;
    const at = this.whereabouts(id);
    const record = core.word(at);
    const mapped = this.byRecord.get(record);
    const generation = core.word(record + GENERATION);
    if (mapped) mapped.ids.add(id);
    else this.byRecord.set(record, { generation, ids: new Set([id]) });
    if (core.word(at + MAPPABLE) === 0) this.unmappable.add(id);
    const page = new MappedPage(id, core.word(record + SBDF), this.host, this.hostAddress(id), this);
    this.pages[id] = page;
    return page;
  }

  sbdfOf(id: number): Sbdf {
    return this.core.word(this.core.word(this.whereabouts(id)) + SBDF);
  }

  private whereabouts(id: number): number {
    return this.core.word(RECORDS) + WHEREABOUTS_SIZE * id;
  }

  private hostAddress(id: number): number {
    return new DataView(this.core.memory.buffer).getFloat64(this.whereabouts(id) + HOST_ADDRESS, true);
  }

  /** Of all functions: none of the worker's pages is in use. */
  dropAllStale(): void {
    for (const record of this.byRecord.keys()) this.dropStale(record);
  }

  /** Of one function, whose lock the worker has. */
  dropStale(record: number): void {
    const mapped = this.byRecord.get(record);
    if (mapped && mapped.generation !== this.core.word(record + GENERATION)) this.drop(record, mapped);
  }

  dropAll(): void {
    for (const [record, mapped] of this.byRecord) this.drop(record, mapped);
  }

  /** Unmaps in the order of mapping, every page even where the host throws. */
  private drop(record: number, { ids }: Mapped): void {
    this.byRecord.delete(record);
    const pages = [...ids].map((id) => this.pages[id]).sort((a, b) => a.order - b.order);
    for (const page of pages) {
      this.pages[page.id] = this.pages[0];
      this.unmappable.delete(page.id);
      try {
        page.unmap();
      } catch (error) {
        this.failed(page.sbdf, error);
      }
    }
  }
}
