// The guest's address of the table was used where the host's belongs.
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=d98df4c531

import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { all, BAR, description, interruptsOf } from './kinds.js';

const HOST = 0x12_3400_0000;
const bars = [{ index: 0, type: 'mem32', address: BAR, hostAddress: HOST, size: 0x10000 }] as const;

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it('the guest is looked up by its addresses, pages are mapped by the host', () => {
      const machine = kind.machine(policy);
      const { trap, host, calls } = machine;
      for (const page of [BAR, HOST]) {
        host.guestPages.set(page + 0x2000, 'identity');
        host.guestPages.set(page + 0x3000, 'identity');
      }
      const fn = trap.assign(kind.description({ ...description, bars }, host));
      expect(calls()).toEqual(['hole fe002000', 'hole fe003000']);
      expect(trap.read(HOST + 0x2100, 4)).toBe(UNCLAIMED);

      trap.write(BAR + 0x2000, 4, 0x55);
      trap.read(BAR + 0x3ffc, 4);
      expect(calls()).toEqual([
        'map 8 1234002000',
        'write 1234002000 0 4 55 0',
        'map 8 1234003000',
        'read 1234003000 4092 4',
      ]);
      trap.write(BAR + 0x2108, 4, 0x41);
      expect(fn.vector(0).data).toBe(0x41);

      trap.read(BAR + 0x3200, 4);
      expect(calls()).toEqual(kind.software ? [] : ['read 1234003000 512 4']);
      if (kind.software) {
        interruptsOf({ ...machine, fn }).use(0);
        interruptsOf({ ...machine, fn }).raise(0);
        expect(trap.read(BAR + 0x3200, 4)).toBe(1);
      }
      trap.deassign(8);
      expect(calls().sort()).toEqual(['unmap 8 1234002000', 'unmap 8 1234003000']);
    });
  });
});
