import { cells } from './cells';
import {
  CELL_SIZE,
  CLASS,
  DATA,
  ENTRY_SIZE,
  FORWARD,
  FORWARDED,
  FORWARDED_AT,
  KINDS,
  MIXED,
  NOBODY,
  OFFSET,
  PAGE,
  PBA,
  REFUSED,
  SPANS,
  SPLIT,
  STRADDLE,
  TABLE,
  UNCLAIMED_ACCESS,
  UNCLAIMED_CELL,
} from './layout';
import { pbaWritable, splitsCrossing } from './policy';

/** Nothing is left to do: all ones, or dropped. */
export const DONE: i32 = 0;
/** Not an outcome: the span at `span` of a mixed page is a table that allows this access. */
export const IN_SPAN: i32 = -1;

/** The span that IN_SPAN speaks of: laid out as a leaf entry. */
export let span: usize = 0;

/** What becomes of an access that the fast path does not answer: an outcome with the mapped page's id, or DONE. */
export function classify(leaf: usize, kind: u32, offset: u32, width: u32, writes: bool): i32 {
  if (kind === UNCLAIMED_CELL || !isWidth(width)) return UNCLAIMED_ACCESS;
  const page = load<u32>(leaf, PAGE) << 8;
  if (offset & (width - 1)) {
    const lastKind = kindInPage(leaf, offset + width - 1);
    if (lastKind === FORWARD && kind === FORWARD) return SPLIT | page;
    if (kind === MIXED) return STRADDLE | (load<u32>(spanOf(leaf, offset), PAGE) << 8);
    if (!splitsCrossing && kind & TABLE) return REFUSED | page;
    if (lastKind !== kind && !(lastKind & kind & TABLE)) return STRADDLE | page;
    return unaligned(kind, page, writes);
  }
  return kind === MIXED ? classifyMixed(leaf, offset, width, writes) : aligned(kind, page, width, writes);
}

/** Kind of the cell at an offset; unclaimed past the page. */
function kindInPage(leaf: usize, offset: u32): u32 {
  return offset > 0xfff ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);
}

/** An aligned access has one owner. */
function aligned(kind: u32, page: i32, width: u32, writes: bool): i32 {
  if ((kind & CLASS) === NOBODY) return DONE;
  if (!(kind & width)) return REFUSED | page;
  if ((kind & CLASS) === PBA && writes && !pbaWritable) return DONE;
  return FORWARDED | page;
}

/** An unaligned access whose bytes have one owner: split where single bytes are allowed. */
function unaligned(kind: u32, page: i32, writes: bool): i32 {
  if ((kind & CLASS) === NOBODY) return DONE;
  if (!(kind & 1)) return REFUSED | page;
  if ((kind & CLASS) === PBA && writes && !pbaWritable) return DONE;
  return SPLIT | page;
}

function classifyMixed(leaf: usize, offset: u32, width: u32, writes: bool): i32 {
  const owner = spanOf(leaf, offset);
  const kind = load<u32>(owner, KINDS);
  const page = load<u32>(owner, PAGE) << 8;
  if (kind & TABLE && kind & width) {
    span = owner;
    return IN_SPAN;
  }
  const outcome = aligned(kind, page, width, writes);
  if ((outcome & 0xff) !== FORWARDED) return outcome;
  store<u32>(cells(), (offset + load<u32>(owner, DATA)) & 0xfff, OFFSET);
  return FORWARDED_AT | page;
}

/** The span of a mixed page that an offset lies in: laid out as a leaf entry, but for DATA of forwarded bytes and KINDS. */
export function spanOf(leaf: usize, offset: u32): usize {
  const cells: usize = load<u32>(leaf, PAGE);
  const index: usize = load<u16>(cells + (offset / CELL_SIZE) * 2);
  return cells + SPANS + index * ENTRY_SIZE;
}

/** 1, 2, 4 or 8. */
function isWidth(width: u32): bool {
  return width < 9 && ((0x116 >> width) & 1) !== 0;
}
