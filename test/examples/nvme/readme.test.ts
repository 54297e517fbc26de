import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import type { Nvme } from '../../../examples/nvme/nvme.js';
import type { Dispatcher } from '../../../src/index.js';

const FILE = resolve('build/examples/nvme-readme.ts');

const blocks = [...readFileSync('examples/nvme/README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code,
);
const code = blocks.join('').replaceAll("from './", "from '../../examples/nvme/");

afterAll(() => rmSync(FILE, { force: true }));

it('what the README of the example shows makes a controller, saves it and goes on from that', async () => {
  expect(blocks).toHaveLength(2);
  mkdirSync(resolve(FILE, '..'), { recursive: true });
  const given = 'const memory = { read: () => false, write: () => false };\nconst deliver = () => {};\n';
  writeFileSync(FILE, `${given}${code}export { dispatcher, nvme, saved };\n`);
  const { dispatcher, nvme, saved } = (await import(pathToFileURL(FILE).href)) as {
    dispatcher: Dispatcher;
    nvme: Nvme;
    saved: string;
  };
  expect(Object.keys(JSON.parse(saved))).toEqual(['functions', 'nvme']);
  nvme.fn.config.write(0x10, 4, 0xfe000000);
  nvme.fn.config.write(0x04, 2, 0x0006);
  expect(dispatcher.read(0xfe000008, 4)).toBe(0x00010400);
  dispatcher.write(0xfe000014, 4, 0x00460000);
  expect(dispatcher.read(0xfe000014, 4)).toBe(0x00460000);
});
