// A BAR with an MSI-X table was trapped as a whole, so that all of its registers cost an exit each.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/3237
// https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/commit/?id=a32295c612c5

import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import type { RegionDoor } from '../../src/vfio/door.js';
import { MappingHost } from '../mapping-host.js';
import { BAR, description } from './kinds.js';

/** 1 MiB of a network controller's virtual function. */
const size = 0x10_0000;
const device = (pba: number) => ({
  ...description,
  bars: [{ index: 0, type: 'mem64', address: BAR, size }] as const,
  msix: { count: 12, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: pba } },
});

describe.each(Object.values(policies))('$name', (policy) => {
  it.each([
    ['on a page of its own', 0x3000, [2, 3]],
    ['on the page of the table', 0x2f00, [2]],
    ['on the last page, beside registers', 0xff000, [2, 255]],
  ])('a PBA %s: 254 pages and more map directly, and no access to them comes here', (_name, pba, trapped) => {
    const host = new MappingHost();
    const dispatcher = createDispatcher({ host, policy });
    dispatcher.assign(device(pba));
    expect(dispatcher.trappedPages).toBe(trapped.length);
    for (let page = 0; page < size / 4096; page++) {
      const address = BAR + page * 4096;
      const traps = trapped.includes(page);
      expect(host.direct.get(address)).toBe(traps ? undefined : address);
      expect(dispatcher.read(address + 0x800, 4) === UNCLAIMED).toBe(!traps);
    }
  });
});

it('the region door lets a driver map all but the page of the table, as MSIX_MAPPABLE does', () => {
  const dispatcher = createDispatcher({ host: new MappingHost() });
  dispatcher.assign(device(0x3000));
  const door = dispatcher.openRegions(description.sbdf) as RegionDoor;
  expect(door.regionInfo(0)).toMatchObject({
    msixMappable: true,
    mappable: [
      { offset: 0, size: 0x2000 },
      { offset: 0x3000, size: size - 0x3000 },
    ],
  });
});
