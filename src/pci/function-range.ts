import type { Width } from '../access.js';
import type { Diagnostics } from '../diagnostics.js';
import type { RegionRange } from '../function.js';
import type { PageHandler } from '../host.js';
import { bytePage } from '../memory/byte-page.js';
import { PageCache, type PageList } from '../memory/page-cache.js';
import type { ByteRegion } from '../vfio/device-region.js';
import { errno } from '../vfio/errno.js';
import { FunctionBar } from './bar.js';
import { BAR_GRAIN } from './bar-register.js';
import type { PciFunction } from './function.js';

const REFUSALS: readonly number[] = [errno.EINVAL, errno.EPERM, errno.EACCES];

/**
 * A region at guest addresses: to those who own pages a BAR without a register, copied, whose host address 0 is the region's
 * first byte. It ends where a BAR may begin; nobody has the bytes behind the region.
 */
export class FunctionRange extends FunctionBar implements RegionRange {
  override readonly isCopied = true;
  override readonly pages: PageCache;
  readonly region: ByteRegion;
  private readonly diagnostics: Diagnostics;

  constructor(fn: PciFunction, region: ByteRegion, list: PageList, diagnostics: Diagnostics) {
    const size = Math.ceil(region.size / BAR_GRAIN) * BAR_GRAIN;
    super(fn, { index: 9, type: 'region', address: 0, size }, false, 'copy');
    this.region = region;
    this.diagnostics = diagnostics;
    this.pages = new PageCache(list, fn.sbdf, this);
  }

  /** The page from a position on. */
  mapPage(start: number): PageHandler {
    const { region, diagnostics, fn } = this;
    const within = (position: number, width: Width, { buffer }: DataView) =>
      new Uint8Array(buffer, 0, Math.max(0, Math.min(width, region.size - position)));
    const check = (result: number) => {
      if (result < 0) throw new Error(`region: errno ${result}`);
    };
    return bytePage(
      (offset, width, view) => {
        view.setBigInt64(0, -1n);
        const into = within(start + offset, width, view);
        if (into.length > 0) check(region.read(start + offset, into));
      },
      (offset, width, view) => {
        const from = within(start + offset, width, view);
        if (from.length === 0) return;
        const result = region.write?.(start + offset, from) ?? errno.EINVAL;
        // Anything else that it returns is a failure.
        if (!REFUSALS.includes(result)) check(result);
        else diagnostics.report('region-refused', fn.sbdf, this.address + start + offset);
      },
    );
  }
}
