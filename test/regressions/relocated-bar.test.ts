// A VMM moved the table into the upper half of a guest BAR of twice the size, and cut its holes at these offsets into the
// physical BAR, which ends before them. What is the guest's and what the host's must not be mixed.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/7898

import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import type { RegionDoor } from '../../src/vfio/door.js';
import { MappingHost } from '../mapping-host.js';
import { all, BAR, description, interruptsOf } from './kinds.js';

const MOVED = 0xc0000000;

describe.each(all)('$name', (kind) => {
  it.each(Object.values(policies))(
    'a moved BAR answers at its new place with the old host pages, under $name',
    (policy) => {
      const machine = kind.start({}, policy);
      const { trap, fn, calls } = machine;
      fn.setDecode(false);
      expect(fn.moveBar(0, MOVED)).toBe(true);
      expect(fn.setDecode(true)).toBe('okay');
      expect(fn.bars[0]).toMatchObject({ address: MOVED, hostAddress: BAR });
      calls();

      trap.read(MOVED + 0x2000, 4);
      expect(calls()).toEqual(['map 8 fe002000', 'read fe002000 0 4']);
      trap.write(MOVED + 0x2108, 4, 0x41);
      expect(fn.vector(0).data).toBe(0x41);
      for (const offset of [0x2000, 0x2108, 0x3200]) expect(trap.read(BAR + offset, 4)).toBe(UNCLAIMED);

      if (kind.software) {
        interruptsOf(machine).use(2);
        interruptsOf(machine).raise(2);
        expect(trap.read(MOVED + 0x3200, 4)).toBe(4);
        expect(calls()).toEqual([]);
      } else {
        trap.read(MOVED + 0x3200, 4);
        expect(calls()).toEqual(['map 8 fe003000', 'read fe003000 512 4']);
      }
    },
  );
});

describe('a table at 0x5200 and a PBA at 0xd600 of 64 KiB, as the KIOXIA CD8P has them', () => {
  const device = {
    ...description,
    bars: [{ index: 0, type: 'mem64', address: BAR, size: 0x10000 }],
    msix: { count: 129, table: { bir: 0, offset: 0x5200 }, pba: { bir: 0, offset: 0xd600 } },
  } as const;

  it.each(Object.values(policies))(
    'all but their two pages map directly, and to the physical BAR wherever the guest moves its own, under $name',
    (policy) => {
      const host = new MappingHost();
      const fn = createDispatcher({ host, policy }).assign(device);
      for (const address of [BAR, MOVED, 0x80_0000_0000]) {
        fn.setDecode(false);
        expect(host.direct.size).toBe(0);
        fn.moveBar(0, address);
        fn.setDecode(true);
        expect(fn.mapping.filter(({ kind }) => kind === 'trap')).toEqual([
          { bar: 0, kind: 'trap', guest: address + 0x5000, length: 0x1000 },
          { bar: 0, kind: 'trap', guest: address + 0xd000, length: 0x1000 },
        ]);
        expect([...host.direct].map(([guest, page]) => [guest - address, page - BAR])).toEqual(
          [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15].map((page) => [page * 0x1000, page * 0x1000]),
        );
      }
    },
  );

  it('the region door has one hole, at the physical offset', () => {
    const dispatcher = createDispatcher({ host: new MappingHost() });
    const fn = dispatcher.assign(device);
    fn.setDecode(false);
    fn.moveBar(0, MOVED);
    const door = dispatcher.openRegions(device.sbdf) as RegionDoor;
    expect(door.regionInfo(0)).toMatchObject({
      size: 0x10000,
      mappable: [
        { offset: 0, size: 0x5000 },
        { offset: 0x6000, size: 0xa000 },
      ],
    });
  });
});
