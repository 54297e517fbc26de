import { expect, it } from 'vitest';
import type { Block } from './counters.js';
import { judge, type Place } from './judge.js';
import { lcovOf } from './lcov.js';
import { tableOf } from './table.js';

const place = (file: string, text: string, count: number, name?: string): Place => ({
  file,
  line: 1,
  text,
  count,
  ...(name !== undefined && { function: name }),
});
const places = [
  place('assembly/a.ts', 'return 1', 0, 'f'),
  place('assembly/a.ts', 'return 1', 0, 'g'),
  place('assembly/a.ts', 'return 2', 3, 'g'),
  place('src/pci/deep/b.ts', 'x();', 0),
  place('src/pci/b.ts', 'x();', 1),
  place('src/c.ts', 'y();', 0),
];
const reason = 'why';

it('what never ran and is not excused is missing', () => {
  const { missing, excused, idle } = judge(places, []);
  expect(missing).toEqual(places.filter(({ count }) => count === 0));
  expect([excused, idle]).toEqual([[], []]);
});

it.each([
  ['a file', { file: 'assembly/a.ts', reason }, [0, 1]],
  ['a function', { file: 'assembly/a.ts', function: 'g', reason }, [1]],
  ['a line', { file: 'src/c.ts', text: 'y();', reason }, [5]],
  ['a line of a function', { file: 'assembly/a.ts', function: 'f', text: 'return 1', reason }, [0]],
])('%s is excused', (_, excuse, which) => {
  const { missing, excused, idle } = judge(places, [excuse]);
  expect(excused).toEqual(which.map((index) => places[index]));
  expect(missing).toHaveLength(4 - which.length);
  expect(idle).toEqual([]);
});

it.each([
  ['what ran', { file: 'assembly/a.ts', text: 'return 2', reason }],
  ['a file that ran', { file: 'src/pci/b.ts', reason }],
  ['a line that is not there', { file: 'src/c.ts', text: 'z();', reason }],
  ['a file that is not there', { file: 'src/d.ts', reason }],
  ['a function that is not there', { file: 'assembly/a.ts', function: 'h', reason }],
])('an excuse of %s is idle', (_, excuse) => {
  expect(judge(places, [excuse]).idle).toEqual([excuse]);
});

it('the table has a row for a folder', () => {
  const table = tableOf(places, judge(places, [{ file: 'src/c.ts', reason }]));
  expect(table.split('\n').map((row) => row.split(/ {2,}/))).toEqual([
    ['', 'ran', 'excused', 'missing', 'of'],
    ['assembly (blocks)', '1', '0', '2', '3'],
    ['src', '0', '1', '0', '1'],
    ['src/pci', '1', '0', '1', '2'],
  ]);
});

it('the records of LCOV have functions, branches and lines', () => {
  const block = (kind: string, line: number): Block => ({
    ...{ file: 'assembly/a.ts', function: 'f', kind, line, column: 1, text: '' },
  });
  const blocks = [block('function', 3), block('if', 5), block('else', 5)];
  const lines = new Map([
    [
      'assembly/a.ts',
      new Map([
        [5, 0],
        [3, 0],
        [6, 1],
      ]),
    ],
    ['assembly/empty.ts', new Map<number, number>()],
  ]);
  expect(lcovOf({ blocks, lines }, [7, 0, 7]).split('\n')).toEqual([
    ...['SF:assembly/a.ts', 'FN:3,f', 'FNDA:7,f', 'FNF:1', 'FNH:1'],
    ...['BRDA:5,0,0,0', 'BRDA:5,0,1,7', 'BRF:2', 'BRH:1'],
    ...['DA:3,7', 'DA:5,7', 'DA:6,0', 'LF:3', 'LH:2', 'end_of_record'],
    ...['SF:assembly/empty.ts', 'FNF:0', 'FNH:0', 'BRF:0', 'BRH:0', 'LF:0', 'LH:0', 'end_of_record', ''],
  ]);
});
