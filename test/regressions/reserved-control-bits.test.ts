// Reserved bits of Vector Control were taken for the mask: a controller that sets them lost its interrupts.
// https://github.com/endlessm/linux/issues/514

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { all, BAR } from './kinds.js';

const CONTROL = BAR + 0x210c;

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it('only bit 0 masks, and only it reads back', () => {
      const { trap, fn } = kind.start({}, policy);
      for (let bit = 1; bit < 32; bit++) {
        trap.write(CONTROL, 4, (1 << bit) >>> 0);
        expect([fn.vector(0).masked, trap.read(CONTROL, 4)]).toEqual([false, 0]);
        trap.write(CONTROL, 4, ((1 << bit) | 1) >>> 0);
        expect([fn.vector(0).masked, trap.read(CONTROL, 4)]).toEqual([true, 1]);
      }
    });

    it('so it is with the upper half of an 8-byte write', () => {
      const { trap, fn } = kind.start({}, policy);
      trap.write(CONTROL - 4, 8, 0x41, 0xfffffffe);
      expect(fn.vector(0)).toMatchObject({ data: 0x41, masked: false });
      expect([trap.read(CONTROL - 4, 8), trap.high]).toEqual([0x41, 0]);
    });
  });
});
