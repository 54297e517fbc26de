// The variable of ASLS was used again for the VBT's address, which a guest then read as the OpRegion's.
// https://github.com/torvalds/linux/blob/master/drivers/vfio/pci/vfio_pci_igd.c

import { expect, it } from 'vitest';
import { type OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import { ASLS, image, Memory, VBT_2_0, vbtOf } from '../regions/opregion-images.js';

const memory = new Memory([
  [ASLS, image({ version: 0x0200, rvda: BigInt(VBT_2_0), rvds: 0x2200 })],
  [VBT_2_0, vbtOf(0x2200)],
]);

it.each([
  [undefined, 0],
  [ASLS, ASLS],
  [0x8000_0018, 0x8000_0018],
])('a guest given %s reads %i', (guestAsls, expected) => {
  const region = openOpRegion({ memory, asls: ASLS, guestAsls }) as OpRegion;
  expect(region.guestAsls.read(0xfc, 4)).toBe(expected);
});

it('what a guest writes moves nothing', () => {
  const region = openOpRegion({ memory, asls: ASLS }) as OpRegion;
  region.guestAsls.write(0xfc, 4, 0x1000);
  expect(region.guestAsls.value).toBe(0x1000);
  const into = new Uint8Array(8);
  region.read(0, into);
  expect(new TextDecoder().decode(into)).toBe('IntelGra');
});
