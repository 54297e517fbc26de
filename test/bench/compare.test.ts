import { describe, expect, it } from 'vitest';
import type { Kept } from '../../bench/baseline.js';
import { compare, isSlower, linesOf, plotsOf } from '../../bench/compare.js';
import { kept } from './rows.js';

const MACHINE = { cpu: 'a processor, 2 cores', node: '20.20.2' };

const ACCESSES = ['table-read', 'table-write', 'pba-read', 'adjacent-read', 'adjacent-write'] as const;

/** Ten rows of rivals, of which one moved by `most`, one by 4 %, and the others not. */
const rivals = (most: number, functions = 64): Kept[] =>
  ACCESSES.flatMap((access, index) => {
    const row = (door: Kept['door'], factor: number) =>
      kept({ subject: 'linear list', door, access, functions }, [29 * factor, 30 * factor, 31 * factor]);
    return [row('js', index === 0 ? most : 1), row('native', index === 0 && most !== 1 ? 1.04 : 1)];
  });

describe('a comparison', () => {
  it('of equal runs has no change', () => {
    const rows = [kept({}, [1.5, 1.6, 1.7]), ...rivals(1)];
    expect(compare(rows, rows)).toEqual({ compared: 1, noise: [{ functions: 64, moved: 0 }], changes: [] });
  });

  it.each([
    ['slower', rivals(1), rivals(1.3)],
    ['faster', rivals(1.3), rivals(1)],
  ])('takes as noise what 9 of 10 rows of rivals moved by, which became %s', (_, before, now) => {
    const [{ moved }] = compare(before, now).noise;
    expect(moved).toBeCloseTo(0.3);
    const twice = (rows: Kept[]) => [...rows, ...rivals(1).map((row) => ({ ...row, vectors: 8 }))];
    expect(compare(twice(before), twice(now)).noise[0].moved).toBeCloseTo(0.04);
  });

  it('takes the noise of as many functions', () => {
    const at = (ratio: number) =>
      [64, 1024].map((functions) => kept({ functions }, [ratio - 0.01, ratio, ratio + 0.01]));
    const { noise, changes } = compare(
      [...at(1.6), ...rivals(1), ...rivals(1, 1024)],
      [...at(2), ...rivals(1.2), ...rivals(1.3, 1024)],
    );
    expect(noise.map(({ functions }) => functions)).toEqual([64, 1024]);
    expect(noise[0].moved).toBeCloseTo(0.2);
    expect(noise[1].moved).toBeCloseTo(0.3);
    expect(changes.map((change) => change.now.functions)).toEqual([64]);
  });

  it('takes neither floors nor Trapline itself as noise', () => {
    const before = [kept({ subject: 'floor' }, [1, 1, 1]), kept({}, [1, 1, 1])];
    const now = [kept({ subject: 'floor' }, [2, 2, 2]), kept({}, [3, 3, 3])];
    expect(compare(before, now)).toMatchObject({ compared: 1, noise: [] });
  });

  it.each([
    { what: 'apart, above', now: [1.8, 1.9, 2], factors: [1.9 / 1.6] },
    { what: 'apart, below', now: [1.2, 1.3, 1.4], factors: [1.3 / 1.6] },
    { what: 'touching above', now: [1.7, 2.1, 2.2], factors: [] },
    { what: 'touching below', now: [1, 1.1, 1.5], factors: [] },
    { what: 'over one another', now: [1.65, 2.1, 2.2], factors: [] },
  ] as const)('counts a row whose processes are $what', ({ now, factors }) => {
    const { changes } = compare([kept({}, [1.5, 1.6, 1.7])], [kept({}, now)]);
    expect(changes.map(({ factor }) => factor)).toEqual(factors);
  });

  it('counts no row that moved by less than the rivals did', () => {
    const before = [kept({}, [1.59, 1.6, 1.61]), kept({ access: 'pba-read' }, [1.59, 1.6, 1.61])];
    const now = [kept({}, [2, 2.05, 2.1]), kept({ access: 'pba-read' }, [2.1, 2.15, 2.2])];
    const { changes } = compare([...before, ...rivals(1)], [...now, ...rivals(1.3)]);
    expect(changes.map((change) => change.now.access)).toEqual(['pba-read']);
  });

  it('has the slowest change first', () => {
    const doors = ['js', 'wasm', 'native'] as const;
    const before = doors.map((door) => kept({ door }, [1, 1, 1]));
    const now = doors.map((door, index) => kept({ door }, [[0.5, 3, 2][index], [0.5, 3, 2][index], 3]));
    const { changes } = compare(before, [kept({ door: 'js' }, [0.5, 0.5, 0.5]), ...now.slice(1)]);
    expect(changes.map((change) => change.now.door)).toEqual(['wasm', 'native', 'js']);
  });

  it.each([
    ['access', { access: 'pba-read' }],
    ['door', { door: 'wasm' }],
    ['batch', { batch: 64 }],
    ['functions', { functions: 1 }],
    ['vectors', { vectors: 8 }],
  ] as const)('does not compare rows of another %s', (_, key) => {
    expect(compare([kept({}, [1, 1, 1])], [kept(key, [5, 5, 5])])).toMatchObject({
      compared: 0,
      changes: [],
    });
  });

  it('is slower when one row is, and not when all are faster', () => {
    const before = [kept({}, [1, 1, 1]), kept({ door: 'wasm' }, [1, 1, 1])];
    const at = (js: number, wasm: number) =>
      compare(before, [kept({}, [js, js, js]), kept({ door: 'wasm' }, [wasm, wasm, wasm])]);
    expect(isSlower(at(0.5, 2))).toBe(true);
    expect(isSlower(at(0.5, 0.6))).toBe(false);
    expect(isSlower(at(1, 1))).toBe(false);
  });
});

describe('what is measured again', () => {
  it('is each size of 1, 64 and 1024 functions that the baseline has, with its rings', () => {
    const rows = [
      kept({ functions: 1024 }, [1, 1, 1]),
      kept({ functions: 1024, door: 'ring', batch: 4 }, [1, 1, 1]),
      kept({ functions: 1024, door: 'ring', batch: 64 }, [1, 1, 1]),
      kept({ functions: 1024, door: 'ring', batch: 4, access: 'pba-read' }, [1, 1, 1]),
      kept({ functions: 64 }, [1, 1, 1]),
      kept({ functions: 8 }, [1, 1, 1]),
    ];
    expect(plotsOf({ ...MACHINE, rows })).toEqual([
      { functions: 64, vectors: 32, batches: [] },
      { functions: 1024, vectors: 32, batches: [4, 64] },
    ]);
  });

  it('is nothing with other numbers of vectors', () => {
    expect(plotsOf({ ...MACHINE, rows: [kept({ vectors: 8 }, [1, 1, 1])] })).toEqual([]);
  });
});

describe('what a reader is told', () => {
  const before = [
    kept({}, [1.5, 1.6, 1.7]),
    kept({ door: 'ring', batch: 64, functions: 1 }, [2, 2, 2]),
    kept({ subject: 'map of pages', functions: 1 }, [20, 20, 20]),
  ];
  const now = [
    kept({}, [1.8, 1.9, 2]),
    kept({ door: 'ring', batch: 64, functions: 1 }, [1, 1, 1]),
    kept({ subject: 'map of pages', functions: 1 }, [21, 21, 21]),
  ];

  it('is each change, with nanoseconds on the same machine', () => {
    expect(linesOf(compare(before, now), MACHINE, MACHINE)).toEqual([
      'Noise: rivals, whose code is the same, moved by up to 5 % with 1 function (9 of 10 rows).',
      'Beyond the noise, 2 of 2 rows of Trapline:',
      `  slower  ${'table read from JavaScript, 64 functions'.padEnd(60)}1.9 (1.8 to 2), before 1.6 (1.5 to 1.7) times the floor, 5.7 ns, before 4.8`,
      `  faster  ${'table read in a ring of 64, 1 function'.padEnd(60)}1 (1 to 1), before 2 (2 to 2) times the floor, 3 ns, before 6`,
    ]);
  });

  it.each([
    { ...MACHINE, cpu: 'another' },
    { ...MACHINE, node: '26.0.0' },
  ])('is that the baseline is of $cpu, Node $node, and ratios only', (other) => {
    const lines = linesOf(compare(before, now), other, MACHINE);
    expect(lines[0]).toBe(
      `The baseline is of another machine or Node (${other.cpu}; Node ${other.node}): only ratios to the floor compare.`,
    );
    expect(lines.slice(1).join('\n')).not.toContain(' ns');
  });

  it('is that nothing changed', () => {
    expect(linesOf(compare(before, before), MACHINE, MACHINE).at(-1)).toBe(
      'No change beyond the noise of 2 rows of Trapline.',
    );
  });
});
