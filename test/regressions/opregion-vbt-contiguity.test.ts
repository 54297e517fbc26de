// The size was compared with RVDA after the VBT had been added to it, so every 2.1 with an extended VBT was refused; and
// compared where there is no extended VBT, so every 2.1 without one was.
// https://lore.kernel.org/kvm/ 2021-08, "vfio/pci: Add OpRegion 2.0 Extended VBT support", v1

import { expect, it } from 'vitest';
import { OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import { ASLS, image, Memory, vbtOf } from '../regions/opregion-images.js';

const sizeOf = (version: number, rvda: bigint, rvds: number) => {
  const memory = new Memory([
    [ASLS, image({ version, rvda, rvds })],
    [ASLS + 0x2000, vbtOf(0x9000)],
  ]);
  const opened = openOpRegion({ memory, asls: ASLS });
  return opened instanceof OpRegion ? opened.size : opened.error;
};

it.each([0x0201, 0x0202, 0x0300])('version %i with the VBT right behind it opens', (version) => {
  expect(sizeOf(version, 0x2000n, 0x2200)).toBe(0x4200);
});

it.each([0x0201, 0x0202, 0x0300])('version %i without an extended VBT opens', (version) => {
  expect(sizeOf(version, 0n, 0)).toBe(0x2000);
  expect(sizeOf(version, 0x2000n, 0)).toBe(0x2000);
  expect(sizeOf(version, 0n, 0x2200)).toBe(0x2000);
});
