import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { wayOfAnAccess } from '../docs/draw.mjs';

/** What each example of a document prints. */
const PRINTED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'README.md': [
    ['vector 0 sends 33 to 0xfee01004', 'abcd true'],
    ['5a5a5a5a', '-1', 'fee00000 false'],
  ],
  'docs/audit.md': [['90 255 90']],
  'docs/decisions.md': [],
  'docs/device-model.md': [
    ['4000', 'pending 1n', 'vector 0 sends 65'],
    ['sends 77', 'unaligned-read', 'map-failed-read', '1 0 4294967295', '0'],
  ],
  'docs/embedding.md': [
    ['BAR 0 at 0xfe000000'],
    ['true 5a', 'false', '00c0eefe000000004100000000000000'],
    ['8 true 1', '7c000000 7c000000'],
  ],
  'docs/how-it-works.md': [
    [
      'direct fe000000 2000',
      'trap fe002000 1000',
      'direct fe003000 1000',
      '100 direct',
      '2010 table',
      '2080 adjacent',
      '2800 pba',
    ],
  ],
  'docs/measuring.md': [],
  'docs/policies.md': [],
  'docs/threads.md': [['okay -1']],
};

const examplesOf = (document: string): string[] =>
  [...readFileSync(document, 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);

const entry = (name = 'index'): string =>
  JSON.stringify(
    pathToFileURL(`dist/src/${existsSync(`src/hosts/${name}.ts`) ? 'hosts/' : ''}${name}.js`).href,
  );

it('every document is here', () => {
  const documents = readdirSync('docs').filter((name) => name.endsWith('.md'));
  expect(Object.keys(PRINTED).sort()).toEqual(
    ['README.md', ...documents.map((name) => `docs/${name}`)].sort(),
  );
});

it('the picture is what draws it', () => {
  expect(readFileSync('docs/way-of-an-access.svg', 'utf8')).toBe(wayOfAnAccess());
});

describe('the map of CONTRIBUTING.md', () => {
  const rows = readFileSync('CONTRIBUTING.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) =>
    [...row.split(' | ')[0].matchAll(/`([^`]+)`/g)].map(([, path]) => path),
  );

  it('has every folder of src', () => {
    const folders = readdirSync('src', { withFileTypes: true }).filter((file) => file.isDirectory());
    expect(folders.map(({ name }) => `src/${name}/`).filter((folder) => !named.includes(folder))).toEqual([]);
  });

  it('names what is there', () => {
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((path) => !existsSync(path) && !existsSync(join('src', path)))).toEqual([]);
  });
});

describe.each(Object.entries(PRINTED))('%s', (document, printed) => {
  const examples = examplesOf(document);

  it('links to what is there', () => {
    const links = [...readFileSync(document, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)];
    const missing = links.filter(([, path]) => !existsSync(join(dirname(document), path)));
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  it(`has ${printed.length} examples`, () => {
    expect(examples).toHaveLength(printed.length);
  });

  it.each(printed.map((lines, index) => ({ number: index + 1, lines })))(
    'example $number prints what it says',
    ({ number, lines }) => {
      const folder = mkdtempSync(join(tmpdir(), 'trapline-'));
      try {
        const file = join(folder, 'example.mjs');
        writeFileSync(
          file,
          examples[number - 1]
            .replaceAll(/'trapline(?:\/([a-z0-9-]+))?'/g, (_, name) => entry(name))
            .replace("'v86'", JSON.stringify(import.meta.resolve('v86'))),
        );
        const output = execFileSync(process.execPath, [file], { encoding: 'utf8' });
        expect(output.trim().split('\n')).toEqual(lines);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
