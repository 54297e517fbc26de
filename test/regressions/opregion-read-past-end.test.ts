// What remained to be read was taken from the count before it was cut to the region: a read past the end went on.
// Message-ID 20210913091408.4ceae061.alex.williamson@redhat.com

import { describe, expect, it } from 'vitest';
import { OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import { ASLS, image, Memory, VBT_2_0, vbtOf } from '../regions/opregion-images.js';

describe.each([
  ['with an extended VBT', 0x2200],
  ['without', 0],
])('%s', (_, rvds) => {
  it.each([1, 2, 16, 0x2200])('a read that begins %i bytes before the end ends there', (left) => {
    const memory = new Memory(
      [
        [ASLS, image({ version: 0x0200, rvda: BigInt(VBT_2_0), rvds })],
        [VBT_2_0, vbtOf(0x4000)],
      ],
      false,
    );
    const region = openOpRegion({ memory, asls: ASLS }) as OpRegion;
    expect(region).toBeInstanceOf(OpRegion);
    const position = Math.max(0, region.size - left);
    const into = new Uint8Array(0x5000).fill(0xee);
    // The readers refuse what lies outside of what was mapped.
    expect(region.read(position, into)).toBe(region.size - position);
    expect(into.subarray(region.size - position).every((byte) => byte === 0xee)).toBe(true);
    expect(region.read(region.size, into)).toBe(-22);
  });
});
