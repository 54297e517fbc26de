import {
  GENERATION,
  HELD,
  HIGH,
  HOST_ADDRESS,
  MAPPABLE,
  OFFSET,
  RECORDS,
  SBDF,
  STATUS,
  WHEREABOUTS_SIZE,
} from '../../assembly/layout.js';
import type { PageHost } from '../host.js';
import { MappedPage } from '../memory/mapped-page.js';
import { PageList } from '../memory/page-cache.js';
import type { Sbdf } from '../sbdf.js';
import type { SharedCore } from './core.js';

/** What an access has left for TypeScript. */
const LEFT_CELLS = [STATUS, HIGH, OFFSET, HELD];

/** Pages of one function that this worker has mapped. */
interface Mapped {
  /** The GENERATION at which they were mapped. */
  readonly generation: number;
  readonly ids: number[];
}

/** A worker's own mappings of host pages: made on first use, and unmapped at the entry after the function's were dropped. */
export class AttachedPages extends PageList {
  private readonly core: SharedCore;
  private readonly host: PageHost;
  private readonly failed: (sbdf: number, error: unknown) => void;
  private readonly byRecord = new Map<number, Mapped>();

  constructor(core: SharedCore, host: PageHost, failed: (sbdf: number, error: unknown) => void) {
    super();
    this.core = core;
    this.host = host;
    this.failed = failed;
  }

  /** Under its function's lock: a page that an outcome names. Undefined: only the dispatcher's worker has it. */
  find(id: number): MappedPage | undefined {
    if (this.core.word(this.whereabouts(id) + MAPPABLE) === 0) return undefined;
    let page = this.pages[id];
    if (page === undefined || page === this.pages[0]) page = this.make(id);
    if (!page.mapped) page.address = this.hostAddress(id);
    return page;
  }

  private make(id: number): MappedPage {
    const { core } = this;
    // Another function may have had the same pages, and a host tells them apart by SBDF and address.
    this.dropAllStale();
    const record = core.word(this.whereabouts(id));
    const mapped = this.byRecord.get(record);
    if (mapped) mapped.ids.push(id);
    else this.byRecord.set(record, { generation: core.word(record + GENERATION), ids: [id] });
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

  /** Of all functions. A page that is in use is none of them: the worker has its function's lock. */
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

  /** Unmaps in the order of mapping, every page even where the host throws. It may make accesses of its own, and this one goes on. */
  private drop(record: number, { ids }: Mapped): void {
    const { core } = this;
    this.byRecord.delete(record);
    const kept = LEFT_CELLS.map((cell) => core.cells[cell / 4]);
    core.underway++;
    const pages = ids.map((id) => this.pages[id]).sort((a, b) => a.order - b.order);
    for (const page of pages) {
      this.pages[page.id] = this.pages[0];
      try {
        page.unmap();
      } catch (error) {
        this.failed(page.sbdf, error);
      }
    }
    core.underway--;
    for (const [index, cell] of LEFT_CELLS.entries()) core.cells[cell / 4] = kept[index];
  }
}
