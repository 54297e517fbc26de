// Xen first took any access to the PBA, then none but 8 bytes; the specification allows aligned 4 and 8.
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=b4f2116060
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=7a502b4fbc

import { describe, expect, it } from 'vitest';
import { ones, type Width } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { all, BAR, interruptsOf, type Machine } from './kinds.js';

const PBA = BAR + 0x3200;
const msix = { count: 128, table: { bir: 0, offset: 0x2100 }, pba: { bir: 0, offset: 0x3200 } };

describe.each(all)('$name', (kind) => {
  /** No pending bit, nor any in the hardware's: whatever is not answered reads ones. */
  const start = (policy = policies.strict): Machine => {
    const machine = kind.start({ msix }, policy, true);
    (machine.host.mapPage(BAR + 0x3000, 8) as Uint8Array).fill(0);
    return machine;
  };

  it.each([policies.strict, policies.xen])('under $name: aligned 4 and 8 bytes, and no other', (policy) => {
    const { trap } = start(policy);
    for (const width of [1, 2, 4, 8] as Width[]) {
      for (let offset = 0; offset + width <= 16; offset++) {
        const allowed = width >= 4 && offset % width === 0;
        expect(trap.read(PBA + offset, width)).toBe(allowed ? 0 : ones(width));
      }
    }
  });

  it('under xenV3: any width, at any offset', () => {
    const { trap } = start(policies.xenV3);
    for (const width of [1, 2, 4, 8] as Width[]) {
      for (let offset = 0; offset + width <= 16; offset++) expect(trap.read(PBA + offset, width)).toBe(0);
    }
  });

  it.each(Object.values(policies))('a guest writes none of it, under $name', (policy) => {
    const machine = start(policy);
    for (const width of [1, 2, 4, 8] as Width[]) {
      for (let offset = 0; offset + width <= 16; offset++) {
        machine.trap.write(PBA + offset, width, 0xffffffff, 0xffffffff);
      }
    }
    expect([machine.trap.read(PBA, 8), machine.trap.high]).toEqual([0, 0]);
    expect((machine.host.mapPage(BAR + 0x3000, 8) as Uint8Array).subarray(0x200, 0x210)).toEqual(
      new Uint8Array(16),
    );
  });

  it('4 bytes are either half of 8', () => {
    const machine = start();
    if (kind.software) {
      interruptsOf(machine).useAll();
      for (const vector of [64, 65, 127]) interruptsOf(machine).raise(vector);
    } else {
      (machine.host.mapPage(BAR + 0x3000, 8) as Uint8Array).set([3, 0, 0, 0, 0, 0, 0, 0x80], 0x208);
    }
    expect([machine.trap.read(PBA + 8, 8), machine.trap.high]).toEqual([3, 0x80000000]);
    expect([machine.trap.read(PBA + 8, 4), machine.trap.read(PBA + 12, 4)]).toEqual([3, 0x80000000]);
  });
});
