// 8-byte accesses to the table were not accepted; they are two of 4 bytes, the lower address first.
// https://gitlab.com/qemu-project/qemu/-/blob/master/hw/pci/msix.c (msix: allow qword MSI-X table accesses)

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { all, BAR, entriesOf, interruptsOf } from './kinds.js';

const ENTRY = BAR + 0x2110;

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it.each([0, 8])('8 bytes at +%i of an entry are two times 4', (half) => {
      const [by8, by4] = [kind.start({}, policy), kind.start({}, policy)];
      by8.trap.write(ENTRY + half, 8, 0xfee0fee0, 0x89abcdee);
      by4.trap.write(ENTRY + half, 4, 0xfee0fee0);
      by4.trap.write(ENTRY + half + 4, 4, 0x89abcdee);
      expect(entriesOf(by8)).toEqual(entriesOf(by4));
      expect(by8.calls()).toEqual(by4.calls());
      const lanes = [by4.trap.read(ENTRY + half, 4), by4.trap.read(ENTRY + half + 4, 4)];
      expect([by8.trap.read(ENTRY + half, 8), by8.trap.high]).toEqual(lanes);
      expect(lanes).toEqual([0xfee0fee0, half === 0 ? 0x89abcdee : 0]);
    });

    it('data are there before the mask bit ends', () => {
      const machine = kind.start({}, policy);
      machine.fn.writeMessageControl(0x8000);
      if (kind.software) {
        interruptsOf(machine).use(1);
        interruptsOf(machine).raise(1);
      }
      machine.calls();
      machine.trap.write(ENTRY + 8, 8, 0x99, 0);
      const calls = machine.calls();
      if (kind.software) expect(calls).toEqual([`send 1 ${0x99}`]);
      else expect(calls.find((call) => call.startsWith('arm'))).toContain(`"data":${0x99},"masked":false`);
    });

    it('4 bytes of an address leave the other half', () => {
      const { trap, fn } = kind.start({}, policy);
      trap.write(ENTRY, 8, 0x11111111, 0x22222222);
      trap.write(ENTRY + 4, 4, 0x33333333);
      expect(fn.vector(1)).toMatchObject({ addressLow: 0x11111111, addressHigh: 0x33333333 });
      trap.write(ENTRY, 4, 0x44444444);
      expect(fn.vector(1)).toMatchObject({ addressLow: 0x44444444, addressHigh: 0x33333333 });
    });
  });
});
