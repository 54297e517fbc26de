import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import { readHexdumps } from '../../src/inventory/hexdump.js';

const folder = mkdtempSync(join(tmpdir(), 'hexdump-'));
const path = join(folder, 'dump');
afterAll(() => rmSync(folder, { recursive: true }));

const read = (text: string) => {
  writeFileSync(path, text);
  return readHexdumps(path);
};
const row = (offset: string) => `${offset}: ${'00 '.repeat(15)}5a\n`;

it('what is shown is filled up to 256 bytes', async () => {
  const [[sbdf, bytes]] = await read(`00:08.0 Nic\n${row('00')}${row('10')}`);
  expect([sbdf, bytes.length, bytes[15], bytes[31], bytes[47]]).toEqual([0x40, 256, 0x5a, 0x5a, 0]);
});

it.each([
  ['before any function', row('00'), '1: expected the row of offset 0x0 of a function'],
  ['a function that begins later', `00:08.0 Nic\n${row('10')}`, '2: expected the row of offset 0x0'],
  ['a row left out', `00:08.0 Nic\n${row('00')}${row('20')}`, '3: expected the row of offset 0x10'],
  ['a row twice', `00:08.0 Nic\n${row('00')}${row('00')}`, '3: expected the row of offset 0x10'],
])('%s is refused', async (_, text, message) => {
  const reading = read(text);
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(`${path}:${message}`);
});

it('a text without functions is refused', async () => {
  await expect(read('nothing\n')).rejects.toThrow(`${path} has no function as lspci -xxxx prints it`);
});
