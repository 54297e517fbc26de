import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RangeIndex } from '../src/range-index.js';

const range = fc
  .tuple(fc.integer({ min: 0, max: 64 }), fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 4096, 2 ** 40))
  .map(([start, length, unit]) => ({ start: start * unit, end: (start + length) * unit }));

test('finds what a search through all ranges finds, whatever was set anew or deleted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.option(range)), { maxLength: 60 }),
      range,
      (changes, asked) => {
        const index = new RangeIndex<number>();
        const all = new Map<number, { start: number; end: number }>();
        for (const [item, place] of changes) {
          if (place) {
            index.set(item, place);
            all.set(item, place);
          } else {
            index.delete(item);
            all.delete(item);
          }
        }
        const expected = [...all].filter(([, { start, end }]) => start < asked.end && end > asked.start);
        expect(index.touching(asked).sort()).toEqual(expected.map(([item]) => item).sort());
      },
    ),
  );
});
