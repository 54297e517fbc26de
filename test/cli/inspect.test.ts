import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachine } from '../../src/guest/machine.js';
import type { Setup } from '../../src/inspect/setup.js';
import { decodeState, encodeState } from '../../src/inspect/state-file.js';

// The built program: `npm test` builds first.
const PROGRAM = resolve('dist/src/cli/main.js');

let folder: string;
let image: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  image = join(folder, 'image');
  writeFileSync(image, 'an image');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs it until it has printed where it is and `work` is done. */
async function whileServing<Result>(
  args: readonly string[],
  work: (url: string) => Promise<Result>,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<{ result: Result; status: number | null; stderr: string; stdout: string }> {
  const program = spawn(process.execPath, [PROGRAM, 'inspect', ...args]);
  const ended = new Promise<number | null>((exited) => program.once('exit', exited));
  let [stdout, stderr] = ['', ''];
  program.stderr.on('data', (text) => {
    stderr += text;
  });
  await Promise.race([
    ended,
    new Promise<void>((printed) =>
      program.stdout.on('data', (text) => {
        stdout += text;
        printed();
      }),
    ),
  ]);
  try {
    const result = await work(stdout.trim());
    program.kill(signal);
    return { result, status: await ended, stderr, stdout };
  } finally {
    program.kill('SIGKILL');
  }
}

const setupOf = async (url: string): Promise<Setup> =>
  (await (await fetch(`${url}setup.json`)).json()) as Setup;

describe('trapline inspect', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('serves the page until %s', async (signal) => {
    const { result, status, stderr, stdout } = await whileServing([], (url) => fetch(url), signal);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
    expect(result.status).toBe(200);
  });

  it('ends though a browser keeps its connection', async () => {
    const { status } = await whileServing([], async (url) => {
      const response = await fetch(url, { headers: { connection: 'keep-alive' } });
      await response.text();
    });
    expect(status).toBe(0);
  });

  it('serves all that the page names, the guest and v86', async () => {
    const { result } = await whileServing([], async (url) => {
      const page = await (await fetch(url)).text();
      const named = [...page.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path);
      const paths = [
        ...named,
        '/setup.json',
        '/guest.elf',
        '/v86/libv86.mjs',
        '/v86/v86.wasm',
        '/licences.txt',
      ];
      const statuses = await Promise.all(
        paths.map(async (path) => (await fetch(new URL(path, url), { method: 'HEAD' })).status),
      );
      return { named, statuses, setup: await setupOf(url) };
    });
    expect(result.named.length).toBeGreaterThanOrEqual(3);
    expect(result.statuses.every((status) => status === 200)).toBe(true);
    expect(result.setup).toEqual({ guest: 'bare-metal' });
  });

  it('serves the images of a Linux guest', async () => {
    const args = [
      '--kernel',
      image,
      '--bios',
      image,
      '--initrd',
      image,
      '--append',
      'quiet x=1',
      '--memory',
      '64',
    ];
    const { result } = await whileServing(args, async (url) => ({
      setup: await setupOf(url),
      kernel: await (await fetch(`${url}kernel`)).text(),
      vgaBios: (await fetch(`${url}vga-bios.bin`)).status,
    }));
    expect(result).toEqual({
      setup: { guest: 'linux', memory: 64 << 20, commandLine: 'quiet x=1', initrd: true, vgaBios: false },
      kernel: 'an image',
      vgaBios: 404,
    });
  });

  it('serves a saved state', async () => {
    const state = join(folder, 'state');
    const machine = {
      ...{ v86: Uint8Array.of(1, 2, 3).buffer, configAddress: 0, models: {} },
      functions: createMachine({ send: () => {} }).dispatcher.save(),
    };
    writeFileSync(state, encodeState({ setup: { guest: 'bare-metal' }, machine, disk: new Uint8Array(0) }));
    const { result } = await whileServing(['--state', state], async (url) => ({
      setup: await setupOf(url),
      state: new Uint8Array(await (await fetch(`${url}state`)).arrayBuffer()),
    }));
    expect(result.setup).toEqual({ guest: 'bare-metal', saved: true });
    expect(decodeState(result.state).machine).toEqual(machine);
  });

  it('takes the port that it is given', async () => {
    const free = createServer();
    await new Promise<void>((listens) => free.listen(0, '127.0.0.1', listens));
    const { port } = free.address() as AddressInfo;
    await new Promise((closed) => free.close(closed));
    const { result } = await whileServing(['--port', String(port)], (url) => Promise.resolve(url));
    expect(result).toBe(`http://127.0.0.1:${port}/`);
  });
});

describe('what is wrong is told in one line, with exit status 2', () => {
  const refused = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'inspect', ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  it.each([
    [['--port', '65536'], '--port: expected an integer from 0 to 65535, got 65536'],
    [['--port', 'http'], '--port: expected an integer from 0 to 65535, got http'],
    [['--port', '1e3'], '--port: expected an integer from 0 to 65535, got 1e3'],
    [['--bios', 'x'], '--bios: it is for a Linux guest: expected --kernel FILE too'],
    [['--initrd', 'x'], '--initrd: it is for a Linux guest: expected --kernel FILE too'],
    [['--append', 'x'], '--append: it is for a Linux guest: expected --kernel FILE too'],
    [['--memory', '64'], '--memory: it is for a Linux guest: expected --kernel FILE too'],
    [['--kernel', 'x'], "--kernel: expected --bios FILE too, such as SeaBIOS's bios.bin"],
    [['--kernel', '/nothing/here', '--bios', 'x'], '--kernel: cannot read /nothing/here: ENOENT'],
    [['--kernel', '.', '--bios', 'x'], '--kernel: . is not a file'],
    [['--state', '/nothing/here'], '--state: cannot read /nothing/here: ENOENT'],
    [['--state', 'x', '--kernel', 'y'], '--kernel: --state FILE has all that the guest needs'],
    [['--screen'], "Unknown option '--screen'"],
    [['bzImage'], "Unexpected argument 'bzImage'"],
  ])('%j', (args, sentence) => {
    const { status, stdout, stderr } = refused(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`trapline inspect: ${sentence}`);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it.each(['15', '2049', '-1', '64M'])('--memory %s', (memory) => {
    const { status, stderr } = refused('--kernel', image, '--bios', image, `--memory=${memory}`);
    expect([status, stderr]).toEqual([
      2,
      `trapline inspect: --memory: expected an integer from 16 to 2048, got ${memory}\n`,
    ]);
  });

  it('a file that is no state', () => {
    const { status, stderr } = refused('--state', image);
    expect([status, stderr]).toEqual([
      2,
      `trapline inspect: --state: ${image}: it is not a state of this version of trapline inspect\n`,
    ]);
  });

  it('a port in use', async () => {
    const other = createServer();
    await new Promise<void>((listens) => other.listen(0, '127.0.0.1', listens));
    const { port } = other.address() as AddressInfo;
    const program = spawn(process.execPath, [PROGRAM, 'inspect', '--port', String(port)]);
    let stderr = '';
    program.stderr.on('data', (text) => {
      stderr += text;
    });
    const status = await new Promise((exited) => program.once('close', exited));
    other.close();
    expect([status, stderr]).toEqual([
      2,
      `trapline inspect: --port: cannot listen on port ${port} of 127.0.0.1: it is in use\n`,
    ]);
  });
});
