// n / 64 + 1 words: the PBA was 8 bytes too long where the vectors fill its last word, and hid a register.
// https://github.com/cloud-hypervisor/cloud-hypervisor/blob/main/pci/src/msix.rs (num_pba_entries, pba_range)

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { all, BAR } from './kinds.js';

const PBA = BAR + 0xa000;

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it.each([
      [1, 8],
      [63, 8],
      [64, 8],
      [65, 16],
      [128, 16],
      [2048, 256],
    ])('%i vectors have %i bytes of pending bits', (count, size) => {
      const msix = { count, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0xa000 } };
      const { trap, host } = kind.start({ msix }, policy, true);
      const page = host.mapPage(PBA, 8) as Uint8Array;
      page.fill(0x77);
      trap.write(PBA + size - 4, 4, 0x12345678);
      trap.write(PBA + size, 4, 0x12345678);
      expect([...page.subarray(size - 4, size + 4)]).toEqual([
        ...[0x77, 0x77, 0x77, 0x77],
        ...[0x78, 0x56, 0x34, 0x12],
      ]);
      expect(trap.read(PBA + size, 4)).toBe(0x12345678);
      expect(trap.read(PBA + size - 4, 4)).toBe(kind.software ? 0 : 0x77777777);
    });
  });
});
