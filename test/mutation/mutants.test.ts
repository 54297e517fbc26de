import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EQUIVALENT, type Equivalent } from './equivalent.js';
import { mutantsOf } from './mutants.js';

const becomes = (line: string) => mutantsOf('a.ts', `${line}\n`).map((mutant) => mutant.becomes);

it.each([
  ['a === b;', ['a !== b;']],
  ['a < b;', ['a <= b;']],
  ['a >= b;', ['a > b;']],
  ['a + b - c;', ['a - b - c;', 'a + b + c;']],
  ['(a & b) | c;', ['(a | b) | c;', '(a & b) & c;']],
  ['a << 8;', ['a >> 8;', 'a << 9;']],
  ['a && !b;', ['a || !b;', 'a && b;']],
  ['a += ~b;', ['a -= ~b;', 'a += b;']],
  ['f(0, 7);', ['f(1, 7);', 'f(0, 8);']],
  ['a ^ 0xff0;', ['a | 0xff0;', 'a ^ 0xfe0;', 'a ^ 0x7f0;']],
  ['a & 0x80;', ['a | 0x80;', 'a & 0x0;']],
  ['const a: f64 = 4503599627370496.0;', ['const a: f64 = 4503599627370497.0;']],
  ['let a: bool = false;', ['let a: bool = true;']],
  ['let a = b;', []],
])('%s', (line, mutants) => {
  expect(becomes(line)).toEqual(mutants);
});

it('a mutant is the source with one change, and knows its function and line', () => {
  const text = 'const A = 1;\nfunction f(): i32 {\n  return g() + 1;\n}\n';
  const mutants = mutantsOf('a.ts', text);
  expect(mutants.map(({ function: name, line }) => [name, line])).toEqual([
    ['', 1],
    ['f', 3],
    ['f', 3],
  ]);
  expect(mutants[1].source).toBe(text.replace('+', '-'));
  expect([mutants[1].was, mutants[1].becomes]).toEqual(['return g() + 1;', 'return g() - 1;']);
});

it('the sources have hundreds, and every equivalent one is among them, once, with its reason', () => {
  const mutants = readdirSync('assembly')
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => mutantsOf(`assembly/${name}`, readFileSync(`assembly/${name}`, 'utf8')));
  expect(mutants.length).toBeGreaterThan(150);
  const keyOf = ({ file, function: name, was, becomes }: Omit<Equivalent, 'reason'>) =>
    `${file} ${name}: ${was} -> ${becomes}`;
  const keys = new Set(mutants.map(keyOf));
  for (const one of EQUIVALENT) expect(keys).toContain(keyOf(one));
  expect(new Set(EQUIVALENT.map(keyOf)).size).toBe(EQUIVALENT.length);
  expect(EQUIVALENT.every(({ reason }) => reason.endsWith('.'))).toBe(true);
});
