import type { HostPage } from '../../src/host.js';
import type { Sbdf } from '../../src/sbdf.js';
import { type Context, callHost } from './context.js';

/**
 * A function's mapped host pages: filled on first use, kept until dropped. Xen keeps four slots, by which edge of
 * table or PBA an access came near; strict keeps one per host page. The key is the slot, or the page's address.
 */
export class HostPages {
  private readonly mapped = new Map<number, { address: number; page: HostPage }>();
  private readonly context: Context;
  private readonly sbdf: Sbdf;

  constructor(context: Context, sbdf: Sbdf) {
    this.context = context;
    this.sbdf = sbdf;
  }

  /** Undefined: the host cannot map it; asked again at the next use. */
  get(key: number, address: number): HostPage | undefined {
    const known = this.mapped.get(key);
    if (known) return known.page;
    const page = callHost(this.sbdf, () => this.context.host.mapPage(address, this.sbdf));
    if (!page) return undefined;
    this.mapped.set(key, { address, page });
    return page;
  }

  /**
   * Unreachable first, then unmapped: slots by number, pages in the order in which they were mapped. Every one of
   * them, even where the host throws.
   */
  drop(): void {
    const keys = [...this.mapped.keys()];
    if (this.context.policy.sharedPage === 'newest') keys.sort((a, b) => a - b);
    const addresses = keys.map((key) => this.mapped.get(key)!.address);
    this.mapped.clear();
    const failures: unknown[] = [];
    for (const address of addresses) {
      try {
        callHost(this.sbdf, () => this.context.host.unmapPage?.(address, this.sbdf));
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
