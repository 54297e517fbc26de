import { OwnPages } from '../memory/own-pages.js';
import type { Sbdf } from '../sbdf.js';
import type { SharedCore } from './core.js';

/** Told of every mapped page, whose it is. */
export class SharedOwnPages extends OwnPages {
  declare protected readonly core: SharedCore;

  override reserve(id: number, sbdf: Sbdf): void {
    super.reserve(id, sbdf);
    // 0 is no page.
    if (id !== 0) this.core.records.assign(id, sbdf);
  }
}
