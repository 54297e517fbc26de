// Register layouts: https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/i915/i915_reg.h (GEN6_STOLEN_RESERVED)
// and what i915_gem_stolen.c makes of them.

import { describe, expect, it } from 'vitest';
import type { GraphicsGeneration } from '../../src/regions/graphics-generation.js';
import { decodeStolenReserved } from '../../src/stolen-memory.js';

const stolen = { start: 0x7c00_0000, end: 0x8000_0000 };
const MIB = 2 ** 20;

describe('base and size', () => {
  it.each<[GraphicsGeneration, number, number, number]>([
    ['gen6', 0x7ff0_0001, 0x7ff0_0000, MIB],
    ['gen6', 0x7ff0_0011, 0x7ff0_0000, MIB / 2],
    ['gen6', 0x7ff0_0021, 0x7ff0_0000, MIB / 4],
    ['gen6', 0x7ff0_0031, 0x7ff0_0000, MIB / 8],
    ['gen7', 0x7ff0_0001, 0x7ff0_0000, MIB],
    ['gen7', 0x7ffc_0021, 0x7ffc_0000, MIB / 4],
    // Valleyview leaves the address 0.
    ['gen7', 0x0000_0001, 0x7ff0_0000, MIB],
    ['gen7', 0x0000_0021, 0x7ff0_0000, MIB],
    ['cherryview', 0x7f80_0181, 0x7f80_0000, 8 * MIB],
    ['cherryview', 0x7fe0_0081, 0x7fe0_0000, 2 * MIB],
    ['gen8', 0x7f80_0001, 0x7f80_0000, 8 * MIB],
    ['gen9', 0x7f00_0181, 0x7f00_0000, 16 * MIB],
    ['gen10', 0x7ff0_0001, 0x7ff0_0000, MIB],
    // Without an enable bit.
    ['gen11', 0x7fc0_0100, 0x7fc0_0000, 4 * MIB],
    ['gen12', 0x7ff0_0001, 0x7ff0_0000, MIB],
    ['meteorlake', 0x0000_0181, 0x7f80_0000, 8 * MIB],
  ])('%s %i', (generation, register, start, size) => {
    expect(decodeStolenReserved(generation, register, stolen)).toEqual({
      range: { start, end: start + size },
    });
  });

  it('above 4 GiB from gen11 on', () => {
    const high = { start: 0x4_8000_0000, end: 0x4_8400_0000 };
    expect(decodeStolenReserved('gen11', 0x4_83f0_0001, high)).toEqual({
      range: { start: 0x4_83f0_0000, end: 0x4_8400_0000 },
    });
  });
});

it.each<[GraphicsGeneration, number]>([
  ['gen6', 0x7ff0_0000],
  ['gen7', 0x0000_0020],
  ['cherryview', 0x7f80_0180],
  ['gen9', 0x7f80_0000],
  // Enabled, without an address.
  ['gen8', 0x0000_0001],
])('%s %i: none is set aside', (generation, register) => {
  expect(decodeStolenReserved(generation, register, stolen)).toEqual({ range: undefined });
});

it.each<[GraphicsGeneration, number, string]>([
  ['gen6', 0x7bf0_0001, '0x7bf00000-0x7c000000'],
  ['gen6', 0x8000_0001, '0x80000000-0x80100000'],
  ['cherryview', 0x7ff0_0081, '0x7ff00000-0x80100000'],
  ['gen9', 0x8000_0001, '0x80000000-0x80000000'],
  ['gen12', 0, '0x0-0x100000'],
])('%s %i: outside stolen memory, a warning', (generation, register, range) => {
  expect(decodeStolenReserved(generation, register, stolen).warning).toBe(
    `reserved ${range} is not within stolen memory 0x7c000000-0x80000000: a driver uses none of it`,
  );
});

it.each<[string, number, RegExp]>([
  ['gen5', 1, /generation gen5 has no STOLEN_RESERVED$/],
  ['gen99', 1, /generation/],
  ['gen9', 2 ** 32, /register 0x100000000 is not an integer in \[0, 0x100000000\)$/],
  ['gen12', 2 ** 52, /register 0x10000000000000 is not/],
  ['gen9', -1, /register -1 is not/],
])('refuses %s %d', (generation, register, message) => {
  expect(() => decodeStolenReserved(generation as GraphicsGeneration, register, stolen)).toThrow(message);
});
