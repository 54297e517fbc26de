import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = 'test/regressions';
const rows = readFileSync(join(FOLDER, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what '))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

/** Files, each with the tests that are named behind it. */
const namedIn = (cell: string): { file: string; names: string[] }[] =>
  cell.split(/(?=\[[^\]]*\]\()/).flatMap((part) => {
    const [, file] = /^\[[^\]]*\]\((.*?)\)/.exec(part) ?? [];
    const names = [...part.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    return file ? [{ file: join(FOLDER, file), names }] : [];
  });

/** Of tests and of groups of them: the string that is followed by a function, or by options. */
function titlesOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const titles = source.matchAll(
    /(?:\b(?:it|test|describe)|\))\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"),\s*(?:async )?[({]/g,
  );
  return [...titles].map(([, single, double]) => (single ?? double).replace(/\\(.)/g, '$1'));
}

it('each row has a source on the left, and on the right a test or why there is none', () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const [wrong, shown, ...more] of rows) {
    expect(more).toEqual([]);
    expect(wrong).toMatch(/\]\(https:\/\/\S+\)/);
    const tests = namedIn(shown).flatMap(({ names }) => names);
    if (tests.length === 0) expect(shown).toMatch(/^Does not apply/);
  }
});

describe.each(rows.flatMap(([, shown]) => namedIn(shown)))('$file', ({ file, names }) => {
  it('is there and has the tests that are named, none of them left out', () => {
    expect([existsSync(file), names.length > 0]).toEqual([true, true]);
    expect(titlesOf(file)).toEqual(expect.arrayContaining(names));
    expect(readFileSync(file, 'utf8')).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|fails|only)\b/);
  });
});

it('every file of tests here is named', () => {
  const named = new Set(rows.flatMap(([, shown]) => namedIn(shown).map(({ file }) => file)));
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.test.ts') && name !== 'readme.test.ts');
  expect(files.filter((name) => !named.has(join(FOLDER, name)))).toEqual([]);
});
