import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packed } from './tarball.js';

const MANDOC = '/usr/bin/mandoc';

let prefix: string;
let page: string;

beforeAll(() => {
  expect(existsSync(MANDOC), `${MANDOC} is missing: apt-get install mandoc`).toBe(true);
  prefix = mkdtempSync(join(tmpdir(), 'trapline-'));
  const install = ['install', '--global', '--prefix', prefix, '--silent', '--no-audit', '--no-fund'];
  execFileSync('npm', [...install, packed(prefix)]);
  page = join(prefix, 'share/man/man1/trapline.1');
});
afterAll(() => rmSync(prefix, { recursive: true, force: true }));

it('is where man looks for it once the package is installed globally', () => {
  expect(existsSync(page)).toBe(true);
});

it('is troff that mandoc has nothing against, but that it has no date: it is that of its version', () => {
  const { stdout } = spawnSync(MANDOC, ['-T', 'lint', '-W', 'warning', page], { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'));
  expect(lines).toEqual([]);
});

it('reads as it should', () => {
  const text = execFileSync(MANDOC, ['-T', 'ascii', '-O', 'width=100', page], {
    encoding: 'utf8',
  }).replaceAll(/.[\b]/g, '');
  expect(text).toMatch(/^NAME\n {7}trapline - says what becomes of /m);
  expect(text).toMatch(/^ {7}trapline replay FILE --inventory lspci\.txt \[options\]$/m);
  expect(text).toMatch(/^ {7}--inventory FILE\n {14}output of lspci -vvv of the same machine/m);
  expect(text).toMatch(
    /^ {7}\$ trapline conform \S+\n {7}conform: 6 scenarios, 44 steps, 0 mismatches\n\n {7}Exit status/m,
  );
});
