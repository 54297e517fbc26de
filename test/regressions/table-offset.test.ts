// The table was taken to start at its BAR's first byte.
// https://github.com/cloud-hypervisor/cloud-hypervisor/pull/139
// https://github.com/microsoft/openvmm/issues/3301
// And offsets were kept in 16 bits; the change that widened them took the address for the offset.
// https://github.com/microsoft/openvmm/pull/2982

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

    it.each([
      ['above 64 KiB', BAR, 0x10_0000, 0x1_2340],
      ['at the end of 32 bits', 0x48_0000_0000, 2 ** 33, 0xffff_ffd0],
    ])(
      'a table %s of its BAR answers there, and at no offset that has fewer bits',
      (_name, address, size, offset) => {
        const big = [{ index: 0, type: 'mem64', address, size }] as const;
        const { trap, fn } = kind.start(
          { bars: big, msix: { count: 3, table: { bir: 0, offset }, pba } },
          policy,
          true,
        );
        trap.write(address + offset + 40, 4, 0x1234);
        expect(fn.vector(2).data).toBe(0x1234);
        trap.write(address + (offset % 0x10000) + 40, 4, 0x5678);
        expect([fn.vector(2).data, trap.read(address + offset + 40, 4)]).toEqual([0x1234, 0x1234]);
      },
    );
  });
});
