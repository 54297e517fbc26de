// A read that begins inside version or RVDA got the field's first bytes, one that begins inside the VBT the VBT's.
// https://lore.kernel.org/kvm/ 2021-09, "vfio/pci: Add OpRegion 2.0+ Extended VBT support", v4

import { expect, it } from 'vitest';
import { type OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import { ASLS, image, Memory, VBT_2_0, vbtByte, vbtOf } from '../regions/opregion-images.js';

const memory = new Memory([
  [ASLS, image({ version: 0x0200, rvda: BigInt(VBT_2_0), rvds: 0x2200 })],
  [VBT_2_0, vbtOf(0x2200)],
]);
const region = openOpRegion({ memory, asls: ASLS }) as OpRegion;

const RVDA = [0x00, 0x20, 0, 0, 0, 0, 0, 0];

it.each<[string, number, readonly number[]]>([
  ['version', 0x16, [0x01, 0x02]],
  ['RVDA', 0x3ba, RVDA],
  ['VBT', 0x2000, Array.from({ length: 24 }, (_, index) => vbtByte(index))],
])('%s: from any of its bytes to any other', (_, offset, expected) => {
  for (let from = 0; from < expected.length; from++) {
    for (let to = from + 1; to <= expected.length; to++) {
      const into = new Uint8Array(to - from);
      expect(region.read(offset + from, into)).toBe(to - from);
      expect([...into]).toEqual(expected.slice(from, to));
    }
  }
});
