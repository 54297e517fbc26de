// A guest ended its hypervisor by an access of 1 or 2 bytes to table or PBA, or by one past the last entry.
// https://github.com/cloud-hypervisor/cloud-hypervisor/pull/8417
// https://github.com/TencentCloud/CubeSandbox/pull/619

import { describe, expect, it } from 'vitest';
import { ones, UNCLAIMED, type Width } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { all, BAR, interruptsOf } from './kinds.js';

const widths = [1, 2, 4, 8] as Width[];
const noWidths = [0, 3, 5, 6, 7, 9, 16, -1, 2 ** 31, Number.NaN] as Width[];

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it('answers every offset and width with a value of that width', () => {
      const { trap, calls } = kind.start({}, policy);
      for (const structure of [BAR + 0x2100, BAR + 0x3200]) {
        for (let address = structure - 16; address < structure + 80; address++) {
          for (const width of widths) {
            const value = trap.read(address, width);
            expect(value >= 0 && value <= ones(width)).toBe(true);
            expect(trap.write(address, width, 0xffffffff, 0xffffffff)).toBe(true);
          }
        }
      }
      expect(calls().filter((call) => call.startsWith('onError'))).toEqual([]);
    });

    it('leaves widths that no processor has alone', () => {
      const { trap } = kind.start({}, policy);
      for (const width of noWidths) {
        expect(trap.read(BAR + 0x2100, width)).toBe(UNCLAIMED);
        expect(trap.write(BAR + 0x2100, width, 0)).toBe(false);
      }
    });

    it('reads ones in the structures where a width is not allowed', () => {
      const { trap } = kind.start({}, policy);
      for (let address = BAR + 0x2100; address < BAR + 0x2130; address++) {
        expect(trap.read(address, 1)).toBe(0xff);
        if (address + 2 <= BAR + 0x2130) expect(trap.read(address, 2)).toBe(0xffff);
      }
    });
  });

  it('drops an interrupt on a vector that the guest made up', () => {
    if (!kind.software) return;
    const machine = kind.start();
    for (const vector of [3, 64, 2048, 0xffff]) expect(interruptsOf(machine).raise(vector)).toBe('dropped');
    expect(machine.calls()).toEqual([]);
  });
});
