import { PAGE_SIZE, type Width } from '../access.js';
import type { Location, MsixLayout } from '../function.js';
import type { Bar } from '../host.js';
import type { Sbdf } from '../sbdf.js';
import { KINDS, type Kind } from './function-counts.js';

/** Nobody's byte, in place of an index of `KINDS`. */
export const NOBODY = 255;

/** BARs have at least 16 bytes, tables start at multiples of 8, PBAs are whole 8-byte words: no owner cuts a cell. */
const CELL = 8;
export const CELLS = PAGE_SIZE / CELL;

const STRADDLE = KINDS.indexOf('straddle');

/** What pages tell of a function that has bytes on them. */
export interface OwningFunction {
  readonly sbdf: Sbdf;
  readonly name: string;
  readonly msix: MsixLayout | undefined;
}

/** Accesses to each byte of a trapped page. */
export interface PageHeat<Fn extends OwningFunction = OwningFunction> {
  readonly reads: Uint32Array;
  readonly writes: Uint32Array;
  /** The page's owners as they were last. */
  owners: PageOwners<Fn>;
}

/** A BAR with bytes on a page, or a region that is none. */
export interface BarOnPage<Fn extends OwningFunction = OwningFunction> {
  readonly fn: Fn;
  readonly index: number;
  readonly type: Bar['type'];
  readonly size: number;
  /** Of the page in it; negative: it starts within the page. */
  readonly offset: number;
}

/** Whose the bytes of one guest page are. */
export class PageOwners<Fn extends OwningFunction = OwningFunction> {
  readonly address: number;
  /** Index of `KINDS`, or `NOBODY`, by 8-byte cell. */
  readonly kinds = new Uint8Array(CELLS).fill(NOBODY);
  readonly functions: (Fn | undefined)[] = new Array(CELLS).fill(undefined);
  readonly bars: BarOnPage<Fn>[] = [];
  /** Present: the page traps. */
  heat: PageHeat<Fn> | undefined;

  constructor(
    address: number,
    locate: (address: number) => Location | undefined,
    functionOf: (location: Location) => Fn | undefined,
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

  /** Index of `KINDS` of an access, or `NOBODY`; `next`: the owners of the page behind. */
  kindOf(offset: number, width: Width, next: () => PageOwners<Fn>): number {
    const kind = this.kinds[offset >>> 3];
    const end = offset + width - 1;
    if (kind === NOBODY || end >>> 3 === offset >>> 3) return kind;
    const last = end < PAGE_SIZE ? this.kinds[end >>> 3] : next().kinds[0];
    return last === kind || last === NOBODY ? kind : STRADDLE;
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

/** Counts an access to each of its bytes. */
export function warm(counts: Uint32Array, offset: number, width: Width): void {
  // Bytes on the next page fall off the array's end.
  for (let index = 0; index < width; index++) counts[offset + index]++;
}
