import { PAGE_SIZE, pageOf } from './access.js';

/** Bytes [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export const contains = ({ start, end }: Range, at: number): boolean => at >= start && at < end;

/** Whether a range has bytes on a page, which is told by its address. */
export const touches = ({ start, end }: Range, page: number): boolean =>
  start < page + PAGE_SIZE && end > page;

/** Addresses of the pages that a range has bytes on. */
export function pagesOf({ start, end }: Range): number[] {
  const pages: number[] = [];
  for (let page = pageOf(start); page < end; page += PAGE_SIZE) pages.push(page);
  return pages;
}
