import fc from 'fast-check';
import { expect, it } from 'vitest';
import { e820Table, legacyHole } from '../../src/regions/e820.js';

const range = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
  .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other) }));

it('is sorted, joined, covers every byte once, and reserved wins', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 4 }), fc.array(range, { maxLength: 4 }), (ram, reserved) => {
      const table = e820Table(ram, reserved);
      for (let byte = 0; byte < 40; byte++) {
        const inside = ({ start, end }: { start: number; end: number }) => start <= byte && byte < end;
        const types = table.filter(inside).map(({ type }) => type);
        expect(types).toEqual(reserved.some(inside) ? ['reserved'] : ram.some(inside) ? ['ram'] : []);
      }
      for (const [index, entry] of table.entries()) {
        expect(entry.start).toBeLessThan(entry.end);
        const next = table[index + 1];
        if (next) expect(next.start).toBeGreaterThanOrEqual(entry.end);
        if (next?.start === entry.end) expect(next.type).not.toBe(entry.type);
      }
    }),
    { numRuns: 500 },
  );
});

it('RAM is split around the legacy hole', () => {
  expect(e820Table([{ start: 0, end: 0x80000000 }], [legacyHole])).toEqual([
    { start: 0, end: 0x9fc00, type: 'ram' },
    { start: 0x9fc00, end: 0x100000, type: 'reserved' },
    { start: 0x100000, end: 0x80000000, type: 'ram' },
  ]);
});

it('misuse', () => {
  expect(() => e820Table([{ start: 2, end: 1 }], [{ start: 0, end: 2 ** 53 }])).toThrow(
    /^e820Table: range 0x2-0x1 is no range .*; e820Table: range 0x0-0x20000000000000/,
  );
});
