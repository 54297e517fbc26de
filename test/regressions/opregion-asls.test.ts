// The variable of ASLS was used again for the VBT's address, which a guest then read as the OpRegion's.
// https://github.com/torvalds/linux/blob/master/drivers/vfio/pci/vfio_pci_igd.c

import { expect, it } from 'vitest';
import { createDispatcher } from '../../src/index.js';
import { type OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import { MemoryHost } from '../memory-host.js';
import { ASLS, image, Memory, VBT_2_0, vbtOf } from '../regions/opregion-images.js';

const memory = new Memory([
  [ASLS, image({ version: 0x0200, rvda: BigInt(VBT_2_0), rvds: 0x2200 })],
  [VBT_2_0, vbtOf(0x2200)],
]);

const assign = (region: OpRegion) =>
  createDispatcher({ host: new MemoryHost() }).assign({
    sbdf: '00:02.0',
    bars: [],
    registers: [region.guestAsls],
  });

it.each([
  [undefined, 0],
  [ASLS, ASLS],
  [0x8000_0018, 0x8000_0018],
])('a guest given %s reads %i', (guestAsls, expected) => {
  const region = openOpRegion({ memory, asls: ASLS, guestAsls }) as OpRegion;
  expect(assign(region).config.read(0xfc, 4)).toBe(expected);
});

it('what a guest writes moves nothing', () => {
  const region = openOpRegion({ memory, asls: ASLS }) as OpRegion;
  const fn = assign(region);
  fn.placeRegion(region, 0x8000_0000);
  fn.config.write(0xfc, 4, 0x1000);
  expect(fn.config.read(0xfc, 4)).toBe(0x1000);
  expect(fn.ranges[0].address).toBe(0x8000_0000);
  const into = new Uint8Array(8);
  region.read(0, into);
  expect(new TextDecoder().decode(into)).toBe('IntelGra');
});
