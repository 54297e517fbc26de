import type { Core } from '../engine/core.js';
import type { PageHost } from '../host.js';
import type { MappedPage } from '../memory/mapped-page.js';
import type { OwnPages } from '../memory/own-pages.js';
import { PageList } from '../memory/page-cache.js';
import type { Sbdf } from '../sbdf.js';
import type { OwningCore } from './core.js';

/** Tells other workers of every mapped page. An id is used again when each has unmapped the page that it was. */
export class SharedPageList extends PageList {
  private readonly core: OwningCore;
  private readonly retired: { readonly id: number; readonly stamp: number }[] = [];
  /** Whether a host is what each worker has one of. */
  isWorkers!: (host: PageHost) => boolean;

  /** Throws `out-of-memory`. */
  constructor(own: OwnPages, core: Core) {
    super(own);
    this.core = core as OwningCore;
  }

  override add(sbdf: Sbdf, host: PageHost, address: number): MappedPage {
    // The first is added while this is made.
    const { retired, core } = this;
    while (retired && retired.length > 0 && core.isFree(retired[0].stamp)) {
      this.free.push(retired.splice(0, 1)[0].id);
    }
    return super.add(sbdf, host, address);
  }

  protected override reserve(id: number, sbdf: Sbdf, host: PageHost, address: number): void {
    super.reserve(id, sbdf, host, address);
    if (id !== 0) this.core.records.assign(id, sbdf, this.isWorkers(host), address);
  }

  override place(page: MappedPage, address: number): void {
    super.place(page, address);
    this.core.records.place(page.id, address);
  }

  protected override retire(id: number): void {
    this.retired.push({ id, stamp: this.core.raiseEpoch() });
  }
}
