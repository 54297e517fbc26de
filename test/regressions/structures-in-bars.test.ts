// Table and PBA were mixed up where they lie in different BARs at offsets that look like one range, or on one page.
// https://github.com/projectacrn/acrn-hypervisor/pull/1210
// https://github.com/projectacrn/acrn-hypervisor/issues/1222

import { describe, expect, it } from 'vitest';
import type { FunctionDescription } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { all, BAR, interruptsOf } from './kinds.js';

const OTHER = 0xfd000000;
const bars: FunctionDescription['bars'] = [
  { index: 0, type: 'mem32', address: BAR, size: 0x4000 },
  { index: 2, type: 'mem32', address: OTHER, size: 0x4000 },
];

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it.each([
      ['one BAR, one page', 0, 0x1000, 0, 0x1100],
      ['one BAR, two pages', 0, 0x1000, 0, 0x2000],
      ['two BARs, at one offset', 0, 0x1000, 2, 0x1000],
      ['two BARs, at two offsets', 2, 0x2000, 0, 0x1000],
    ])('%s', (_name, tableBir, tableOffset, pbaBir, pbaOffset) => {
      const msix = {
        count: 2,
        table: { bir: tableBir, offset: tableOffset },
        pba: { bir: pbaBir, offset: pbaOffset },
      };
      const machine = kind.start({ bars, msix }, policy, true);
      const { trap, host, fn } = machine;
      const at = (bir: number, offset: number) => (bir === 0 ? BAR : OTHER) + offset;
      const table = at(tableBir, tableOffset);
      const pba = at(pbaBir, pbaOffset);

      trap.write(table + 24, 4, 0x41);
      expect(fn.vector(1).data).toBe(0x41);

      const pbaPage = host.mapPage(pba - (pba % 4096), 8) as Uint8Array;
      pbaPage.fill(0, pba % 4096, (pba % 4096) + 8);
      if (kind.software) {
        interruptsOf(machine).use(1);
        interruptsOf(machine).raise(1);
      } else {
        pbaPage[pba % 4096] = 2;
      }
      expect(trap.read(pba, 4)).toBe(2);
      trap.write(pba, 4, 0);
      expect(trap.read(pba, 4)).toBe(2);

      // The bytes behind each are registers.
      for (const register of [table + 32, pba + 8]) {
        trap.write(register, 4, 0x1234);
        expect(trap.read(register, 4)).toBe(0x1234);
      }
      expect(fn.vector(1).data).toBe(0x41);
    });
  });
});
