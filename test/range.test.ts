import { describe, expect, it, test } from 'vitest';
import { contains, pagesOf, touches } from '../src/range.js';

test.each([
  [0xfff, false],
  [0x1000, true],
  [0x101f, true],
  [0x1020, false],
])('[0x1000, 0x1020) has the byte %i: %s', (at, expected) => {
  expect(contains({ start: 0x1000, end: 0x1020 }, at)).toBe(expected);
});

describe('the pages of a range', () => {
  it.each([
    ['within one', 0x1010, 0x1020, [0x1000]],
    ['all of one', 0x1000, 0x2000, [0x1000]],
    ['across an edge by a byte', 0x1fff, 0x2001, [0x1000, 0x2000]],
    ['at the end of all addresses', 2 ** 52 - 1, 2 ** 52, [2 ** 52 - 4096]],
    ['empty, at an edge', 0x1000, 0x1000, []],
  ])('%s', (_, start, end, pages) => {
    expect(pagesOf({ start, end })).toEqual(pages);
  });

  it('are those that it touches', () => {
    const range = { start: 0x1fff, end: 0x3001 };
    const pages = [0, 0x1000, 0x2000, 0x3000, 0x4000].filter((page) => touches(range, page));
    expect(pages).toEqual(pagesOf(range));
  });
});
