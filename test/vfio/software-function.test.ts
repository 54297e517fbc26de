import { describe, expect, it } from 'vitest';
import type { BarDescription } from '../../src/function.js';
import type { DeviceModel } from '../../src/msix/device-model.js';
import type { RegionDoor, RegionDoorOptions } from '../../src/vfio/door.js';
import { errno } from '../../src/vfio/errno.js';
import { regionFlags, regionOffset } from '../../src/vfio/region.js';
import { NOTHING } from '../../src/vfio/transfer.js';
import { BAR, PBA, SoftwareDevice, type SoftwareDeviceOptions, TABLE } from '../msix/software-device.js';
import { image } from '../pci/rom-images.js';
import { accessesOf, everyTransfer } from './access-model.js';
import { buffer, positions, RegionHost } from './region-host.js';

const { READ, WRITE } = regionFlags;
const CONFIG = 7;
const CAPABILITY = 0x60;
/** What the guest's addresses of BAR 0 are not. */
const HOST = 0x12_3400_0000;

const bars: BarDescription[] = [
  { index: 0, type: 'mem32', address: BAR, hostAddress: HOST, size: 0x10000 },
  { index: 2, type: 'io', address: 0xc000, size: 0x20 },
];

function doorOf({ dispatcher }: SoftwareDevice, options?: RegionDoorOptions, sbdf = 8): RegionDoor {
  const door = dispatcher.openRegions(sbdf, options);
  if (typeof door === 'number') throw new Error(`open failed: ${door}`);
  return door;
}

/** A device and its door, memory decoding on; nothing of it recorded. */
function open(
  options: Omit<SoftwareDeviceOptions, 'host'> & { host?: RegionHost } = {},
  mapping?: RegionDoorOptions['mapping'],
) {
  const { host = new RegionHost() } = options;
  const device = new SoftwareDevice({ bars, ...options, host });
  const door = doorOf(device, { mapping });
  device.fn.setDecode(true);
  host.take();
  device.told();
  return { host, device, door };
}

/** Accesses that begin at one of these positions. */
const within = (accesses: readonly string[], isInside: (position: number) => boolean): string[] =>
  accesses.filter((access) => isInside(Number(access.split('@')[1])));

/** What can be asked of a door, by its result. */
const everything = (door: RegionDoor) => [
  door.pread(0, buffer(1)),
  door.pread(PBA, buffer(8)),
  door.pread(regionOffset(CONFIG), buffer(1)),
  door.pwrite(0, buffer(1)),
  door.regionInfo(0),
  door.reset(),
];

describe('regionInfo', () => {
  it('has its BARs and configuration space, and nothing else', () => {
    const { door } = open();
    expect(door.regionInfo(0)).toMatchObject({ index: 0, offset: 0, size: 0x10000 });
    expect(door.regionInfo(2)).toMatchObject({ size: 0x20, flags: READ | WRITE });
    expect(door.regionInfo(CONFIG)).toMatchObject({ size: 256, flags: READ | WRITE });
    for (const index of [1, 3, 4, 5, 6]) expect(door.regionInfo(index)).toMatchObject({ size: 0, flags: 0 });
    for (const index of [8, 9]) expect(door.regionInfo(index)).toBe(errno.EINVAL);
  });

  it('names the pages that hold neither table nor PBA as those to map', () => {
    expect(open().door.regionInfo(0)).toMatchObject({
      msixMappable: false,
      mappable: [
        { offset: 0x1000, size: 0x7000 },
        { offset: 0x9000, size: 0x7000 },
      ],
    });
  });
});

describe('bytes of a BAR', () => {
  it("are those of the model's pages, at the host address, and the guest's", () => {
    const { host, device, door } = open();
    for (const position of [0, 0x3000, PBA - 8, PBA + 8, 0xfff8]) {
      const from = Uint8Array.of(1, 2, 3, 4, 0xf5, 0xf6, 0xf7, 0xf8);
      expect(door.pwrite(position, from)).toBe(8);
      expect([...from.keys()].map((index) => host.at(HOST + position + index))).toEqual([...from]);
      const into = buffer(8);
      expect(door.pread(position, into)).toBe(8);
      expect(into).toEqual(from);
    }
    expect(device.dispatcher.readBig(BAR + PBA + 8)).toBe(0xf8f7f6f5_04030201n);
    device.dispatcher.write(BAR + PBA + 8, 2, 0xbeef);
    const into = buffer(4);
    door.pread(PBA + 8, into);
    expect([...into]).toEqual([0xef, 0xbe, 3, 4]);
  });

  it('end with the BAR', () => {
    const { door } = open();
    expect(door.pread(0xfffe, buffer(4))).toBe(2);
    expect(door.pwrite(0xffff, buffer(4))).toBe(1);
    expect(door.pread(0x10000, buffer(1))).toBe(errno.EINVAL);
  });

  it('are mapped when they are accessed, and unmapped at close; pending bits need no page', () => {
    const { host, door } = open();
    door.pread(PBA, buffer(8));
    expect(host.take()).toEqual([]);
    door.pread(PBA + 8, buffer(4));
    door.pread(PBA + 12, buffer(4));
    door.pread(0x3000, buffer(4));
    expect(host.take('map')).toEqual(['map 1234008000', 'map 1234003000']);
    door.close();
    expect(host.take('unmap').sort()).toEqual(['unmap 1234003000', 'unmap 1234008000']);
  });

  it('that the host does not map are ENOMEM', () => {
    const { host, door } = open();
    host.unmappable.add(HOST + 0x3000);
    expect(door.pread(0x3000, buffer(4))).toBe(errno.ENOMEM);
    expect(door.pwrite(0x2ffc, buffer(8))).toBe(errno.ENOMEM);
    expect(host.accesses()).toEqual([]);
    host.unmappable.clear();
    expect(door.pread(0x3000, buffer(4))).toBe(4);
  });

  it('on the page of the PBA that the host does not map are ENOMEM, but not the pending bits', () => {
    const { host, device, door } = open();
    host.unmappable.add(HOST + 0x8000);
    expect([door.pread(PBA + 8, buffer(4)), door.pwrite(PBA - 4, buffer(4))]).toEqual([
      errno.ENOMEM,
      errno.ENOMEM,
    ]);
    expect(door.pread(PBA, buffer(8))).toBe(8);
    door.close();
    expect(device.dispatcher.openRegions(8, { mapping: 'eager' })).toBe(errno.ENOMEM);
  });

  it('on the page of the PBA, mapped for the door and for the guest, are unmapped for both', () => {
    const { host, device, door } = open({ bars: undefined });
    door.pread(PBA + 8, buffer(4));
    device.dispatcher.read(BAR + PBA + 8, 4);
    device.fn.setDecode(false);
    device.fn.setDecode(true);
    door.pread(PBA + 8, buffer(4));
    device.dispatcher.deassign(8);
    const calls = host.take('map', 'unmap').map((call) => call.split(' ')[0]);
    expect(calls).toEqual(['map', 'map', 'unmap', 'unmap']);
  });

  it.each([
    ['the PBA', 0, 2],
    ['the registers', 2, 0],
  ])('are found where BARs that changed places have them, %s read before', (_name, before, after) => {
    const two = [BAR, BAR + 0x10000].map((address, index) => ({
      index: 2 * index,
      type: 'mem32' as const,
      address,
      size: 0x10000,
    }));
    const { host, device, door } = open({ domain: 'hardware', bars: two });
    device.interrupts.use(1);
    device.interrupts.raise(1);
    door.pread(regionOffset(before, PBA), buffer(8));
    device.fn.setDecode(false);
    device.fn.moveBar(0, 0xd0000000);
    device.fn.moveBar(2, BAR);
    device.fn.moveBar(0, BAR + 0x10000);
    device.fn.setDecode(true);
    const into = buffer(8);
    expect(door.pread(regionOffset(after, PBA), into)).toBe(8);
    const registers = [...into.keys()].map((index) => host.at(BAR + PBA + index));
    expect([...into]).toEqual(after === 2 ? registers : [2, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('at host address 0 are no more than at any other: it is but a name', () => {
    const { door } = open({
      bars: [{ index: 0, type: 'mem32', address: BAR, hostAddress: 0, size: 0x10000 }],
    });
    expect(door.pread(0x2000, buffer(4))).toBe(4);
  });

  it('that moved in the guest stay where they are', () => {
    const { host, device, door } = open();
    device.interrupts.use(1);
    device.interrupts.raise(1);
    device.fn.setDecode(false);
    expect(device.fn.moveBar(0, 0xd0000000)).toBe(true);
    device.fn.setDecode(true);
    expect(device.dispatcher.read(0xd0000000 + PBA, 4)).toBe(2);
    const into = buffer(8);
    expect(door.pread(PBA, into)).toBe(8);
    expect([...into]).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
    host.take();
    door.pread(0x3000, buffer(4));
    expect(positions(host.accesses(), HOST)).toEqual(['4@12288']);
  });
});

describe('the MSI-X table', () => {
  const excluded = { start: TABLE, end: TABLE + 32 };
  const isEntry = (position: number) => position >= excluded.start && position < excluded.end;

  it('reads 0xff at every offset and count, and the registers around it as they are', () => {
    const { host, device, door } = open();
    device.start();
    everyTransfer(TABLE - 17, TABLE + 41, (position, count) => {
      const into = buffer(count);
      expect(door.pread(position, into)).toBe(count);
      const expected = [...into.keys()].map((index) =>
        isEntry(position + index) ? 0xff : host.at(HOST + position + index),
      );
      expect([...into]).toEqual(expected);
      expect(positions(host.accesses(), HOST)).toEqual(accessesOf(position, count, excluded, 8));
    });
  });

  it('is not written at any offset and count: the entries stay, and nobody is told', () => {
    const { host, device, door } = open();
    device.start();
    const entries = () => [0, 1].map((vector) => device.fn.vector(vector));
    const before = entries();
    host.take();
    everyTransfer(TABLE - 17, TABLE + 41, (position, count) => {
      host.bytes.clear();
      expect(door.pwrite(position, buffer(count).fill(0x5b))).toBe(count);
      expect(positions(host.accesses(), HOST)).toEqual(accessesOf(position, count, excluded, 8));
      for (const address of host.bytes.keys()) expect(isEntry(address - HOST)).toBe(false);
    });
    expect(entries()).toEqual(before);
    expect(device.told()).toEqual([]);
    expect(device.dispatcher.read(device.entry(1) + 8, 4)).toBe(0x41);
  });
});

describe('the PBA', () => {
  const msix = { count: 100 };
  const size = 16;
  const isPending = (position: number) => position >= PBA && position < PBA + size;

  it('reads the pending bits at every offset and count, and the registers around it as they are', () => {
    const { host, device, door } = open({ msix });
    device.interrupts.useAll();
    const raised = [0, 7, 8, 31, 32, 62, 63, 64, 98, 99];
    for (const vector of raised) device.interrupts.raise(vector);
    const bits = new Uint8Array(size);
    for (const vector of raised) bits[vector >> 3] |= 1 << (vector & 7);
    everyTransfer(PBA - 17, PBA + size + 9, (position, count) => {
      const into = buffer(count);
      expect(door.pread(position, into)).toBe(count);
      const expected = [...into.keys()].map((index) => {
        const at = position + index;
        return isPending(at) ? bits[at - PBA] : host.at(HOST + at);
      });
      expect([...into]).toEqual(expected);
      const accesses = accessesOf(position, count, NOTHING, 8);
      expect(positions(host.accesses(), HOST)).toEqual(within(accesses, (at) => !isPending(at)));
    });
  });

  it('polls the vectors of each access at every offset and count, and none beyond the last', () => {
    const polls: number[][] = [];
    const { door } = open({ msix, model: { poll: (...range) => polls.push(range) } });
    everyTransfer(PBA - 17, PBA + size + 9, (position, count) => {
      door.pread(position, buffer(count));
      const expected = within(accessesOf(position, count, NOTHING, 8), isPending).map((access) => {
        const [width, at] = access.split('@').map(Number);
        return [8 * (at - PBA), Math.min(8 * (at - PBA + width), 100)];
      });
      expect(polls.splice(0)).toEqual(expected.filter(([first]) => first < 100));
    });
  });

  it('sees what is raised by the poll', () => {
    const { device, door } = open({
      msix,
      model: {
        poll(first, end) {
          for (let vector = first; vector < end; vector++) device.interrupts.raise(vector);
        },
      },
    });
    device.interrupts.useAll();
    const into = buffer(20);
    expect(door.pread(PBA + 4, into)).toBe(20);
    expect([...into.subarray(0, 12)]).toEqual([...new Array(8).fill(0xff), 0x0f, 0, 0, 0]);
    expect([device.interrupts.pending(31), device.interrupts.pending(32)]).toEqual([false, true]);
  });

  it('is not written at any offset and count, and polls nothing then', () => {
    const polls: number[][] = [];
    const { host, device, door } = open({ msix, model: { poll: (...range) => polls.push(range) } });
    device.interrupts.useAll();
    device.interrupts.raise(9);
    everyTransfer(PBA - 17, PBA + size + 9, (position, count) => {
      host.bytes.clear();
      expect(door.pwrite(position, buffer(count).fill(0xff))).toBe(count);
      const accesses = accessesOf(position, count, NOTHING, 8);
      expect(positions(host.accesses(), HOST)).toEqual(within(accesses, (at) => !isPending(at)));
      for (const address of host.bytes.keys()) expect(isPending(address - HOST)).toBe(false);
    });
    expect(polls).toEqual([]);
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(1n << 9n);
    expect(device.dispatcher.readBig(BAR + PBA + 8)).toBe(0n);
  });

  it('is where its BAR has it: across two pages, in a BAR of its own, in a small one', () => {
    const own: BarDescription = { index: 3, type: 'mem32', address: 0xd0000800, size: 0x800 };
    for (const [bir, offset] of [
      [0, 0x8ff8],
      [3, 0x40],
      [3, 0x7f0],
    ]) {
      const { device, door } = open({
        bars: [...bars, own],
        msix: { count: 128, table: { bir: 0, offset: 0 }, pba: { bir, offset } },
      });
      device.interrupts.useAll();
      for (const vector of [1, 63, 64, 127]) device.interrupts.raise(vector);
      const into = buffer(16);
      expect(door.pread(regionOffset(bir, offset), into)).toBe(16);
      expect([...into]).toEqual([2, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0x80]);
    }
  });

  it('is EIO where the poll throws, the error at onError', () => {
    const wrong = new Error('no eventfd');
    const { device, door } = open({
      model: {
        poll() {
          throw wrong;
        },
      },
    });
    expect(door.pread(PBA, buffer(8))).toBe(errno.EIO);
    expect(device.errors).toEqual([wrong]);
    expect(door.pread(PBA + 8, buffer(8))).toBe(8);
  });
});

describe('configuration space', () => {
  it('drives Message Control by every transfer that has its upper byte, and by no other', () => {
    const { device, door } = open();
    device.start();
    for (let position = CAPABILITY - 4; position < CAPABILITY + 12; position++) {
      for (let count = 1; count <= 12; count++) {
        device.control(false);
        device.interrupts.raise(1);
        const from = new Uint8Array(count);
        const upper = CAPABILITY + 3 - position;
        if (upper >= 0 && upper < count) from[upper] = 0x80;
        device.told();
        expect(door.pwrite(regionOffset(CONFIG, position), from)).toBe(count);
        const enabled = from.includes(0x80);
        expect(device.fn.messageControl).toBe(enabled ? 0x8001 : 1);
        expect(device.sent()).toEqual(enabled ? ['send 1 41'] : []);
      }
    }
  });

  it.each([
    [0x80, true, false],
    [0x40, false, true],
    [0xc0, true, true],
    [0x00, false, false],
  ])('reads %i back from Message Control', (byte, enabled, functionMask) => {
    const { device, door } = open();
    device.start();
    expect(door.pwrite(regionOffset(CONFIG, CAPABILITY + 3), Uint8Array.of(byte))).toBe(1);
    const into = buffer(12);
    expect(door.pread(regionOffset(CONFIG, CAPABILITY), into)).toBe(12);
    expect([...into]).toEqual([0x11, 0, 1, byte, 0, 1, 0, 0, 0, 0x88, 0, 0]);
    expect(device.interrupts.masked(0)).toBe(!enabled || functionMask);
  });

  it('switches memory decoding, for the guest as well', () => {
    const { device, door } = open();
    expect(door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(0, 0))).toBe(2);
    expect(device.fn.decoding).toBe(false);
    expect(device.dispatcher.read(BAR + PBA, 4)).toBe(-1);
    expect(door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(2))).toBe(1);
    expect(device.dispatcher.read(BAR + PBA, 4)).toBe(0);
  });

  it('says nothing to the host: there is no hardware', () => {
    const { host, door } = open();
    door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(0));
    door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(2));
    door.pwrite(regionOffset(CONFIG, CAPABILITY + 2), Uint8Array.of(0, 0x80));
    expect(host.take('config')).toEqual([]);
  });
});

describe('memory decoding', () => {
  it('is off after open, until configuration space switches it on', () => {
    const { device, door } = open();
    door.reset();
    expect(device.fn.decoding).toBe(false);
    expect(door.pread(0, buffer(1))).toBe(errno.EIO);
    door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(2));
    expect(door.pread(0, buffer(1))).toBe(1);
    door.close();
    expect(doorOf(device).pread(0, buffer(1))).toBe(errno.EIO);
  });

  it('off is EIO for registers and pending bits, which are not polled; the table reads 0xff', () => {
    const polls: number[][] = [];
    const { host, device, door } = open({ model: { poll: (...range) => polls.push(range) } });
    device.fn.setDecode(false);
    host.take();
    for (const position of [0, TABLE - 1, TABLE + 32, PBA - 1, PBA, PBA + 7, PBA + 8, 0xffff]) {
      expect(door.pread(position, buffer(8))).toBe(errno.EIO);
      expect(door.pwrite(position, buffer(8))).toBe(errno.EIO);
    }
    expect(door.pread(TABLE + 31, buffer(1))).toBe(1);
    expect(door.pread(TABLE + 31, buffer(2))).toBe(errno.EIO);
    expect([host.accesses(), polls]).toEqual([[], []]);
  });

  it('switched off by the poll: EIO at the next access', () => {
    const { host, device, door } = open({ model: { poll: () => device.fn.setDecode(false) } });
    expect(door.pread(PBA - 8, buffer(24))).toBe(errno.EIO);
    expect(positions(host.accesses(), HOST)).toEqual([`8@${PBA - 8}`]);
  });

  it('does not matter to its ports', () => {
    const { host, device, door } = open();
    device.fn.setDecode(false);
    host.take();
    expect(door.pread(regionOffset(2, 4), buffer(4))).toBe(4);
    expect(door.pwrite(regionOffset(2, 6), Uint8Array.of(1, 2))).toBe(2);
    expect(host.take()).toEqual(['in 4@c004', 'out 2@c006 201']);
    Object.assign(host, { readPort: undefined, writePort: undefined });
    const without = open({ host });
    expect(without.door.pread(regionOffset(2), buffer(1))).toBe(errno.ENOMEM);
  });
});

it('its ROM is read from its pages, and no decoder of the host is switched', () => {
  const host = new RegionHost();
  const bytes = image(2, true);
  host.fill(0xfd000000, bytes);
  const rom: BarDescription = { index: 6, type: 'rom', address: 0xfd000000, size: 0x1000, enabled: false };
  const { door } = open({ host, bars: [...bars, rom] });
  expect(door.regionInfo(6)).toMatchObject({ size: 0x1000, flags: READ });
  const into = buffer(0x408);
  expect(door.pread(regionOffset(6), into)).toBe(0x408);
  expect([...into]).toEqual([...bytes, ...new Array(8).fill(0xff)]);
  expect(door.pwrite(regionOffset(6), buffer(1))).toBe(errno.EINVAL);
  expect(host.take('config')).toEqual([]);
});

describe('a reset', () => {
  /** A model that counts its resets. */
  const counting = (onReset: () => void = () => {}) => {
    const model: Partial<DeviceModel> & { resets: number } = {
      resets: 0,
      onReset() {
        model.resets++;
        onReset();
      },
    };
    return model;
  };

  it('is told to the model once each: at open, on demand, at close', () => {
    const model = counting();
    const { host, door } = open({ model });
    expect(model.resets).toBe(1);
    expect(door.reset()).toBe(0);
    expect(model.resets).toBe(2);
    door.close();
    expect(model.resets).toBe(3);
    expect(door.reset()).toBe(errno.EBADF);
    door.close();
    expect(model.resets).toBe(3);
    expect(host.take('reset', 'request', 'release', 'config')).toEqual([]);
  });

  it.each(['revoke', 'deassign'] as const)('is told to the model at %s', (method) => {
    const model = counting();
    const { device, door } = open({ model });
    if (method === 'revoke') door.revoke();
    else device.dispatcher.deassign(8);
    expect(model.resets).toBe(2);
  });

  it('clears pending bits, table and Message Control', () => {
    const { device, door } = open();
    device.start();
    device.setMask(1, true);
    device.interrupts.raise(1);
    expect(door.reset()).toBe(0);
    device.fn.setDecode(true);
    const into = buffer(8);
    door.pread(PBA, into);
    expect([...into]).toEqual(new Array(8).fill(0));
    expect(device.fn.messageControl).toBe(1);
    expect(device.fn.vector(1)).toMatchObject({ addressLow: 0, data: 0, masked: true });
  });

  it('that throws is one that failed: the door opens, on demand it is EINVAL, close does not try', () => {
    const wrong = new Error('stuck');
    const model = counting(() => {
      throw wrong;
    });
    const { device, door } = open({ model });
    expect(device.errors).toEqual([wrong]);
    expect(door.pread(0, buffer(1))).toBe(1);
    expect(door.reset()).toBe(errno.EINVAL);
    door.close();
    expect(model.resets).toBe(1);
  });

  it('follows from leaving D3hot, where memory is EIO', () => {
    const config = new Uint8Array(256);
    config[0x06] = 0x10;
    config[0x34] = 0x40;
    config.set([0x01, 0x60, 0x03, 0x00], 0x40);
    config.set([0x11, 0x00, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x88, 0x00, 0x00], 0x60);
    const model = counting();
    const { device, door } = open({ model, config });
    const power = (state: number) => door.pwrite(regionOffset(CONFIG, 0x44), Uint8Array.of(state));
    expect(power(3)).toBe(1);
    expect([door.pread(0, buffer(1)), door.pread(PBA, buffer(8))]).toEqual([errno.EIO, errno.EIO]);
    expect(model.resets).toBe(1);
    power(0);
    expect(model.resets).toBe(2);
    expect(device.fn.decoding).toBe(false);
  });
});

describe('the door', () => {
  it("is the function's own: what the host says of its physical functions does not count", () => {
    const host = new RegionHost();
    host.refuses = true;
    host.resets = false;
    const { door } = open({ host });
    expect(door.reset()).toBe(0);
  });

  it('is exclusive until closed, and then another one', () => {
    const { device, door } = open();
    expect(device.dispatcher.openRegions(8)).toBe(errno.EBUSY);
    door.close();
    const second = doorOf(device);
    device.fn.setDecode(true);
    expect(everything(door)).toEqual(new Array(6).fill(errno.EBADF));
    expect([second.pread(0, buffer(1)), second.pread(PBA, buffer(8))]).toEqual([1, 8]);
    door.revoke();
    expect(device.dispatcher.openRegions(8)).toBe(errno.EBUSY);
  });

  it.each(['revoke', 'deassign'] as const)('is ENODEV for everything after %s', (method) => {
    const { host, device, door } = open();
    door.pread(0, buffer(1));
    door.pread(PBA + 8, buffer(1));
    host.take();
    if (method === 'revoke') door.revoke();
    else device.dispatcher.deassign(8);
    expect(host.take('unmap').sort()).toEqual(['unmap 1234000000', 'unmap 1234008000']);
    expect(everything(door)).toEqual(new Array(6).fill(errno.ENODEV));
  });

  it.each([
    ['close', errno.EBADF],
    ['revoke', errno.ENODEV],
    ['deassign', errno.ENODEV],
  ] as const)('%s by the poll ends the transfer after that access', (method, result) => {
    const { host, device, door } = open({
      model: {
        poll() {
          if (method === 'deassign') device.dispatcher.deassign(8);
          else door[method]();
        },
      },
    });
    expect(door.pread(PBA - 8, buffer(24))).toBe(result);
    expect(host.take('map', 'read', 'unmap')).toEqual([
      'map 1234008000',
      `read 8@${(HOST + PBA - 8).toString(16)}`,
      'unmap 1234008000',
    ]);
    expect(device.errors).toEqual([]);
  });

  it('whose function is deassigned by its reset at open does not open', () => {
    const device: SoftwareDevice = new SoftwareDevice({
      host: new RegionHost(),
      model: { onReset: () => device.dispatcher.deassign(8) },
    });
    expect(device.dispatcher.openRegions(8)).toBe(errno.ENODEV);
    expect(device.dispatcher.functions).toEqual([]);
  });

  it('eager maps the pages of registers at open, and no other later', () => {
    const { host, door } = open({}, 'eager');
    door.pread(0, buffer(0x8000));
    door.pread(0x9000, buffer(0x7000));
    expect(host.take('map')).toEqual([]);
    door.close();
    expect(host.take('unmap').filter((call) => call !== 'unmap 1234008000')).toHaveLength(15);
  });

  it('eager fails whole where a page cannot be mapped', () => {
    const host = new RegionHost();
    host.unmappable.add(HOST + 0x3000);
    const device = new SoftwareDevice({ host, bars });
    expect(device.dispatcher.openRegions(8, { mapping: 'eager' })).toBe(errno.ENOMEM);
    const count = (calls: string[], kind: string) => calls.filter((call) => call.startsWith(kind)).length;
    const calls = host.take();
    expect([count(calls, 'map '), count(calls, 'unmap ')]).toEqual([4, 3]);
    host.unmappable.clear();
    expect(doorOf(device, { mapping: 'eager' })).toBeDefined();
  });

  it('serves a function without MSI-X: every byte is its pages', () => {
    const device = new SoftwareDevice({ host: new RegionHost() });
    const resets: number[] = [];
    const software = { send() {}, onReset: () => resets.push(1) };
    const fn = device.dispatcher.assign({
      sbdf: 9,
      bars: [{ index: 0, type: 'mem32', address: 0xd0000000, size: 0x1000 }],
      software,
    });
    const door = doorOf(device, {}, 9);
    fn.setDecode(true);
    expect(door.pwrite(0x100, Uint8Array.of(1, 2, 3))).toBe(3);
    const into = buffer(4);
    expect(door.pread(0xff, into)).toBe(4);
    expect([...into.subarray(1)]).toEqual([1, 2, 3]);
    expect(resets).toEqual([1]);
  });
});
