import { PAGE_SIZE } from '../access.js';
import type { Location } from '../function.js';
import type { Bar } from '../host.js';
import { KINDS, type Kind } from './function-counts.js';
import type { ReplayedFunction } from './replayed-function.js';

/** Nobody's byte, in place of an index of `KINDS`. */
export const NOBODY = 255;

/** BARs have at least 16 bytes, tables start at multiples of 8, PBAs are whole 8-byte words: no owner cuts a cell. */
const CELL = 8;
export const CELLS = PAGE_SIZE / CELL;

/** Accesses to each byte of a trapped page. */
export interface PageHeat {
  readonly reads: Uint32Array;
  readonly writes: Uint32Array;
  /** The page's owners as they were last. */
  owners: PageOwners;
}

/** A BAR with bytes on a page, or a region that is none. */
export interface BarOnPage {
  readonly fn: ReplayedFunction;
  readonly index: number;
  readonly type: Bar['type'];
  readonly size: number;
  /** Of the page in it; negative: it starts within the page. */
  readonly offset: number;
}

/** Whose the bytes of one guest page are. */
export class PageOwners {
  readonly address: number;
  /** Index of `KINDS`, or `NOBODY`, by 8-byte cell. */
  readonly kinds = new Uint8Array(CELLS).fill(NOBODY);
  readonly functions: (ReplayedFunction | undefined)[] = new Array(CELLS).fill(undefined);
  readonly bars: BarOnPage[] = [];
  /** Present: the page traps. */
  heat: PageHeat | undefined;

  constructor(
    address: number,
    locate: (address: number) => Location | undefined,
    functionOf: (location: Location) => ReplayedFunction | undefined,
  ) {
    this.address = address;
    const first = locate(address);
    const last = locate(address + PAGE_SIZE - 1);
    const direct = first?.owner === 'direct' && last?.owner === 'direct' && first.bar === last.bar;
    for (let cell = 0; cell < CELLS; cell++) {
      // The Xen policies let BARs share a direct page.
      const location = direct ? first : locate(address + cell * CELL);
      const fn = location && functionOf(location);
      if (!location || !fn) continue;
      this.kinds[cell] = KINDS.indexOf(location.owner as Kind);
      this.functions[cell] = fn;
      const { index, type, size } = location.bar;
      if (!this.bars.some((bar) => bar.fn === fn && bar.index === index)) {
        this.bars.push({ fn, index, type, size, offset: address - location.bar.address });
      }
    }
  }

  get traps(): boolean {
    const direct = KINDS.indexOf('direct');
    return this.kinds.some((kind) => kind !== NOBODY && kind !== direct);
  }

  /** The same page of the same BAR has the same key wherever the BAR is. Regions have no other name than their address. */
  get key(): string {
    const name = ({ type, index, offset }: BarOnPage) =>
      type === 'region' ? `at ${this.address - offset}` : index;
    return this.bars.map((bar) => `${bar.fn.sbdf}/${name(bar)}/${bar.offset}`).join(' ');
  }
}
