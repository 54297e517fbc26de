import { expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import { mutantsOf } from './mutants.js';
import { selected } from './selection.js';

const NAMES = ['a.ts', 'b.ts'];
const mutants = NAMES.flatMap((name) => mutantsOf(`assembly/${name}`, 'a === b;\nc === d;\n'));
const numbers = (...args: string[]) => selected(args, mutants, NAMES).map(([number]) => number);

it.each([
  [[], [0, 1, 2, 3]],
  [
    ['--from', '1'],
    [1, 2, 3],
  ],
  [
    ['--count', '2'],
    [0, 1],
  ],
  [
    ['--from', '1', '--count', '2'],
    [1, 2],
  ],
  [['--from', '4'], []],
  [
    ['--only', '3,0'],
    [0, 3],
  ],
  [
    ['--file', 'b'],
    [2, 3],
  ],
  [['--file', 'b', '--only', '1,2'], [2]],
  [
    ['--file', 'b', '--file', 'a'],
    [0, 1, 2, 3],
  ],
])('%j selects %j', (args, expected) => {
  expect(numbers(...args)).toEqual(expected);
});

it.each([
  [['--file', 'c'], '--file c: no assembly/c.ts'],
  [['--file', 'a.ts'], '--file a.ts: no assembly/a.ts.ts'],
  [['--from', 'x'], "--from x is not a mutant's number"],
  [['--count', '1.5'], "--count 1.5 is not a mutant's number"],
  [['--only', '1,b'], "--only b is not a mutant's number"],
  [['--only', '1,'], "--only  is not a mutant's number"],
  [['--from', '-1'], "Option '--from' argument is ambiguous"],
  [['--more'], "Unknown option '--more'"],
])('%j is refused in one line', (args, message) => {
  expect(() => numbers(...args)).toThrow(new InputError(message));
});
