// Intel's X710 reports an error when its expansion ROM is read by 8 bytes.
// https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/drivers/vfio/pci/vfio_pci_rdwr.c

import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { image } from '../pci/rom-images.js';
import { openDoor, RegionHost, SBDF } from '../vfio/region-host.js';

const ROM = 0xfe10_0000;
const IMAGE = image(4, true);
const bars = [
  { index: 0, type: 'mem32', address: 0xfe00_0000, size: 0x1000 },
  { index: 6, type: 'rom', address: ROM, size: 0x1000, enabled: false },
] as const;

function start() {
  const host = new RegionHost();
  host.fill(ROM, IMAGE);
  const widths = new Set<string>();
  host.onCall = (call) => {
    const [, width, address] = /^(?:read|write) (\d)@(\w+)$/.exec(call) ?? [];
    if (width && Number.parseInt(address, 16) >= ROM) widths.add(width);
  };
  return { ...openDoor(host, { bars }), widths };
}

describe('the hardware sees no 8 bytes', () => {
  it('when a guest reads 8', () => {
    const { dispatcher, widths } = start();
    dispatcher.find(SBDF)?.config.write(0x30, 4, ROM | 1);
    for (const width of [8, 4, 2, 1] as Width[]) {
      for (let offset = 0; offset < IMAGE.length; offset++) dispatcher.read(ROM + offset, width);
    }
    expect([...widths].sort()).toEqual(['1', '4']);
    expect([dispatcher.read(ROM + 8, 8), dispatcher.high]).toEqual(
      [8, 12].map((at) => Buffer.from(IMAGE).readUInt32LE(at)),
    );
  });

  it('when the region door reads whatever it likes', () => {
    const { door, widths } = start();
    for (const [position, count] of [
      [0, 0x1000],
      [8, 8],
      [1, 31],
    ]) {
      const into = new Uint8Array(count);
      expect(door.pread({ index: 6, position }, into)).toBe(count);
      const length = Math.min(count, IMAGE.length - position);
      expect([...into.subarray(0, length)]).toEqual(IMAGE.slice(position, position + length));
    }
    expect([...widths].sort()).toEqual(['1', '4']);
  });
});
