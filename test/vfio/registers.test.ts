import { describe, expect, it } from 'vitest';
import type { FunctionDescription } from '../../src/function.js';
import { regionOffset } from '../../src/vfio/region.js';
import { buffer, openDoor, RegionHost } from './region-host.js';

const BAR = 0x1_0000_0000;
const description: Omit<FunctionDescription, 'sbdf'> = {
  bars: [{ index: 0, type: 'mem64', address: BAR, size: 0x4000, hostAddress: 0x5_0000_0000 }],
  registers: [
    { space: 'bar0', offset: 0x1040, width: 2, value: 0x02c1 },
    { space: 'bar0', offset: 0x1ffd, width: 8, value: 0x1122_3344_5566 },
    { space: 'config', offset: 0x5c, width: 4, value: 0x7c00_0001 },
    { space: 'config', offset: 0xfc, width: 4, value: 0, writable: true },
  ],
};

describe('registers of the guest, through the door', () => {
  it.each(['lazy', 'eager'] as const)('are what the trapped page answers, in any chunk (%s)', (mapping) => {
    const host = new RegionHost();
    const { door, dispatcher } = openDoor(host, description, { mapping });
    const trapped = (position: number) => dispatcher.read(BAR + position, 1);
    for (const start of [0x1038, 0x1ff0]) {
      for (let position = start; position < start + 24; position++) {
        for (let length = 1; length <= 20; length++) {
          const into = buffer(length);
          expect(door.pread(regionOffset(0, position), into)).toBe(length);
          expect([...into]).toEqual(Array.from(into, (_, index) => trapped(position + index)));
        }
      }
    }
    const into = buffer(2);
    door.pread(regionOffset(0, 0x1040), into);
    expect([...into]).toEqual([0xc1, 0x02]);
  });

  it('drop what is written to them, and only that', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, description);
    expect(door.pwrite(regionOffset(0, 0x103c), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe(8);
    expect(host.accesses()).toEqual(['4@50000103c', '1@500001042', '1@500001043']);
    expect([0x1040, 0x1041, 0x1042, 0x1043].map((at) => host.bytes.get(0x5_0000_0000 + at))).toEqual([
      undefined,
      undefined,
      7,
      8,
    ]);
  });

  it('their pages cannot be mapped around them', () => {
    const { door } = openDoor(new RegionHost(), description);
    expect(door.regionInfo(0)).toMatchObject({
      mappable: [
        { offset: 0, size: 0x1000 },
        { offset: 0x3000, size: 0x1000 },
      ],
    });
  });

  it('in configuration space', () => {
    const { door, dispatcher } = openDoor(new RegionHost(), description);
    const { config } = dispatcher.functions[0];
    door.pwrite(regionOffset(7, 0x5c), Uint8Array.of(9, 9, 9, 9));
    door.pwrite(regionOffset(7, 0xfc), Uint8Array.of(1, 2, 3, 4));
    expect([config.read(0x5c, 4), config.read(0xfc, 4)]).toEqual([0x7c00_0001, 0x0403_0201]);
  });
});
