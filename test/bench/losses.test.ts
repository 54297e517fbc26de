import { describe, expect, it } from 'vitest';
import { lossesOf } from '../../bench/losses.js';
import type { Row } from '../../bench/row.js';

const row = (key: Partial<Row>): Row => ({
  ...{ subject: 'trapline', door: 'js', access: 'table-read', functions: 1, vectors: 32 },
  ...{ ns: 6, ratio: 2, low: 2, high: 2, samples: 9, dropped: 0 },
  ...key,
});

describe('a loss', () => {
  it.each([
    { rival: 'a faster one', key: { subject: 'address blocks', ns: 5.9 }, lost: true },
    { rival: 'a faster native one', key: { subject: 'linear list', door: 'native', ns: 5 }, lost: true },
    { rival: 'one as fast', key: { subject: 'map of pages', ns: 6 }, lost: false },
    { rival: 'a slower one', key: { subject: 'map of pages', ns: 60 }, lost: false },
    { rival: 'another access', key: { subject: 'map of pages', access: 'pba-read', ns: 1 }, lost: false },
    { rival: 'more functions', key: { subject: 'map of pages', functions: 8, ns: 1 }, lost: false },
    { rival: 'more vectors', key: { subject: 'map of pages', vectors: 64, ns: 1 }, lost: false },
    { rival: 'Trapline by another door', key: { door: 'wasm', ns: 1 }, lost: false },
    { rival: 'the floor', key: { subject: 'floor', ns: 1 }, lost: false },
    { rival: 'a producer', key: { subject: 'producer', door: 'ring', ns: 1 }, lost: false },
  ] as const)('to $rival: $lost', ({ key, lost }) => {
    const [ours, other] = [row({}), row(key)];
    expect(lossesOf([ours, other])).toEqual(lost ? [{ rival: other, ours }] : []);
  });

  it('is one with the door from JavaScript only', () => {
    expect(lossesOf([row({ door: 'wasm' }), row({ subject: 'map of pages', ns: 1 })])).toEqual([]);
  });
});
