import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as boot } from '../../src/cli/boot.js';
import { run as replay } from '../../src/cli/replay.js';
import { InputError } from '../../src/input-error.js';
import { PASSED } from '../guest/steps.js';
import { temporaryFolder } from '../temporary.js';
import { catchPrinted, printed } from './printed.js';

const folder = temporaryFolder();

catchPrinted();

describe('trapline boot', () => {
  it('prints what the guest prints, then what replay says of the recording', async () => {
    const [path, report] = [join(folder, 'trace.txt'), join(folder, 'report.html')];
    expect(await boot(['--record', path, '--report', report])).toBe(0);
    const [guest, summary, ...rest] = printed.text.split(/\n\n(?=\S+: Linux mmiotrace|recording:|report:)/);
    expect(guest.split('\n')).toEqual(PASSED);
    expect(rest).toEqual([
      `recording: trapline replay ${path} --inventory ${path}.lspci`,
      `report: ${report}\n`,
    ]);
    expect(summary).toMatch(/^differences: 0, every read was answered as recorded$/m);

    printed.clear();
    const replayed = join(folder, 'replayed.html');
    expect(await replay([path, '--inventory', `${path}.lspci`, '--report', replayed])).toBe(0);
    expect(printed.text).toBe(`${summary}\n\nreport: ${replayed}\n`);
    expect(readFileSync(replayed, 'utf8')).toBe(readFileSync(report, 'utf8'));
  });

  it('writes no file unless it is asked to', async () => {
    expect(await boot([])).toBe(0);
    expect(printed.text).toMatch(/^the guest: Linux mmiotrace log; policy strict$/m);
    expect(printed.text).not.toMatch(/recording:|report:/);
  });

  it('has exit status 1 when the guest does not end in time', async () => {
    expect(await boot([], 1)).toBe(1);
    expect(printed.text).toBe('FAIL the guest did not end within 0.001 s\n');
  });

  it.each([
    ['an argument', ['guest.elf'], /Unexpected argument 'guest\.elf'/],
    ['an option that it does not have', ['--policy', 'xen'], /Unknown option '--policy'/],
    ['a report without a name', ['--report'], /--report <value>' argument missing/],
  ])('refuses %s', async (_what, args, message) => {
    await expect(boot(args)).rejects.toThrow(message);
    expect(printed.text).toBe('');
  });

  it.each(['--report', '--record'])('says in one line when %s cannot be written', async (option) => {
    const path = join(folder, 'no such folder', 'file');
    const error: unknown = await boot([option, path]).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toBe(`${option}: cannot write ${path}: ENOENT`);
  });
});

describe('the built program', () => {
  /** A copy of the package in a folder of its own, with these files of v86 beside it. */
  function installed(name: string, v86: Readonly<Record<string, string | Uint8Array>>) {
    const root = join(folder, name);
    mkdirSync(root);
    cpSync('dist', join(root, 'dist'), { recursive: true });
    cpSync('package.json', join(root, 'package.json'));
    for (const [path, content] of Object.entries(v86)) {
      mkdirSync(join(root, 'node_modules/v86/build'), { recursive: true });
      writeFileSync(join(root, 'node_modules/v86', path), content);
    }
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'dist/src/cli/main.js'), 'boot', '--report', join(root, 'report.html')],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr, hasReport: existsSync(join(root, 'report.html')) };
  }
  const v86 = {
    'package.json': readFileSync('node_modules/v86/package.json'),
    'build/libv86.mjs': readFileSync('node_modules/v86/build/libv86.mjs'),
    'build/v86.wasm': readFileSync('node_modules/v86/build/v86.wasm'),
  };

  it('boots the guest that it brings', () => {
    const { status, stdout, stderr, hasReport } = installed('whole', v86);
    expect([status, stderr, hasReport]).toEqual([0, '', true]);
    expect(stdout.split('\n').slice(0, PASSED.length)).toEqual(PASSED);
  });

  it('says in one line that v86 is missing', () => {
    expect(installed('without', {})).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'trapline boot: expected the package v86, 0.5.319 to 0.5.462, found none; npm install v86@0.5.462 brings it\n',
      hasReport: false,
    });
  });

  it('says in one line that v86 is of a version that it does not know', () => {
    // Magic and version of wasm: a module without imports and exports.
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const { status, stdout, stderr } = installed('other', { ...v86, 'build/v86.wasm': empty });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^trapline boot: attachV86: wasm: [^\n]* v86 0\.5\.319 to 0\.5\.462 fits\n$/);
  });
});
