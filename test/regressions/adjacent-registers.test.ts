// Registers on a page with table or PBA could not be reached: the whole page was trapped, and only the table answered.
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=b177892d2d
// https://github.com/projectacrn/acrn-hypervisor/pull/8256
// https://github.com/QubesOS/qubes-issues/issues/5615
// https://github.com/QubesOS/qubes-issues/issues/3609

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { all, BAR } from './kinds.js';

describe.each(all)('$name', (kind) => {
  it.each(Object.values(policies))(
    'every byte beside the structures is the host page, under $name',
    (policy) => {
      const { trap, host } = kind.start({}, policy, true);
      for (const [page, from, to] of [
        [0x2000, 0x100, 0x130],
        [0x3000, 0x200, 0x208],
      ]) {
        for (let offset = 0; offset < 0x1000; offset++) {
          if (offset >= from && offset < to) continue;
          const value = (offset * 7 + 1) & 0xff;
          trap.write(BAR + page + offset, 1, value);
          expect(trap.read(BAR + page + offset, 1)).toBe(value);
          expect((host.mapPage(BAR + page, 8) as Uint8Array)[offset]).toBe(value);
        }
      }
    },
  );

  it.each([1, 2, 4, 8] as const)('an aligned access of %i bytes is one access of the host', (width) => {
    const { trap, calls } = kind.start();
    trap.read(BAR + 0x2000, width);
    trap.write(BAR + 0x3ff8, width, 1, 0);
    expect(calls().filter((call) => !call.startsWith('map'))).toEqual([
      `read fe002000 0 ${width}`,
      `write fe003000 4088 ${width} 1 0`,
    ]);
  });

  it.each(Object.values(policies))(
    'an Intel AX210 has its interrupt causes and routes on the page of its table, under $name',
    (policy) => {
      const bars = [{ index: 0, type: 'mem64', address: BAR, size: 0x4000 }] as const;
      const msix = { count: 16, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: 0x3000 } };
      const { trap, fn, calls } = kind.start({ bars, msix }, policy);
      // Linux, iwl-csr.h: a byte for each cause says which vector it has, words mask and acknowledge the causes.
      trap.write(BAR + 0x2080, 8, 0xfee01000, 0);
      trap.write(BAR + 0x2880, 1, 0x00);
      trap.write(BAR + 0x2088, 4, 0x31);
      for (const cause of [0x890, 0x891, 0x8a3]) trap.write(BAR + 0x2000 + cause, 1, 0x88);
      trap.write(BAR + 0x2804, 4, 0xfffc_fffe);
      trap.write(BAR + 0x280c, 4, 0x1fff_ffff);
      trap.read(BAR + 0x2800, 4);
      trap.write(BAR + 0x2810, 4, 1 << 8);
      expect(calls().filter((call) => !call.startsWith('map'))).toEqual([
        'write fe002000 2176 1 0 0',
        'write fe002000 2192 1 88 0',
        'write fe002000 2193 1 88 0',
        'write fe002000 2211 1 88 0',
        'write fe002000 2052 4 fffcfffe 0',
        'write fe002000 2060 4 1fffffff 0',
        'read fe002000 2048 4',
        'write fe002000 2064 4 100 0',
      ]);
      expect(fn.vector(8)).toMatchObject({ addressLow: 0xfee01000, data: 0x31, masked: true });
    },
  );
});
