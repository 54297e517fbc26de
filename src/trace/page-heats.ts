import { PAGE_SIZE } from '../access.js';
import type { OwningFunction, PageHeat, PageOwners } from './page-owners.js';

/** Heat of pages, kept for the same page of the same BAR wherever the BAR is. */
export class PageHeats<Fn extends OwningFunction> extends Map<string, PageHeat<Fn>> {
  /** Gives these owners the heat of their page. */
  attach(owners: PageOwners<Fn>): void {
    let heat = this.get(owners.key);
    if (!heat) {
      heat = { reads: new Uint32Array(PAGE_SIZE), writes: new Uint32Array(PAGE_SIZE), owners };
      this.set(owners.key, heat);
    }
    heat.owners = owners;
    owners.heat = heat;
  }
}
