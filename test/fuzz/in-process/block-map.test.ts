import { expect, it } from 'vitest';
import { BlockMap } from './block-map.js';

const counts = (count: number) => [Uint8Array.of(0, count), Uint8Array.of(0, 0)];

it.each([[[1], [2], [3], [4, 5, 7], [8, 15], [16, 31], [32, 127], [128, 255]]])(
  'counts of a bucket are alike, those of two are not',
  (...buckets) => {
    const map = new BlockMap(2, 2);
    for (const [first, ...rest] of buckets) {
      expect(map.add(counts(first)), `${first}`).toBe(true);
      for (const count of [first, ...rest]) expect(map.add(counts(count)), `${count}`).toBe(false);
    }
  },
);

it('tells of cores and blocks apart', () => {
  const map = new BlockMap(2, 2);
  expect(map.blocks).toEqual([false, false]);
  const [one, both] = [counts(1), [Uint8Array.of(0, 1), Uint8Array.of(0, 4)]];
  map.add(one);
  expect(map.blocks).toEqual([false, true]);
  expect(map.news(both)).toEqual([{ core: 1, block: 1, bucket: 8 }]);
  expect(map.hasAll(map.news(both), both)).toBe(true);
  expect(map.hasAll(map.news(both), one)).toBe(false);
  expect(map.add(both)).toBe(true);
  expect(map.news(both)).toEqual([]);
});
