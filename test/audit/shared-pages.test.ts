import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sharedPages } from '../../src/audit/shared-pages.js';

const range = fc
  .record({ start: fc.nat(20 * 1024), size: fc.integer({ min: 1, max: 9000 }) })
  .map(({ start, size }) => ({ start, end: start + size }));

test.each([4096, 16384])(
  'pages of %i: those that a look at each page finds, with the same ranges',
  (pageSize) => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
        const expected = new Map<number, unknown>();
        for (let page = 0; page < 2 ** 15; page += pageSize) {
          const on = ranges.filter(({ start, end }) => start < page + pageSize && end > page);
          if (on.length > 1) expected.set(page, new Set(on));
        }
        const found = new Map<number, unknown>();
        for (const { start, end, items } of sharedPages(ranges, pageSize)) {
          for (let page = start; page < end; page += pageSize) {
            expect(found.has(page)).toBe(false);
            found.set(page, new Set(items));
          }
        }
        expect(found).toEqual(expected);
      }),
    );
  },
);
