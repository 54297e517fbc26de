import type { Range } from '../range.js';
import { roundDown, roundUp } from './ranges.js';

/** Pages, each with bytes of the same two or more items. */
export interface SharedPages<Item> extends Range {
  /** By start. */
  readonly items: readonly Item[];
}

/** Pages that several of these ranges have bytes on, ascending: a sweep over their first and last pages. */
export function sharedPages<Item extends Range>(
  items: readonly Item[],
  pageSize: number,
): SharedPages<Item>[] {
  const begins = [...items].sort((a, b) => a.start - b.start);
  const firstPage = ({ start }: Item) => roundDown(start, pageSize);
  const endPage = ({ end }: Item) => roundUp(end, pageSize);
  const ends = [...items].sort((a, b) => endPage(a) - endPage(b));
  const active = new Set<Item>();
  const shared: SharedPages<Item>[] = [];
  let [begun, ended, at] = [0, 0, 0];
  while (ended < ends.length) {
    const next = Math.min(
      begun < begins.length ? firstPage(begins[begun]) : Number.POSITIVE_INFINITY,
      endPage(ends[ended]),
    );
    if (active.size > 1) shared.push({ start: at, end: next, items: [...active] });
    while (ended < ends.length && endPage(ends[ended]) === next) active.delete(ends[ended++]);
    while (begun < begins.length && firstPage(begins[begun]) === next) active.add(begins[begun++]);
    at = next;
  }
  return shared;
}
