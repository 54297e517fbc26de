import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MIB } from '../../src/regions/address-range.js';
import { decodeGraphicsControl, encodeGraphicsControl } from '../../src/regions/graphics-control.js';
import { type GraphicsGeneration, graphicsGenerations } from '../../src/regions/graphics-generation.js';

describe('vectors, MiB', () => {
  it.each<[GraphicsGeneration, number, number, number | undefined]>([
    ['gen6', 0x0210, 64, 2],
    ['gen6', 0x0228, 160, 2],
    ['gen8', 0x1080, 512, 4],
    ['gen9', 0x02c0, 64, 8],
    ['gen9', 0xf0c0, 4, 8],
    ['gen9', 0xfec0, 60, 8],
    ['gen12', 0x02c1, 64, 8],
    ['cherryview', 0x80, 512, 0],
    ['cherryview', 0x88, 8, 0],
    ['cherryview', 0xb0, 28, 0],
    ['cherryview', 0xb8, 36, 0],
    ['cherryview', 0xe8, 60, 0],
    ['cherryview', 0x0388, 8, 8],
    ['i85x', 0x0070, 64, undefined],
    ['i85x', 0x00d0, 352, undefined],
    ['i830', 0x0040, 8, undefined],
    ['i830', 0x0010, 0, undefined],
    ['i845', 0x0020, 0.5, undefined],
    ['i845', 0x0030, 1, undefined],
    ['gen6', 0x0180, 512, 1],
    ['gen7', 0x0108, 32, 1],
    ['gen8', 0x4040, 2048, 2],
    ['gen10', 0x0100, 32, 0],
    ['gen11', 0x40c0, 2048, 8],
    ['meteorlake', 0x04c0, 128, 8],
    ['meteorlake', 0xf1c0, 8, 8],
  ])('%s %#x', (generation, value, size, gtt) => {
    expect(decodeGraphicsControl(generation, value)).toEqual({
      size: size * MIB,
      gttSize: gtt && gtt * MIB,
      vgaDisabled: false,
      warning: undefined,
    });
  });

  it.each(['i85x', 'i865', 'gen3', 'gen4', 'gen5'] as const)('every size of %s', (generation) => {
    const sizes = Array.from({ length: 14 }, (_, n) => decodeGraphicsControl(generation, n << 4).size / MIB);
    expect(sizes).toEqual([0, 1, 4, 8, 16, 32, 48, 64, 128, 256, 96, 160, 224, 352]);
  });
});

describe('values without a meaning warn', () => {
  it.each<[GraphicsGeneration, number, number]>([
    ['i85x', 0x00e0, 0],
    ['i85x', 0x00f0, 0],
    ['gen5', 0x00e0, 0],
    ['i830', 0x0000, 0],
    ['i830', 0x0050, 0],
    ['gen6', 0x0088, 544],
    ['gen7', 0x00f8, 992],
    ['gen8', 0x4100, 0x41 * 32],
    ['gen9', 0x41c0, 0x41 * 32],
    ['gen9', 0xefc0, 0xef * 32],
    ['gen12', 0xffc0, 64],
    ['meteorlake', 0x05c0, 0],
    ['meteorlake', 0xffc0, 0],
    ['meteorlake', 0x0280, 0],
  ])('%s %#x', (generation, value, size) => {
    const { warning, ...control } = decodeGraphicsControl(generation, value);
    expect(control.size).toBe(size * MIB);
    expect(warning).toMatch(
      /size field 0x[0-9a-f]+ of GGC .* has no defined meaning|GTT size field 2 .* must be 3/,
    );
  });
});

it('bit 1 is VGA disable', () => {
  expect(decodeGraphicsControl('gen9', 0x02c2).vgaDisabled).toBe(true);
  expect(decodeGraphicsControl('gen9', 0x02c1).vgaDisabled).toBe(false);
});

it.each(graphicsGenerations)('%s: what is decoded is encoded to the same sizes', (generation) => {
  let defined = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), (value) => {
      const { size, gttSize, vgaDisabled, warning } = decodeGraphicsControl(generation, value);
      if (warning !== undefined) return;
      defined++;
      const encoded = encodeGraphicsControl(generation, { size, gttSize, vgaDisabled });
      expect(decodeGraphicsControl(generation, encoded)).toEqual({ size, gttSize, vgaDisabled, warning });
    }),
    { numRuns: 500 },
  );
  expect(defined).toBeGreaterThan(0);
});

it('the lowest value of a size is encoded', () => {
  expect(encodeGraphicsControl('gen9', { size: 32 * MIB, gttSize: 8 * MIB, vgaDisabled: true })).toBe(0x01c2);
});

it.each(['gen6', 'cherryview', 'gen12', 'meteorlake'] as const)(
  '%s has no register without a gttSize',
  (generation) => {
    expect(() => encodeGraphicsControl(generation, { size: 32 * MIB })).toThrow(
      /gttSize undefined cannot be expressed/,
    );
  },
);

it('misuse lists every fault', () => {
  expect(() => encodeGraphicsControl('gen9', { size: 5, gttSize: 3 * MIB })).toThrow(
    /^encodeGraphicsControl: size 0x5 cannot be expressed on gen9; encodeGraphicsControl: gttSize 0x300000 cannot/,
  );
  expect(() => encodeGraphicsControl('gen5', { size: MIB, gttSize: MIB })).toThrow(/gttSize 0x100000 cannot/);
  expect(() => decodeGraphicsControl('gen9', 0x10000)).toThrow(/value 0x10000 is not an integer/);
  expect(() => decodeGraphicsControl('gen99' as 'gen9', 0)).toThrow(/generation gen99 is not one of i830/);
});
