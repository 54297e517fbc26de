import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { run as audit } from '../../src/cli/audit.js';
import { InputError } from '../../src/input-error.js';
import { temporaryFolder } from '../temporary.js';
import { catchPrinted, printed } from './printed.js';

catchPrinted();

const folder = temporaryFolder();

const EXAMPLE1 = 'test/fixtures/small-bars/example1.txt';
const EXAMPLE2 = 'test/fixtures/small-bars/example2.txt';

const json = async (...args: string[]) => {
  await audit([...args, '--json']);
  return JSON.parse(printed.text);
};
const codes = (result: { findings: { code: string }[] }) => result.findings.map(({ code }) => code);
const fault = async (...args: string[]): Promise<string> => {
  const error = await audit(args).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
};

describe('the two machines of the small BARs thread', () => {
  it('example 1', async () => {
    const result = await json(EXAMPLE1);
    expect(codes(result).filter((code) => code !== 'F10')).toEqual(['F1', 'F1', 'F2', 'F4', 'F4', 'F5']);
    expect(result.plan.moves).toEqual([
      { function: '0000:01:00.0', index: 0, from: 0xd1924600, to: 0xd1926000, size: 256 },
      { function: '0000:01:00.0', index: 1, from: 0xd1924400, to: 0xd1925000, size: 512 },
    ]);
    expect(result.plan.option).toBe('pci=resource_alignment=12@01:00.0');
  });

  it('example 2', async () => {
    const result = await json(EXAMPLE2);
    expect(codes(result).filter((code) => code !== 'F10')).toEqual(['F1', 'F1', 'F3']);
    expect(result.groups.map(({ functions }: { functions: string[] }) => functions)).toEqual([
      ['0000:01:00.0', '0000:01:01.0', '0000:01:02.0'],
      ['0000:01:03.0'],
    ]);
    expect(result.plan.option).toBe('pci=resource_alignment=12@01:00.0;12@01:01.0;12@01:02.0');
    expect(result.plan.groups).toHaveLength(4);
  });
});

describe('exit status', () => {
  it.each([
    [EXAMPLE2, 'info', 1],
    [EXAMPLE2, 'warning', 1],
    [EXAMPLE2, 'high', 1],
    [EXAMPLE2, 'none', 0],
    [EXAMPLE1, 'warning', 1],
    [EXAMPLE1, 'high', 0],
  ])('%s with --fail-on %s: %i', async (file, level, status) => {
    expect(await audit([file, '--fail-on', level])).toBe(status);
  });
});

describe('options', () => {
  it('--page-size', async () => {
    const { pageSize, findings } = await json(EXAMPLE2, '--page-size', '65536');
    expect(pageSize).toBe(65536);
    expect(findings.filter(({ code }: { code: string }) => code === 'F3')).toHaveLength(2);
  });

  it('--together', async () => {
    const alone = await json('test/fixtures/m2/lspci.txt');
    printed.clear();
    const together = await json('test/fixtures/m2/lspci.txt', '--together', 'intx,reset');
    expect(together.groups.length).toBeLessThan(alone.groups.length);
  });

  it('--host names the machine; a pasted one has no name', async () => {
    expect((await json(EXAMPLE2)).host).toBe(null);
    printed.clear();
    expect((await json(EXAMPLE2, '--host', 'node7')).host).toBe('node7');
  });

  it('--json is one line, so that those of a fleet concatenate', async () => {
    await audit([EXAMPLE1, '--json']);
    await audit([EXAMPLE2, '--json']);
    const lines = printed.text.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).schema)).toEqual(['trapline-audit', 'trapline-audit']);
  });

  it('--report writes the page and names it', async () => {
    const path = join(folder, 'audit.html');
    await audit([EXAMPLE2, '--report', path]);
    expect(readFileSync(path, 'utf8')).toContain('<title>PCI audit - trapline audit</title>');
    expect(printed.text).toContain(`\nreport: ${path}\n`);
  });

  it.each([
    ['--page-size', '8192', '--page-size: expected 4096, 16384, 65536, got 8192'],
    ['--page-size', '4K', '--page-size: expected 4096, 16384, 65536, got 4K'],
    ['--fail-on', 'error', '--fail-on: expected info, warning, high or none, got error'],
    ['--together', 'intx,bus', '--together: expected intx, reset, sriov, got bus'],
    ['--report', '/nowhere/audit.html', '--report: cannot write /nowhere/audit.html: ENOENT'],
  ])('%s %s is refused', async (option, value, message) => {
    expect(await fault(EXAMPLE2, option, value)).toBe(message);
  });
});

describe('sources', () => {
  it.each(['m1', 'm2', 'm3'])('%s: what lspci prints and its configuration spaces merge', async (name) => {
    const dump = join(folder, `${name}.txt`);
    writeFileSync(dump, gunzipSync(readFileSync(`test/fixtures/${name}/lspci-xxxx.txt.gz`)));
    const text = await json(`test/fixtures/${name}/lspci.txt`);
    printed.clear();
    const both = await json(dump, `test/fixtures/${name}/lspci.txt`);
    expect(codes(both)).toEqual(codes(text));
  });

  it('standard input, as -', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      ['dist/src/cli/main.js', 'audit', '-', '--json', '--fail-on', 'none'],
      { input: readFileSync(EXAMPLE2), encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout).functions).toBe(4);
  });

  it('the running machine has this host’s name', async () => {
    await audit(['--json', '--fail-on', 'none']).then(
      () => expect(JSON.parse(printed.text).host).toBe(hostname()),
      (error) => expect(error.message).toMatch(/no function/),
    );
  });
});

describe('bad input: one line, exit status 2', () => {
  const sparse = (name: string, size: number) => {
    const path = join(folder, name);
    const file = openSync(path, 'w');
    ftruncateSync(file, size);
    closeSync(file);
    return path;
  };
  const made = (name: string, bytes: string | Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  it.each([
    ['an empty file', () => made('empty', '')],
    [
      'a binary file',
      () => made('binary', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 37) & 0xff))),
    ],
    ['zeros', () => sparse('zeros', 2 ** 20)],
    ['200 MB', () => sparse('large', 200e6)],
    ['a text without functions', () => made('text', 'hello\nworld\n')],
    ['no such file', () => join(folder, 'missing')],
    ['a folder', () => folder],
  ])('%s', (_, path) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--max-old-space-size=64', 'dist/src/cli/main.js', 'audit', path()],
      { encoding: 'utf8' },
    );
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^trapline audit: .+\n$/);
    expect(stderr.length).toBeLessThan(300);
  });
});
