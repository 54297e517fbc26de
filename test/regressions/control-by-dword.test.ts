// Message Control counted only when it was written by 2 bytes at its own offset: Windows on Arm and NVIDIA's Fabric Manager
// write the capability's first 4.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/3714
// https://github.com/cloud-hypervisor/cloud-hypervisor/pull/7956

import { describe, expect, it } from 'vitest';
import { createIoreqServer } from '../../src/hosts/xen.js';
import { createDispatcher, type Dispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import type { RegionDoor } from '../../src/vfio/door.js';
import { RecordingHost } from '../recording-host.js';
import { BAR, CAPABILITY, description, SBDF } from './kinds.js';

type Write = (register: number, width: number, value: number) => void;

const doors: [string, (dispatcher: Dispatcher) => Write][] = [
  [
    'configuration cycles',
    (dispatcher) => (register, width, value) => dispatcher.find(SBDF)?.config.write(register, width, value),
  ],
  [
    'the region door',
    (dispatcher) => {
      const door = dispatcher.openRegions(SBDF) as RegionDoor;
      return (register, width, value) => {
        const bytes = Uint8Array.from({ length: width }, (_, index) => value >>> (8 * index));
        expect(door.pwrite({ index: 7, position: register }, bytes)).toBe(width);
      };
    },
  ],
  [
    "Xen's requests",
    (dispatcher) => {
      const slots = new DataView(new ArrayBuffer(32));
      const memory = { read: () => false, write: () => false };
      const server = createIoreqServer({ dispatcher, slots, memory });
      return (register, width, value) => {
        slots.setUint32(0, register, true);
        slots.setUint32(4, SBDF, true);
        slots.setUint32(8, value, true);
        slots.setUint32(16, 1, true);
        slots.setUint32(20, width, true);
        slots.setUint8(30, 1);
        slots.setUint8(31, 2);
        expect(server.answer(0)).toBe(true);
      };
    },
  ],
];

describe.each(doors)('%s', (_name, open) => {
  it.each(Object.values(policies))('enable and mask by 4, 2 and 1 bytes alike, under $name', (policy) => {
    const host = new RecordingHost();
    const dispatcher = createDispatcher({ host, policy });
    const fn = dispatcher.assign(description);
    const write = open(dispatcher);
    fn.setDecode(true);
    dispatcher.write(BAR + 0x2108, 8, 0x41, 0);
    const armed = () => fn.vector(0).armed;
    for (const [register, width, shift] of [
      [0, 4, 16],
      [2, 2, 0],
      [3, 1, -8],
    ]) {
      const control = (value: number) =>
        write(CAPABILITY + register, width, shift < 0 ? value >>> 8 : (value << shift) >>> 0);
      control(0x8000);
      expect([fn.messageControl, armed()]).toEqual([0x8002, true]);
      control(0xc000);
      expect(fn.messageControl).toBe(0xc002);
      control(0x0000);
      expect([fn.messageControl, armed()]).toEqual([0x0002, false]);
    }
  });

  it('what else is in the 4 bytes is read-only: identity, pointer, table size', () => {
    const dispatcher = createDispatcher({ host: new RecordingHost() });
    const fn = dispatcher.assign(description);
    const write = open(dispatcher);
    write(CAPABILITY, 4, 0xbfff_ffff);
    expect(fn.config.read(CAPABILITY, 4)).toBe(0x8002_0011);
    write(CAPABILITY, 4, 0);
    expect(fn.config.read(CAPABILITY, 4)).toBe(0x0002_0011);
  });
});
