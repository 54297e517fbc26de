import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PageFiles, resources } from '../../src/inspect/resources.js';

let page: string;
let files: PageFiles;

beforeAll(() => {
  page = mkdtempSync(join(tmpdir(), 'trapline-'));
  for (const name of ['index.html', 'index.js', 'index.css', 'icon.svg', 'index.js.map', '.hidden'])
    writeFileSync(join(page, name), '');
  files = { page, guest: '/images/guest.elf', v86: '/v86/library.mjs', wasm: '/v86/module.wasm' };
});
afterAll(() => rmSync(page, { recursive: true }));

it('are the files of the page, v86 and the guest', () => {
  const served = resources(files, { guest: 'bare-metal' });
  expect(Object.fromEntries(served)).toEqual({
    '/': { type: 'text/html; charset=utf-8', file: join(page, 'index.html') },
    '/index.js': { type: 'text/javascript; charset=utf-8', file: join(page, 'index.js') },
    '/index.css': { type: 'text/css; charset=utf-8', file: join(page, 'index.css') },
    '/icon.svg': { type: 'image/svg+xml', file: join(page, 'icon.svg') },
    '/setup.json': { type: 'application/json', text: '{"guest":"bare-metal"}' },
    '/v86/libv86.mjs': { type: 'text/javascript; charset=utf-8', file: '/v86/library.mjs' },
    '/v86/v86.wasm': { type: 'application/wasm', file: '/v86/module.wasm' },
    '/guest.elf': { type: 'application/octet-stream', file: '/images/guest.elf' },
  });
});

it('have fixed names for the images of a Linux guest, those that there are', () => {
  const setup = {
    guest: 'linux',
    memory: 1 << 27,
    commandLine: 'quiet',
    initrd: true,
    vgaBios: false,
  } as const;
  const linux = { kernel: 'boot/bzImage', bios: 'boot/bios', initrd: 'boot/initrd.img' };
  const served = resources(files, setup, { linux });
  expect(served.get('/kernel')).toEqual({ type: 'application/octet-stream', file: 'boot/bzImage' });
  expect(served.get('/bios.bin')).toMatchObject({ file: 'boot/bios' });
  expect(served.get('/initrd')).toMatchObject({ file: 'boot/initrd.img' });
  expect([served.has('/vga-bios.bin'), served.has('/guest.elf')]).toEqual([false, false]);
  expect(served.get('/setup.json')).toEqual({ type: 'application/json', text: JSON.stringify(setup) });
});

it.each([
  [{ guest: 'bare-metal', saved: true }, true],
  [{ guest: 'linux', saved: true, memory: 1 << 27, commandLine: '', initrd: true, vgaBios: true }, false],
] as const)('have a saved state: %j', (setup, hasGuest) => {
  const served = resources(files, setup, { state: 'kept/a.state' });
  expect(served.get('/state')).toEqual({ type: 'application/octet-stream', file: 'kept/a.state' });
  expect([served.has('/guest.elf'), served.has('/kernel'), served.has('/initrd')]).toEqual([
    hasGuest,
    false,
    false,
  ]);
});
