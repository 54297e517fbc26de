import type { InventoryBar } from './machine.js';

/** PCIe 7.8.5.1: Num Entries, in the capability's third byte. */
const NUM_ENTRIES = 0x3f;
/** PCIe 7.8.5.3: an entry's first dword. */
const ENTRY_SIZE = 7;
const ENABLE = 0x8000_0000;
/** Base and MaxOffset: a second dword holds the upper half. */
const WIDE = 2;

/** PCIe 7.8.5.3: BAR Equivalent Indicator. */
const ROM = 8;
const FIRST_VIRTUAL = 9;
const LAST_VIRTUAL = 14;

/** PCIe table of resource properties: memory, prefetchable memory, I/O, of VFs prefetchable memory, of VFs memory. */
const PREFETCHABLE = [1, 3];
const MEMORY = [0, 1, 3, 4];
const IO = 2;

export interface EnhancedBars {
  readonly bars: readonly InventoryBar[];
  /** Of SR-IOV virtual functions. */
  readonly virtualBars: readonly InventoryBar[];
}

/** What the Enhanced Allocation capability at this offset, if there is one, says of BARs. */
export function enhancedBars(
  image: Uint8Array,
  capability: number | undefined,
  isBridge: boolean,
): EnhancedBars {
  const bars: InventoryBar[] = [];
  const virtualBars: InventoryBar[] = [];
  if (capability === undefined) return { bars, virtualBars };
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  // A bridge has its fixed bus numbers between header and entries.
  let at = capability + (isBridge ? 8 : 4);
  for (let left = image[capability + 2] & NUM_ENTRIES; left > 0 && at + 12 <= 256; left--) {
    const head = view.getUint32(at, true);
    const end = at + 4 * ((head & ENTRY_SIZE) + 1);
    if (end > 256) break;
    const indicator = (head >>> 4) & 0xf;
    const property = propertyOf(head);
    if ((head & ENABLE) !== 0 && property !== undefined) {
      const isVirtual = indicator >= FIRST_VIRTUAL && indicator <= LAST_VIRTUAL;
      const index = isVirtual ? indicator - FIRST_VIRTUAL : indicator === ROM ? 6 : indicator;
      if (isVirtual || indicator < 6 || indicator === ROM) {
        const wide = (view.getUint32(at + 4, true) & WIDE) !== 0;
        (isVirtual ? virtualBars : bars).push({
          index,
          type: index === 6 ? 'rom' : property === IO ? 'io' : wide ? 'mem64' : 'mem32',
          ...rangeOf(view, at + 4, end),
          prefetchable: PREFETCHABLE.includes(property),
          disabled: false,
          virtual: false,
        });
      }
    }
    at = end;
  }
  return { bars, virtualBars };
}

/** The primary property, or where that is reserved the secondary one. */
function propertyOf(head: number): number | undefined {
  return [(head >>> 8) & 0xff, (head >>> 16) & 0xff].find(
    (property) => property === IO || MEMORY.includes(property),
  );
}

/** Base, MaxOffset, then the upper half of each that is wide. The two low bits of MaxOffset count as ones. */
function rangeOf(
  view: DataView,
  at: number,
  end: number,
): { readonly address: number; readonly size: number } {
  const base = view.getUint32(at, true);
  const last = view.getUint32(at + 4, true);
  let next = at + 8;
  const upper = (low: number) => {
    if (!(low & WIDE) || next + 4 > end) return 0;
    next += 4;
    return view.getUint32(next - 4, true) * 2 ** 32;
  };
  const address = upper(base) + ((base & ~3) >>> 0);
  return { address, size: upper(last) + ((last | 3) >>> 0) + 1 };
}
