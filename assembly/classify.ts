import {
  CELL_SIZE,
  DATA,
  ENTRY_SIZE,
  FLAGS,
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
  TABLE_ADDRESS,
  TABLE_DATA,
  UNCLAIMED_ACCESS,
  UNCLAIMED_CELL,
} from './layout';
import { pbaWidths, pbaWritable, splitsCrossing } from './policy';

/** Nothing is left to do: all ones, or dropped. */
export const DONE: i32 = 0;
/** Not an outcome: the span at `span` of a mixed page is a table that allows this access. */
export const IN_SPAN: i32 = -1;

/** The span that IN_SPAN speaks of: laid out as a leaf entry. */
export let span: usize = 0;

function cellOf(leaf: usize, offset: u32): u32 {
  return load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);
}

function spanOf(leaf: usize, offset: u32): usize {
  const cells: usize = load<u32>(leaf, PAGE);
  const index: usize = load<u16>(cells + (offset / CELL_SIZE) * 2);
  return cells + SPANS + index * ENTRY_SIZE;
}

function isTable(kind: u32): bool {
  return kind == TABLE_ADDRESS || kind == TABLE_DATA;
}

/** What becomes of an access that the fast path does not answer: an outcome with the mapped page's id, or DONE. */
export function classify(leaf: usize, offset: u32, width: u32, writes: bool): i32 {
  let kind = cellOf(leaf, offset);
  if (kind == UNCLAIMED_CELL || (width != 4 && width != 1 && width != 2 && width != 8)) return UNCLAIMED_ACCESS;
  const mixed = kind == MIXED;
  let owner = leaf;
  if (mixed) {
    owner = spanOf(leaf, offset);
    kind = load<u32>(owner, KINDS);
  }
  const page = load<u32>(owner, PAGE) << 8;
  const unaligned = (offset & (width - 1)) != 0;

  if (unaligned) {
    if (!splitsCrossing && isTable(kind)) return REFUSED | page;
    const last = offset + width - 1;
    if (last > 0xfff) return STRADDLE | page;
    const lastOwner = mixed ? spanOf(leaf, last) : leaf;
    const lastKind = mixed ? load<u32>(lastOwner, KINDS) : cellOf(leaf, last);
    const same =
      isTable(kind) && isTable(lastKind)
        ? load<u32>(lastOwner, FLAGS) == load<u32>(owner, FLAGS)
        : lastOwner == owner && lastKind == kind;
    if (!same) return STRADDLE | page;
  }

  if (kind == FORWARD || kind == PBA) {
    if (kind == PBA) {
      if (unaligned ? pbaWidths != 15 : !(pbaWidths & width)) return REFUSED | page;
      if (writes && !pbaWritable) return DONE;
    }
    if (!mixed) return (unaligned ? SPLIT : FORWARDED) | page;
    if (unaligned) return STRADDLE | page;
    store<u32>(OFFSET, (offset + load<u32>(owner, DATA)) & 0xfff);
    return FORWARDED_AT | page;
  }
  if (kind == NOBODY) return DONE;
  if (unaligned || !(kind & width)) return REFUSED | page;
  span = owner;
  return IN_SPAN;
}

/** `updated` byte of the entry stored at a pointer. */
export function updatedOf(owner: usize, pointer: usize): usize {
  return <usize>load<u32>(owner, FLAGS) + (pointer >> 4);
}
