import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIB, MIB } from '../../src/regions/address-range.js';
import {
  atLeast,
  type GraphicsGeneration,
  graphicsGenerations,
} from '../../src/regions/graphics-generation.js';
import {
  decodeStolenBase,
  encodeStolenBase,
  type StolenBaseRegisters,
  stolenLimit,
} from '../../src/regions/stolen-base.js';

describe('vectors', () => {
  it.each<[string, GraphicsGeneration, StolenBaseRegisters, number | undefined]>([
    ['BDSM, its lock bit set', 'gen9', { bdsm: 0x7c000001 }, 0x7c000000],
    ['BDSM above 2 GiB', 'gen3', { bdsm: 0xdcabcdef }, 0xdca00000],
    ['BDSM of 64 bits', 'gen11', { bdsm: 0x80000001, bdsmHigh: 4 }, 0x4_8000_0000],
    ['BDSM of 64 bits', 'gen12', { bdsm: 0x7c000001, bdsmHigh: 0 }, 0x7c000000],
    ['TOUD, TSEG off', 'i865', { toud: 0x3f80, esmramc: 0 }, 0x3f800000],
    ['TOUD, TSEG of 512 KiB', 'i865', { toud: 0x3f80, esmramc: 5 }, 0x3f880000],
    ['TOUD, TSEG of 1 MiB', 'i865', { toud: 0x3f80, esmramc: 7 }, 0x3f900000],
    ['TOUD, a TSEG of no size', 'i865', { toud: 0x3f80, esmramc: 3 }, 0x3f800000],
    ['DRB3, TSEG of 1 MiB', 'i830', { drb3: 8, esmramc: 3, size: 8 * MIB }, 0x0f700000],
    ['DRB3, TSEG of 512 KiB', 'i830', { drb3: 8, esmramc: 1, size: 8 * MIB }, 0x0f780000],
    ['DRB3, TSEG off', 'i830', { drb3: 8, esmramc: 2, size: 8 * MIB }, 0x0f800000],
    ['DRB3, TSEG of 512 KiB', 'i845', { drb3: 8, esmramc: 5, size: MIB }, 0x0fe80000],
    ['DRB3, TSEG of 1 MiB', 'i845', { drb3: 8, esmramc: 7, size: MIB }, 0x0fe00000],
    ['DRB3, TSEG', 'i85x', { drb3: 8, esmramc: 1, size: 32 * MIB }, 0x0df00000],
    ['DRB3, TSEG off', 'i85x', { drb3: 8, esmramc: 0, size: 32 * MIB }, 0x0e000000],
    ['no base register', 'meteorlake', {}, undefined],
  ])('%s: %s %o', (_, generation, registers, base) => {
    expect(decodeStolenBase(generation, registers)).toBe(base);
  });
});

const withRegister = graphicsGenerations.filter((name) => atLeast(name, 'gen3') && name !== 'meteorlake');

it.each(withRegister)('%s: an encoded base is decoded, and the low bits stay', (generation) => {
  const megabytes = fc.integer({ min: 0, max: stolenLimit(generation) / MIB - 1 });
  fc.assert(
    fc.property(megabytes, fc.integer({ min: 0, max: 0xffffffff }), (count, keep) => {
      const registers = encodeStolenBase(generation, count * MIB, keep);
      expect(decodeStolenBase(generation, registers)).toBe(count * MIB);
      expect(registers.bdsm & 0xfffff).toBe(keep & 0xfffff);
      expect('bdsmHigh' in registers).toBe(atLeast(generation, 'gen11'));
    }),
  );
});

it.each(['i830', 'i845', 'i85x'] as const)('%s: base, size and TSEG end where memory does', (generation) => {
  const registers = fc.record({
    drb3: fc.integer({ min: 1, max: 255 }),
    esmramc: fc.integer({ min: 0, max: 255 }),
    size: fc.constantFrom(0, 512 * KIB, MIB, 8 * MIB),
  });
  fc.assert(
    fc.property(registers, ({ drb3, esmramc, size }) => {
      const tseg = drb3 * 32 * MIB - size - (decodeStolenBase(generation, { drb3, esmramc, size }) as number);
      expect([0, 512 * KIB, MIB]).toContain(tseg);
      if (esmramc % 2 === 0) expect(tseg).toBe(0);
    }),
  );
});

describe('misuse', () => {
  it.each<[GraphicsGeneration, StolenBaseRegisters, RegExp]>([
    ['gen9', {}, /^decodeStolenBase: bdsm undefined is not an integer in \[0, 0xffffffff\] \(gen9\)$/],
    ['gen11', { bdsm: 2 ** 32 }, /bdsm 0x100000000 .*; decodeStolenBase: bdsmHigh undefined/],
    ['gen12', { bdsm: 0, bdsmHigh: 0x100000 }, /bdsmHigh 0x100000 is not an integer in \[0, 0xfffff\]/],
    ['i830', { drb3: 256 }, /drb3 0x100.*esmramc undefined.*size undefined/],
    ['i830', { drb3: 0, esmramc: 0, size: MIB }, /larger than the memory of drb3 0x0$/],
    ['gen0' as 'gen3', {}, /generation gen0 is not one of/],
  ])('decode %s %o', (generation, registers, message) => {
    expect(() => decodeStolenBase(generation, registers)).toThrow(message);
  });

  it.each<[GraphicsGeneration, number, number, RegExp]>([
    ['i865', MIB, 0, /generation i865 has no BDSM/],
    ['meteorlake', MIB, 0, /generation meteorlake has no BDSM/],
    ['gen9', 0x1000, 0, /base 0x1000 is no multiple of 1 MiB below 0x100000000/],
    ['gen10', 2 ** 32, 0, /base 0x100000000 is no multiple/],
    ['gen11', 2 ** 52, -1, /keep -1 .*; encodeStolenBase: base 0x10000000000000/],
  ])('encode %s %d keeping %d', (generation, base, keep, message) => {
    expect(() => encodeStolenBase(generation, base, keep)).toThrow(message);
  });
});
