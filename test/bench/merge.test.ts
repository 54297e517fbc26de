import { describe, expect, it } from 'vitest';
import { merge } from '../../bench/merge.js';
import { measured, processOf } from './rows.js';

const SIZE = { functions: 64, vectors: 32 };

const lastOf = (processes: readonly ReturnType<typeof processOf>[], quiet = 1) =>
  merge(SIZE, processes, quiet).at(-1);

describe('rows of several processes', () => {
  it('are the medians, with the spread of the ratios', () => {
    const processes = [6, 9, 7.5].map((ns) => processOf([measured({}, ns)]));
    expect(lastOf(processes)).toEqual({
      ...{ subject: 'trapline', door: 'js', access: 'table-read', ...SIZE },
      ...{ ns: 7.5, ratio: 2.5, low: 2, high: 3, samples: 30, dropped: 0 },
    });
  });

  it('have each ratio to the floor of its own process', () => {
    const processes = [1, 2, 3].map((slow) => processOf([measured({}, 6 * slow)], 1, slow));
    expect(lastOf(processes)).toMatchObject({ ns: 12, ratio: 2, low: 2, high: 2 });
  });

  it.each([
    { door: 'js', access: 'table-read', floor: 3 },
    { door: 'js', access: 'table-write', floor: 5 },
    { door: 'ring', access: 'table-read', floor: 3 },
    { door: 'ring', access: 'adjacent-write', floor: 5 },
    { door: 'native', access: 'unaligned-read', floor: 3 },
    { door: 'native', access: 'table-write', floor: 5 },
    { door: 'wasm', access: 'pba-read', floor: 2 },
    { door: 'wasm', access: 'table-write', floor: 4 },
  ] as const)('compare $access by $door with $floor ns', ({ door, access, floor }) => {
    expect(lastOf([processOf([measured({ door, access }, 60)])])?.ratio).toBe(60 / floor);
  });

  it('leave out processes that the machine was not left to', () => {
    const processes = [processOf([measured({}, 6)]), processOf([measured({}, 60)], 1.2)];
    expect(lastOf(processes)).toMatchObject({ ns: 6, low: 2, high: 2, samples: 10 });
  });

  it('take all processes where it was left to none', () => {
    const processes = [6, 9, 12].map((ns) => processOf([measured({}, ns)], 2));
    expect(lastOf(processes)).toMatchObject({ ns: 9, low: 2, high: 4 });
  });

  it('leave out a process without a kept sample, and count its samples as dropped', () => {
    const processes = [processOf([measured({}, 6)]), processOf([measured({}, 60, 0, 8)])];
    expect(lastOf(processes)).toMatchObject({ ns: 6, low: 2, high: 2, samples: 10, dropped: 8 });
  });
});
