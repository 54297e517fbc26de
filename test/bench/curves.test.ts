import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawCurves } from '../../bench/curves.js';
import type { Key, Row } from '../../bench/row.js';
import { faultOf } from './well-formed.js';

const SUBJECTS: readonly (readonly [Partial<Key>, string])[] = [
  [{ subject: 'linear list', door: 'js' }, 'TypeScript, linear list'],
  [{ subject: 'map of pages', door: 'js' }, 'TypeScript, Map of pages'],
  [{ subject: 'sorted ranges', door: 'js' }, 'TypeScript, sorted ranges'],
  [{ subject: 'linear list', door: 'native' }, 'C, linear list'],
  [{ subject: 'address blocks', door: 'js' }, 'closures by address block'],
  [{ subject: 'trapline', door: 'js' }, 'Trapline, from JavaScript'],
  [{ subject: 'trapline', door: 'wasm' }, 'Trapline, from wasm'],
  [{ subject: 'trapline', door: 'ring', batch: 64 }, 'Trapline, ring of 64'],
];
const NAMES = SUBJECTS.map(([, name]) => name).sort();

const row = (key: Partial<Row>): Row => ({
  ...{ subject: 'trapline', door: 'js', access: 'table-read', functions: 1, vectors: 32 },
  ...{ ns: 6, ratio: 2, low: 2, high: 2, samples: 9, dropped: 0 },
  ...key,
});

/** All subjects at some sizes, all of them at the same cost: no name could be further from where its line ends. */
const rows = (sizes: readonly Partial<Row>[], keys = SUBJECTS): Row[] =>
  keys.flatMap(([key]) => sizes.map((size) => row({ ...key, ...size })));

const SIZES = [1, 64, 16384].map((functions) => ({ functions }));
const WIDE = [1, 2048].map((vectors) => ({ functions: 64, vectors }));

interface Text {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** The texts of each chart. */
const textsOf = (svg: string): Text[][] =>
  svg
    .split('<g transform')
    .slice(1)
    .map((part) =>
      [...part.matchAll(/<text[^>]* x="([\d.]+)" y="([\d.]+)">([^<]*)</g)].map(([, x, y, text]) => ({
        x: Number(x),
        y: Number(y),
        text,
      })),
    );

const namesOf = (texts: readonly Text[]): Text[] => texts.filter(({ text }) => NAMES.includes(text));

describe('the curves', () => {
  const svg = drawCurves(rows([...SIZES, ...WIDE]));
  const charts = textsOf(svg);

  it('are well-formed', () => {
    expect(faultOf(svg)).toBeUndefined();
  });

  it('are two charts with every subject, by name', () => {
    expect(
      charts.map((texts) =>
        namesOf(texts)
          .map(({ text }) => text)
          .sort(),
      ),
    ).toEqual([NAMES, NAMES]);
  });

  it('keep names apart and inside the chart, though all lines end at one place', () => {
    for (const texts of charts) {
      const places = namesOf(texts)
        .map(({ y }) => y)
        .sort((one, other) => one - other);
      places.slice(1).forEach((place, index) => {
        expect(place - places[index]).toBeGreaterThanOrEqual(16.9);
      });
      expect(places[0]).toBeGreaterThan(30);
      expect(places.at(-1)).toBeLessThan(440);
    }
  });

  it('have the sizes along x, in their order', () => {
    const sizes = (texts: readonly Text[]) =>
      texts.filter(({ text }) => /^\d+$/.test(text)).sort((one, other) => one.x - other.x);
    expect(charts.map((texts) => sizes(texts).map(({ text }) => text))).toEqual([
      ['1', '64', '16384'],
      ['1', '32', '2048'],
    ]);
  });

  it('have a point for each row, and its figures in words', () => {
    expect(svg.match(/<circle/g)).toHaveLength(SUBJECTS.length * 6);
    expect(svg).toContain('Trapline, from JavaScript: 2 at 1, 2 at 64, 2 at 16384');
  });

  it('place ten times the cost as far above wherever they are', () => {
    const drawn = drawCurves([1, 10, 100].map((functions) => row({ functions, ratio: functions })));
    const [first, second, third] = [...drawn.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    for (const axis of [0, 1]) expect(third[axis] - second[axis]).toBeCloseTo(second[axis] - first[axis], 0);
    expect(second[0]).toBeGreaterThan(first[0]);
    expect(second[1]).toBeLessThan(first[1]);
  });

  it('leave out what was not measured: C where there is no compiler', () => {
    const without = SUBJECTS.filter(([{ door }]) => door !== 'native');
    const drawn = drawCurves(rows([...SIZES, ...WIDE], without));
    expect(faultOf(drawn)).toBeUndefined();
    expect(drawn).not.toContain('C, linear list');
    expect(drawn).toContain('Trapline, from wasm');
  });

  it('have only table reads, and of the ring only 64', () => {
    const others = [
      row({ functions: 4, access: 'pba-read' }),
      row({ functions: 8, door: 'ring', batch: 4 }),
      row({ functions: 16, subject: 'floor', access: 'read' }),
    ];
    expect(drawCurves([...rows([...SIZES, ...WIDE]), ...others])).toBe(svg);
  });
});

it('the picture of the README is well-formed and has all subjects', () => {
  const svg = readFileSync('docs/curves.svg', 'utf8');
  expect(faultOf(svg)).toBeUndefined();
  expect(
    textsOf(svg).map((texts) =>
      namesOf(texts)
        .map(({ text }) => text)
        .sort(),
    ),
  ).toEqual([NAMES, NAMES]);
  expect(readFileSync('README.md', 'utf8').includes('](docs/curves.svg)')).toBe(true);
});

describe('well-formedness', () => {
  it.each([
    ['<a><b/></a>', undefined],
    ['<a b="c">d &amp; &#60;</a>\n', undefined],
    ['<a>', '<a> has no end'],
    ['<a></b>', '</b> ends nothing at 3'],
    ['<a><b></a></b>', '</a> ends nothing at 6'],
    ['<a/><b/>', 'a second root at 4'],
    ['<a>b & c</a>', 'a bare & at 3'],
    ['<a b="c&d"/>', 'a bare & at 0'],
    ['<a b="1" b="2"/>', 'an attribute twice at 0'],
    ['<a b=c/>', 'no markup at 0: <a b=c/>'],
    ['<a/>b', 'text outside of the root at 4'],
    ['', 'no root'],
  ])('of %s', (xml, fault) => {
    expect(faultOf(xml)).toBe(fault);
  });
});
