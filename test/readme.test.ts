import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const examples = [...readFileSync('README.md', 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(
  ([, code]) => code,
);

it.each([
  ['first', 0, ['vector 0 sends 33 to 0xfee01004', 'abcd true']],
  ['second', 1, ['4000', 'pending 1n', 'vector 0 sends 65']],
  ['third', 2, ['8 true 1', '7c000000 7c000000']],
  ['fourth', 3, ['90 255 90']],
  ['fifth', 4, ['5a5a5a5a', '-1', 'fee00000 false']],
  ['sixth', 5, ['BAR 0 at 0xfe000000']],
  ['seventh', 6, ['true 5a', 'false', '00c0eefe000000004100000000000000']],
])('the %s example of the README prints what it says', (_, index, lines) => {
  const folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  try {
    const file = join(folder, 'example.mjs');
    const entry = (name = 'index') =>
      JSON.stringify(
        pathToFileURL(`dist/src/${existsSync(`src/hosts/${name}.ts`) ? 'hosts/' : ''}${name}.js`).href,
      );
    writeFileSync(
      file,
      examples[index]
        .replaceAll(/'trapline(?:\/([a-z0-9-]+))?'/g, (_, name) => entry(name))
        .replace("'v86'", JSON.stringify(import.meta.resolve('v86'))),
    );
    const output = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual(lines);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('there is no other example', () => {
  expect(examples).toHaveLength(7);
});
