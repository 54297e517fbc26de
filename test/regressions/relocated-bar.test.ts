// The guest moved a BAR, and the offsets of the virtual one were used against the physical one.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/7898

import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { all, BAR, interruptsOf } from './kinds.js';

const MOVED = 0xc0000000;

describe.each(all)('$name', (kind) => {
  it.each(Object.values(policies))(
    'a moved BAR answers at its new place with the old host pages, under $name',
    (policy) => {
      const machine = kind.start({}, policy);
      const { trap, fn, calls } = machine;
      fn.setDecode(false);
      expect(fn.moveBar(0, MOVED)).toBe(true);
      expect(fn.setDecode(true)).toBe('okay');
      expect(fn.bars[0]).toMatchObject({ address: MOVED, hostAddress: BAR });
      calls();

      trap.read(MOVED + 0x2000, 4);
      expect(calls()).toEqual(['map 8 fe002000', 'read fe002000 0 4']);
      trap.write(MOVED + 0x2108, 4, 0x41);
      expect(fn.vector(0).data).toBe(0x41);
      for (const offset of [0x2000, 0x2108, 0x3200]) expect(trap.read(BAR + offset, 4)).toBe(UNCLAIMED);

      if (kind.software) {
        interruptsOf(machine).use(2);
        interruptsOf(machine).raise(2);
        expect(trap.read(MOVED + 0x3200, 4)).toBe(4);
        expect(calls()).toEqual([]);
      } else {
        trap.read(MOVED + 0x3200, 4);
        expect(calls()).toEqual(['map 8 fe003000', 'read fe003000 512 4']);
      }
    },
  );
});
