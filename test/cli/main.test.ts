import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

// The built program: `npm test` builds first.
const MAIN = 'dist/src/cli/main.js';

function trapline(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('trapline', () => {
  it('--help and --version', () => {
    expect(trapline('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('conform'),
      stderr: '',
    });
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(trapline('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints the help of a command, whatever else it is told', () => {
    const help = trapline('replay', '--help');
    expect(help).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^usage: trapline replay /),
    });
    expect(trapline('replay', '-h')).toEqual(help);
    expect(trapline('replay', 'none', '--what', '--help')).toEqual(help);
  });

  it('runs its commands', () => {
    const { status, stdout } = trapline(
      'replay',
      'test/fixtures/m3/mmiotrace.txt.gz',
      '--inventory',
      'test/fixtures/m3/lspci.txt',
      '--json',
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout).differences).toBe(0);
  });

  it.each([
    [[], /^trapline: expected a command/],
    [['rewind'], /^trapline: no command "rewind"/],
    [['toString'], /^trapline: no command/],
    [['replay'], /^trapline replay: expected one FILE, got 0$/],
    [['conform', '--polcy', 'xen'], /^trapline conform: Unknown option '--polcy'/],
    [['replay', '--what'], /^trapline replay: Unknown option '--what'/],
    [['replay', '--json=1', 'x'], /^trapline replay: Option '--json' does not take an argument/],
    [['opregion'], /^trapline opregion: expected one FILE, got 0$/],
    [
      ['opregion', 'package.json'],
      /^trapline opregion: package.json: expected an OpRegion, which begins with/,
    ],
    [['replay', 'none', '--inventory', 'none'], /^trapline replay: none: no such file$/],
  ])('%j ends in one line and status 2', (args, message) => {
    const { status, stdout, stderr } = trapline(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr.trimEnd()).toMatch(message);
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [MAIN, 'replay', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(errors).toBe('');
  });
});
