// Registers on a page with table or PBA could not be reached: the whole page was trapped, and only the table answered.
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=b177892d2d
// https://github.com/projectacrn/acrn-hypervisor/pull/8256

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
});
