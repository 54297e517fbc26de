import type { Width } from '../access.js';

/**
 * Whose an access is, by its bytes: `table`, `pba`; `adjacent`: neither, but in the same BAR on a page that holds some
 * of either; `straddle`: its bytes are of two kinds; `rom`: a ROM's copy has it; `region`: a region that is no BAR, of which
 * only a recording tells; `neighbour`: the page must trap, but for another BAR's sake; `direct`: the page needs no trap.
 */
export const KINDS = [
  'table',
  'pba',
  'adjacent',
  'straddle',
  'rom',
  'region',
  'neighbour',
  'direct',
] as const;
/** One of `KINDS`. */
export type Kind = (typeof KINDS)[number];

export const WIDTHS: readonly Width[] = [1, 2, 4, 8];

const CELLS = KINDS.length * 2 * WIDTHS.length;
const LOG2 = new Uint8Array([0, 0, 1, 0, 2, 0, 0, 0, 3]);

/** The accesses of one function by kind, direction and width. */
export class FunctionCounts {
  private readonly cells = new Float64Array(CELLS);
  private readonly odd = new Float64Array(KINDS.length);

  /** `kind` is an index of `KINDS`. */
  add(kind: number, write: boolean, width: Width, unaligned: boolean): void {
    this.cells[(kind * 2 + (write ? 1 : 0)) * WIDTHS.length + LOG2[width]]++;
    if (unaligned) this.odd[kind]++;
  }

  /** Reads or writes of a kind and width. */
  count(kind: Kind, write: boolean, width: Width): number {
    return this.cells[(KINDS.indexOf(kind) * 2 + (write ? 1 : 0)) * WIDTHS.length + LOG2[width]];
  }

  /** Reads of a kind, of any width. */
  reads(kind: Kind): number {
    return WIDTHS.reduce((sum, width) => sum + this.count(kind, false, width), 0);
  }

  /** Writes of a kind, of any width. */
  writes(kind: Kind): number {
    return WIDTHS.reduce((sum, width) => sum + this.count(kind, true, width), 0);
  }

  /** Accesses of a kind whose address is no multiple of their width. */
  unaligned(kind: Kind): number {
    return this.odd[KINDS.indexOf(kind)];
  }
}
