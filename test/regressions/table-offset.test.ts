// The table was taken to start at its BAR's first byte.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/139

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { all, BAR } from './kinds.js';

const pba = { bir: 0, offset: 0x8000 };

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it.each([0, 0x5200, 0xf000, 0x10000 - 48])('a table at offset %i of its BAR answers there', (offset) => {
      const { trap, fn, calls } = kind.start({ msix: { count: 3, table: { bir: 0, offset }, pba } }, policy);
      for (const index of [0, 1, 2]) {
        const entry = BAR + offset + 16 * index;
        trap.write(entry, 4, 0xfee00000 + index);
        trap.write(entry + 4, 4, 0x10 + index);
        trap.write(entry + 8, 4, 0x40 + index);
        expect(fn.vector(index)).toMatchObject({
          addressLow: 0xfee00000 + index,
          addressHigh: 0x10 + index,
          data: 0x40 + index,
        });
        expect(trap.read(entry + 8, 4)).toBe(0x40 + index);
      }
      expect(calls()).toEqual([]);
    });
  });
});
