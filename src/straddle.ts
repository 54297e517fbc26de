import { pageOf, type Width } from './access.js';
import type { Location } from './function.js';
import type { MappedPage } from './memory/mapped-page.js';
import { slotPage } from './page-plan.js';
import type { FunctionBar } from './pci/bar.js';
import type { PciFunction } from './pci/function.js';
import { areOn, ownerAmong } from './pci/structure.js';
import type { Policy } from './policy.js';
import type { Sbdf } from './sbdf.js';

/** What becomes of one byte of an access whose bytes have different owners. */
export type ByteOwner =
  | ({ readonly kind: 'forward' } & ByteTarget)
  | { readonly kind: 'refused'; readonly sbdf: Sbdf }
  | { readonly kind: 'nobody' };

/** A byte of a host page. */
export interface ByteTarget {
  readonly page: MappedPage;
  readonly offset: number;
}

/**
 * - `nobody`: all ones, or dropped, without a word.
 * - `refused`: the same, with one diagnostic.
 * - else one owner a byte, low address first, after a diagnostic about the function `sbdf`.
 */
export type Straddle =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'refused'; readonly sbdf: Sbdf }
  | { readonly kind: 'bytes'; readonly sbdf: Sbdf; readonly bytes: readonly ByteOwner[] };

const NOBODY: ByteOwner & Straddle = { kind: 'nobody' };

/** Policy strict: each byte by its owner's one-byte rule. */
export function byOwner(
  address: number,
  width: Width,
  policy: Policy,
  locate: (address: number) => Location | undefined,
): Straddle {
  const locations = Array.from({ length: width }, (_, index) => locate(address + index));
  const first = locations.find((location) => location !== undefined);
  if (!first) return NOBODY;
  const { sbdf } = first.fn;
  const isStructure = first.owner === 'table' || first.owner === 'pba';
  if (isStructure && locations.every((at) => at?.fn === first.fn && at.owner === first.owner)) {
    return { kind: 'refused', sbdf };
  }
  const bytes = locations.map((location): ByteOwner => {
    if (!location) return NOBODY;
    const { owner, offset } = location;
    if (owner === 'table' || (owner === 'pba' && !(policy.pbaWidths & 1))) {
      return { kind: 'refused', sbdf: location.fn.sbdf };
    }
    const bar = location.bar as FunctionBar;
    const host = bar.hostAddress + offset;
    return { kind: 'forward', page: bar.fn.pageBehind(bar, host), offset: host % 4096 };
  });
  return { kind: 'bytes', sbdf, bytes };
}

/** The Xen policies: all bytes are those of the function that has the first; it is forwarded only if both ends are. */
export function byFunction(
  fn: PciFunction,
  address: number,
  width: Width,
  policy: Policy,
  writes: boolean,
  hardware: boolean,
): Straddle {
  const owners = Array.from({ length: width }, (_, index) => ownerOf(fn, address + index));
  const [first, last] = [owners[0], owners[width - 1]];
  if (first === 'table') return { kind: 'refused', sbdf: fn.sbdf };
  if (last !== 'pba' && last !== 'forward') return NOBODY;
  if (first === 'pba' && !(policy.pbaWidths & 1)) return { kind: 'refused', sbdf: fn.sbdf };
  if (writes && !hardware && policy.pbaWriteDropsWhole && (first === 'pba' || last === 'pba')) return NOBODY;
  const bytes = owners.map((owner, index): ByteOwner => {
    const at = address + index;
    if (owner === 'pba' && !(policy.pbaWidths & 1)) return { kind: 'refused', sbdf: fn.sbdf };
    if (owner !== 'pba' && owner !== 'forward') return NOBODY;
    if (owner === 'pba' && fn.pendingPage && fn.pba) {
      return { kind: 'forward', page: fn.pendingPage, offset: at - fn.pba.start };
    }
    return { kind: 'forward', page: slotPage(fn, pageOf(at)), offset: at % 4096 };
  });
  return { kind: 'bytes', sbdf: fn.sbdf, bytes };
}

function ownerOf(fn: PciFunction, address: number): 'table' | 'pba' | 'forward' | undefined {
  return ownerAmong(fn, address) ?? (areOn(fn, pageOf(address)) ? 'forward' : undefined);
}
