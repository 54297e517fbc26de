import { expect, it } from 'vitest';
import { createDispatcher } from '../../src/index.js';
import { guestAslsOf } from '../../src/regions/asls.js';
import { MemoryHost } from '../memory-host.js';

/** A function whose own ASLS is the host's. */
function functionWith(value: number) {
  const config = new Uint8Array(256);
  config.set([0x18, 0xe0, 0x3f, 0x7a], 0xfc);
  const dispatcher = createDispatcher({ host: new MemoryHost() });
  return dispatcher.assign({ sbdf: '00:02.0', bars: [], config, registers: [guestAslsOf(value)] });
}

it('starts as it was made, and a guest writes it, all of it or a part', () => {
  const { config } = functionWith(0xfedc_ba98);
  expect(config.read(0xfc, 4)).toBe(0xfedc_ba98);
  expect([0xfc, 0xfe].map((offset) => config.read(offset, 2))).toEqual([0xba98, 0xfedc]);
  expect([0xfc, 0xfd, 0xfe, 0xff].map((offset) => config.read(offset, 1))).toEqual([0x98, 0xba, 0xdc, 0xfe]);
  config.write(0xfc, 4, 0x8000_0001);
  expect(config.read(0xfc, 4)).toBe(0x8000_0001);
  config.write(0xfd, 1, 0x1ff);
  expect(config.read(0xfc, 4)).toBe(0x8000_ff01);
  config.write(0xfe, 2, 0x1_1234);
  expect(config.read(0xfc, 4)).toBe(0x1234_ff01);
});

it('a reset brings back what it was made with, never what the host has', () => {
  const fn = functionWith(0);
  fn.config.write(0xfc, 4, 0x1000);
  fn.reset();
  expect(fn.config.read(0xfc, 4)).toBe(0);
});
