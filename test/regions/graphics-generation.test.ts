import { expect, it } from 'vitest';
import { graphicsGeneration } from '../../src/regions/graphics-generation.js';

it.each([
  [0x0102, 'gen6'],
  [0x0152, 'gen6'],
  [0x0412, 'gen7'],
  [0x0a16, 'gen7'],
  [0x0c22, 'gen7'],
  [0x0d26, 'gen7'],
  [0x0f31, 'gen7'],
  [0x1616, 'gen8'],
  [0x22b0, 'cherryview'],
  [0x1912, 'gen9'],
  [0x3185, 'gen9'],
  [0x5912, 'gen9'],
  [0x3e92, 'gen9'],
  [0x9bc5, 'gen9'],
  [0x8a52, 'gen11'],
  [0x4571, 'gen11'],
  [0x4e61, 'gen11'],
  [0x9a49, 'gen12'],
  [0x4c8a, 'gen12'],
  [0x4680, 'gen12'],
  [0xa780, 'gen12'],
])('device %#x is %s', (id, generation) => {
  expect(graphicsGeneration(id)).toBe(generation);
});

it.each([0x0a84, 0x0a85, 0x1a84, 0x1a85])('Broxton %#x is gen9, whatever family it lies in', (id) => {
  expect(graphicsGeneration(id)).toBe('gen9');
});

it.each([0x0000, 0x10d3, 0x7d55, 0xffff])('nothing is assumed of %#x', (id) => {
  expect(graphicsGeneration(id)).toBeUndefined();
});

it.each([-1, 0x10000, 1.5, Number.NaN])('no device id: %s', (id) => {
  expect(() => graphicsGeneration(id)).toThrow(/graphicsGeneration: deviceId .* is not an integer/);
});
