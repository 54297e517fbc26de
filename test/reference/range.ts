import { PAGE_SIZE } from '../../src/access.js';

/** Bytes [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export const contains = (range: Range, address: number): boolean =>
  range.start <= address && address < range.end;

export const overlap = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

/** Some of the range lies on the page. */
export const touches = (range: Range, page: number): boolean =>
  range.start < page + PAGE_SIZE && page < range.end;

/** The pages that hold bytes of the range, ascending. */
export function pagesOf(range: Range): number[] {
  const pages: number[] = [];
  for (let page = range.start - (range.start % PAGE_SIZE); page < range.end; page += PAGE_SIZE) {
    pages.push(page);
  }
  return pages;
}
