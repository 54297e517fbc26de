import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

it('the example of the README prints what it says', () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) as RegExpExecArray;
  const folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  try {
    const file = join(folder, 'example.mjs');
    writeFileSync(
      file,
      example.replace("'trapline'", JSON.stringify(pathToFileURL('dist/src/index.js').href)),
    );
    const output = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual(['vector 0 sends 33 to 0xfee01004', 'abcd true']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
