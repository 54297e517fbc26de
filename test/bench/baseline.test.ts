import { describe, expect, it } from 'vitest';
import { formatBaseline, parseBaseline, readBaseline } from '../../bench/baseline.js';
import { plotsOf } from '../../bench/compare.js';
import { COMPARED } from '../../bench/sizes.js';
import { InputError } from '../../src/input-error.js';
import { kept } from './rows.js';

const MACHINE = { cpu: 'a "processor", 2 cores', node: '20.20.2' };
const ROW = kept({ door: 'ring', batch: 64 }, [1.5, 1.6, 1.7]);
const HOW = '; `npm run bench -- --save FILE` writes a baseline';

const failing = (value: unknown): string => {
  try {
    parseBaseline('x.json', typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  return 'none';
};

describe('a baseline', () => {
  it('reads back as it was written, to four digits', () => {
    const rows = [ROW, kept({ subject: 'floor', access: 'storing write' }, [1.23456, 12.3456, 123456])];
    expect(parseBaseline('x.json', formatBaseline({ ...MACHINE, rows }))).toEqual({
      ...MACHINE,
      rows: [
        { ...ROW, ns: 4.8 },
        { ...rows[1], ns: 37.04, low: 1.235, ratio: 12.35, high: 123500 },
      ],
    });
  });

  it('has a line a row', () => {
    expect(
      formatBaseline({ ...MACHINE, rows: [ROW, ROW] })
        .trim()
        .split('\n'),
    ).toHaveLength(4);
  });

  it.each([
    ['not JSON', '{'],
    ['not an object', []],
    ['not an object', null],
    ['names no cpu or no node', { ...MACHINE, cpu: 1, rows: [ROW] }],
    ['names no cpu or no node', { cpu: 'a', rows: [ROW] }],
    ['has no rows', { ...MACHINE }],
    ['has no rows', { ...MACHINE, rows: [] }],
    ['has no rows', { ...MACHINE, rows: {} }],
    ['row 1: not an object', { ...MACHINE, rows: [ROW, 5] }],
    ['row 0: subject is not a string', { ...MACHINE, rows: [{ ...ROW, subject: 1 }] }],
    ['row 0: door is not a string', { ...MACHINE, rows: [{ ...ROW, door: undefined }] }],
    ['row 0: access is not a string', { ...MACHINE, rows: [{ ...ROW, access: null }] }],
    ['row 0: functions is not a positive number', { ...MACHINE, rows: [{ ...ROW, functions: 0 }] }],
    ['row 0: vectors is not a positive number', { ...MACHINE, rows: [{ ...ROW, vectors: '32' }] }],
    ['row 0: ns is not a positive number', { ...MACHINE, rows: [{ ...ROW, ns: -1 }] }],
    ['row 0: ratio is not a positive number', { ...MACHINE, rows: [{ ...ROW, ratio: null }] }],
    ['row 0: low is not a positive number', { ...MACHINE, rows: [{ ...ROW, low: undefined }] }],
    ['row 0: high is not a positive number', { ...MACHINE, rows: [{ ...ROW, high: [] }] }],
    ['row 0: batch is not a positive number', { ...MACHINE, rows: [{ ...ROW, batch: '1' }] }],
  ])('is refused with one line: %s', (line, value) => {
    expect(failing(value)).toBe(`x.json: ${line}${HOW}`);
  });

  it('that is not there is refused', () => {
    expect(() => readBaseline('test/bench/none.json')).toThrow(
      'test/bench/none.json: cannot be read (ENOENT)',
    );
  });

  it('of this repository has all that is compared, and rivals to compare with', () => {
    const baseline = readBaseline('bench/baseline.json');
    expect(plotsOf(baseline).map(({ functions }) => functions)).toEqual(COMPARED);
    const subjects = new Set(baseline.rows.map(({ subject, door }) => `${subject}, ${door}`));
    expect([...subjects]).toEqual(
      expect.arrayContaining([
        'trapline, js',
        'trapline, wasm',
        'trapline, ring',
        'linear list, js',
        'linear list, native',
        'map of pages, js',
        'sorted ranges, js',
        'address blocks, js',
      ]),
    );
  });
});
