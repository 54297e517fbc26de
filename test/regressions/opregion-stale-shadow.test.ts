// A 2.0 OpRegion was copied when it was opened: what the firmware changed later, such as the lid, was never seen.
// https://lore.kernel.org/kvm/ 2021-08, "vfio/pci: Add OpRegion 2.0 Extended VBT support", v1, Alex Williamson's review

import { expect, it } from 'vitest';
import { OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import { ASLS, image, Memory, VBT_2_0, vbtOf } from '../regions/opregion-images.js';

it.each([true, false])(
  'the firmware changes CLID, CSTS, BCLP and the VBT between two reads (memory: %s)',
  (plain) => {
    const firmware = image({ version: 0x0200, rvda: BigInt(VBT_2_0), rvds: 0x2200 });
    const vbt = vbtOf(0x2200);
    const memory = new Memory(
      [
        [ASLS, firmware],
        [VBT_2_0, vbt],
      ],
      plain,
    );
    const region = openOpRegion({ memory, asls: ASLS }) as OpRegion;
    expect(region).toBeInstanceOf(OpRegion);
    const byte = (position: number) => {
      const into = new Uint8Array(1);
      expect(region.read(position, into)).toBe(1);
      return into[0];
    };
    for (const position of [0x1ac, 0x104, 0x310, 0x2000]) {
      const before = byte(position);
      const [bytes, at] = position < 0x2000 ? [firmware, position] : [vbt, position - 0x2000];
      bytes[at] = ~before;
      expect(byte(position)).toBe(~before & 0xff);
    }
  },
);
