// Each write to a masked entry changed the real route, which is slow; and entries that were not masked at first made Linux mask
// and unmask each of them at boot.
// https://github.com/cloud-hypervisor/cloud-hypervisor/pull/4273

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { all, BAR, interruptsOf } from './kinds.js';

const TABLE = BAR + 0x2100;

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it('an entry is masked at first, and to mask it again asks nobody', () => {
      const { trap, fn, calls } = kind.start({}, policy);
      fn.writeMessageControl(0x8000);
      calls();
      for (const entry of [0, 16, 32]) {
        expect(trap.read(TABLE + entry + 12, 4)).toBe(1);
        trap.write(TABLE + entry + 12, 4, 1);
      }
      expect(calls()).toEqual([]);
    });

    it('however often a masked entry is written, it is armed or sent once, with the last message', () => {
      const machine = kind.start({}, policy);
      const { trap, fn, calls } = machine;
      fn.writeMessageControl(0x8000);
      if (kind.software) {
        interruptsOf(machine).use(1);
        interruptsOf(machine).raise(1);
      }
      calls();
      for (let data = 0; data < 1000; data++) {
        trap.write(TABLE + 16, 8, 0xfee00000 + 16 * (data % 256), 0);
        trap.write(TABLE + 24, 4, data);
      }
      expect(calls()).toEqual([]);
      trap.write(TABLE + 28, 4, 0);
      const told = calls().filter((call) => /^(arm|send) /.test(call));
      expect(told).toHaveLength(1);
      expect(told[0]).toContain(kind.software ? 'send 1 999' : '"data":999');
    });
  });
});
