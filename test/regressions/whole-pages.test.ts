// Memory of 16 KiB was asked to be mapped on a host with larger pages, and BARs that are no whole pages were mapped at all.
// https://github.com/cloud-hypervisor/cloud-hypervisor/commit/23a980cd5
// https://github.com/cloud-hypervisor/cloud-hypervisor/pull/6196

import { expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import { createDispatcher } from '../../src/index.js';
import { MappingHost } from '../mapping-host.js';
import { BAR } from './kinds.js';

const sizes = [16, 32, 256, 2048, 4096, 8192, 0x4000, 0x10000];

it.each(sizes)('a BAR of %i bytes is mapped by whole pages, and served by trapping what is none', (size) => {
  for (const [guestOffset, hostOffset] of [
    [0, 0],
    [0, size],
    [size, 0],
    [3 * size, 2 * size],
  ]) {
    const host = new MappingHost();
    const [address, hostAddress] = [BAR + guestOffset, 0x70_0000_0000 + hostOffset];
    const dispatcher = createDispatcher({ host });
    const fn = dispatcher.assign({
      sbdf: 8,
      bars: [{ index: 0, type: 'mem64', address, hostAddress, size }],
      trapOnly: true,
      decode: true,
    });
    for (const range of fn.mapping) {
      const ends = [range.guest, range.length, range.kind === 'direct' ? range.host : 0];
      expect(ends.map((end) => end % 4096)).toEqual([0, 0, 0]);
    }
    host.take();
    for (let offset = 0; offset < size; offset += 16) {
      const page = address + offset - ((address + offset) % 4096);
      const expected = hostAddress + offset;
      if (host.direct.has(page)) {
        expect((host.direct.get(page) ?? 0) + ((address + offset) % 4096)).toBe(expected);
        continue;
      }
      for (const width of [4, 8] as Width[]) {
        expect(dispatcher.read(address + offset, width)).not.toBe(UNCLAIMED);
        const at = expected % 4096;
        expect(host.take().at(-1)).toBe(`read ${(expected - at).toString(16)} ${at} ${width}`);
      }
    }
    expect(host.direct.size > 0).toBe(size >= 4096);
  }
});
