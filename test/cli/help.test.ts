import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

// The built program: `npm test` builds first.
const SHELL = `trapline() { "${process.execPath}" "${resolve('dist/src/cli/main.js')}" "$@"; }`;

const SERVERS = /^trapline inspect/;

const shell = (line: string) => spawnSync('sh', ['-c', `${SHELL}\n${line}`], { encoding: 'utf8' });

/** What a command prints until it ends, or until it has printed as much as expected: a server ends when it is told to. */
async function printedBy(line: string, expected: string): Promise<{ stdout: string; stderr: string }> {
  const program = spawn('sh', ['-c', `${SHELL}\n${line}`], { detached: true });
  let [stdout, stderr] = ['', ''];
  program.stderr.on('data', (text) => {
    stderr += text;
  });
  program.stdout.on('data', (text) => {
    stdout += text;
    if (`${stdout.trimEnd()}\n` === expected && SERVERS.test(line))
      process.kill(-(program.pid as number), 'SIGTERM');
  });
  await new Promise((closed) => program.once('close', closed));
  return { stdout, stderr };
}

/** Commands as `trapline --help` lists them. */
const commands = [...shell('trapline --help').stdout.matchAll(/^ {2}([a-z]+) .* {2}\S/gm)].map(
  ([, name]) => name,
);

it('trapline --help lists the commands', () => {
  expect(commands).toContain('replay');
});

describe.each(commands)('trapline %s --help', (command) => {
  const { status, stdout, stderr } = shell(`trapline ${command} --help`);

  it('says how it is used and what its exit status means', () => {
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^usage: trapline ${command} .*\n\n`));
    expect(stdout).toMatch(/\nExit status: 0.*\n$/);
  });

  it('shows an example that prints what it says', async () => {
    const [, line, output] =
      /^ {2}\$ (trapline .*)\n((?: {2}.*\n|\n)*?)(?=\nExit|\n[A-Z])/m.exec(stdout) ?? [];
    expect(line).toMatch(new RegExp(`^trapline ${command} `));
    const expected = output.replaceAll(/^ {2}/gm, '');
    const printed = await printedBy(line, expected);
    expect(printed.stderr).toBe('');
    expect(`${printed.stdout.trimEnd()}\n`).toBe(expected);
  });
});
