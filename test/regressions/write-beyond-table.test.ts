// XSA-164: qemu-traditional indexed its entries with whatever offset the guest wrote to, and corrupted memory.
// https://xenbits.xen.org/xsa/advisory-164.html

import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { all, BAR, description, entriesOf } from './kinds.js';

const START = BAR + 0x2100;
const END = START + 3 * 16;

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it('an offset outside the entries changes none, neither of this function nor of the next', () => {
      const machine = kind.start({}, policy, true);
      const neighbour = machine.trap.assign({
        ...description,
        sbdf: 9,
        bars: [{ index: 0, type: 'mem32', address: BAR + 0x100000, size: 0x10000 }],
      });
      const state = () => [entriesOf(machine), [0, 1, 2].map((index) => neighbour.vector(index))];
      const before = state();
      for (const width of [1, 2, 4, 8] as Width[]) {
        for (let address = BAR + 0x2000; address < START; address++) {
          if (address + width <= START) machine.trap.write(address, width, 0x5a5a5a5a, 0xa5a5a5a5);
        }
        for (let address = END; address < BAR + 0x3000; address++) {
          machine.trap.write(address, width, 0x5a5a5a5a, 0xa5a5a5a5);
        }
      }
      expect(state()).toEqual(before);
    });

    it('neither does a write that begins in an entry, or ends in one, unaligned', () => {
      const machine = kind.start({}, policy, true);
      const before = entriesOf(machine);
      for (const width of [2, 4, 8] as Width[]) {
        for (let distance = 1; distance < width; distance++) {
          machine.trap.write(START - distance, width, 0, 0);
          machine.trap.write(END - distance, width, 0, 0);
        }
      }
      expect(entriesOf(machine)).toEqual(before);
    });
  });
});
