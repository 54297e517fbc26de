import { describe, expect, it } from 'vitest';
import type { FunctionDescription } from '../../src/function.js';
import type { DeviceRegion } from '../../src/index.js';
import { errno } from '../../src/vfio/errno.js';
import { regionFlags, regionOffset } from '../../src/vfio/region.js';
import { NOTHING } from '../../src/vfio/transfer.js';
import { accessesOf, everyTransfer } from './access-model.js';
import { buffer, openDoor, positions, RegionHost } from './region-host.js';

const { READ, WRITE } = regionFlags;
const bars: FunctionDescription['bars'] = [{ index: 0, type: 'mem32', address: 0xfe00_0000, size: 0x1000 }];

describe('configuration space', () => {
  const CONFIG = 7;
  const image = Uint8Array.from({ length: 256 }, (_, index) => (index >= 0x50 ? index : 0));

  it.each([256, 4096])('has %i bytes', (size) => {
    const { door } = openDoor(new RegionHost(), { bars, config: new Uint8Array(size) });
    expect(door.regionInfo(CONFIG)).toMatchObject({ index: 7, size, flags: READ | WRITE, mappable: [] });
  });

  it('any length at any offset, in cycles of 4, 2 and 1', () => {
    const { dispatcher, door } = openDoor(new RegionHost(), { bars, config: image });
    const cycles: string[] = [];
    const { config } = dispatcher.functions[0];
    const { read, write } = config;
    config.read = (offset, width) => {
      cycles.push(`${width}@${offset}`);
      return read.call(config, offset, width);
    };
    config.write = (offset, width, value) => {
      cycles.push(`${width}@${offset}=${value.toString(16)}`);
      write.call(config, offset, width, value);
    };
    everyTransfer(0x50, 0x70, (position, count) => {
      const into = buffer(count);
      expect(door.pread(regionOffset(CONFIG, position), into)).toBe(count);
      expect(into).toEqual(image.slice(position, position + count));
      expect(cycles.splice(0)).toEqual(accessesOf(position, count, NOTHING, 4));
    });
    expect(door.pwrite(regionOffset(CONFIG, 0x0e), Uint8Array.of(1, 2, 3, 4, 5, 6))).toBe(6);
    expect(cycles).toEqual(['2@14=201', '4@16=6050403']);
  });

  it('switches memory decoding, and is reached while that is off', () => {
    const { door } = openDoor(new RegionHost(), { bars });
    expect(door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(0))).toBe(1);
    expect(door.pread(0, buffer(1))).toBe(errno.EIO);
    expect(door.pwrite(regionOffset(CONFIG, 4), Uint8Array.of(2, 0))).toBe(2);
    expect(door.pread(0, buffer(1))).toBe(1);
    const command = buffer(2);
    door.pread(regionOffset(CONFIG, 4), command);
    expect([...command]).toEqual([2, 0]);
  });

  it('a transfer that leaves it is EFAULT and does nothing', () => {
    const { door } = openDoor(new RegionHost(), { bars, config: image });
    for (const [position, count] of [
      [256, 1],
      [255, 2],
      [0, 257],
      [300, 4],
    ]) {
      const into = buffer(count);
      expect(door.pread(regionOffset(CONFIG, position), into)).toBe(errno.EFAULT);
      expect(into).toEqual(buffer(count));
      expect(door.pwrite(regionOffset(CONFIG, position), into)).toBe(errno.EFAULT);
    }
    expect(door.pread(regionOffset(CONFIG, 255), buffer(1))).toBe(1);
    expect(door.pread(regionOffset(CONFIG), buffer(256))).toBe(256);
  });
});

describe('I/O BARs', () => {
  const io: Omit<FunctionDescription, 'sbdf'> = {
    bars: [{ index: 4, type: 'io', address: 0xc000, size: 0x20 }],
  };

  it('ports in accesses of at most 4 bytes, whatever the decoding bits', () => {
    const host = new RegionHost();
    const { dispatcher, door } = openDoor(host, io);
    dispatcher.functions[0].setDecode(false);
    host.ports.set(0xc004, 0x12).set(0xc007, 0x34);
    host.take();
    const into = buffer(8);
    expect(door.pread(regionOffset(4), into)).toBe(8);
    expect([...into]).toEqual([0, 0, 0, 0, 0x12, 0, 0, 0x34]);
    expect(door.pwrite(regionOffset(4, 0x1d), Uint8Array.of(1, 2, 0xff, 4))).toBe(3);
    expect(host.take()).toEqual(['in 4@c000', 'in 4@c004', 'out 1@c01d 1', 'out 2@c01e ff02']);
    expect(door.pread(regionOffset(4, 0x20), into)).toBe(errno.EINVAL);
    expect(door.pwrite(regionOffset(4, 0x20), into)).toBe(errno.EINVAL);
    expect(door.regionInfo(4)).toMatchObject({ size: 0x20, flags: READ | WRITE, mappable: [] });
  });

  it('every offset and count in accesses of at most 4 bytes, as the model has it', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, io);
    for (let port = 0xc000; port < 0xc020; port++) host.ports.set(port, (port * 7 + 1) & 0xff);
    everyTransfer(0, 36, (position, count) => {
      const inside = Math.max(Math.min(count, 0x20 - position), 0);
      const result = count > 0 && position >= 0x20 ? errno.EINVAL : inside;
      const accesses = accessesOf(position, inside, NOTHING, 4);
      const into = buffer(count);
      expect(door.pread(regionOffset(4, position), into)).toBe(result);
      expect(positions(host.take('in'), 0xc000)).toEqual(accesses);
      const bytes = [...into.keys()].map((index) =>
        index < inside ? host.ports.get(0xc000 + position + index) : 0xee,
      );
      expect([...into]).toEqual(bytes);
      expect(door.pwrite(regionOffset(4, position), into)).toBe(result);
      expect(positions(host.take('out'), 0xc000)).toEqual(accesses);
    });
  });

  it('a host without ports: ENOMEM', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, io);
    Object.assign(host, { readPort: undefined, writePort: undefined });
    expect(door.pread(regionOffset(4), buffer(1))).toBe(errno.ENOMEM);
    expect(door.pwrite(regionOffset(4), buffer(1))).toBe(errno.ENOMEM);
  });
});

describe('VGA', () => {
  const VGA = 8;
  const image = new Uint8Array(256);
  image[0x0b] = 0x03;
  const open = (config = image) => {
    const host = new RegionHost();
    return { host, ...openDoor(host, { bars, config }) };
  };

  it('is there for VGA compatible display controllers only', () => {
    expect(open().door.regionInfo(VGA)).toMatchObject({ index: 8, size: 0xc0000, flags: READ | WRITE });
    for (const [sub, base] of [
      [0x80, 0x03],
      [0x00, 0x02],
      [0, 0],
    ]) {
      const other = image.slice();
      other[0x0a] = sub;
      other[0x0b] = base;
      const { door } = open(other);
      expect(door.regionInfo(VGA)).toBe(errno.EINVAL);
      expect(door.pread(regionOffset(VGA, 0xa0000), buffer(1))).toBe(errno.EINVAL);
    }
  });

  it('outside its windows: EINVAL', () => {
    const { host, door } = open();
    for (const position of [0, 0x3af, 0x3bc, 0x3bf, 0x3e0, 0x9ffff, 0xc0000, 0xc0001]) {
      expect(door.pread(regionOffset(VGA, position), buffer(1))).toBe(errno.EINVAL);
      expect(door.pwrite(regionOffset(VGA, position), buffer(1))).toBe(errno.EINVAL);
    }
    expect(host.take('in', 'out', 'read', 'write')).toEqual([]);
  });

  it.each([
    [0x3b0, 16, 12, 'in 4@3b0 in 4@3b4 in 4@3b8'],
    [0x3bb, 4, 1, 'in 1@3bb'],
    [0x3c0, 8, 8, 'in 4@3c0 in 4@3c4'],
    [0x3df, 4, 1, 'in 1@3df'],
    [0xa0000, 8, 8, 'read 4@a0000 read 4@a0004'],
    [0xbfffe, 8, 2, 'read 2@bfffe'],
  ])('%i, count %i: %i bytes, at most 4 at a time', (position, count, result, calls) => {
    const { host, dispatcher, door } = open();
    dispatcher.functions[0].setDecode(false);
    host.take();
    expect(door.pread(regionOffset(VGA, position), buffer(count))).toBe(result);
    expect(host.take('in', 'read').join(' ')).toBe(calls);
    expect(door.pwrite(regionOffset(VGA, position), new Uint8Array(count))).toBe(result);
    const writes = calls.replaceAll('in', 'out').replaceAll('read', 'write');
    expect(
      host
        .take('out', 'write')
        .map((call) => call.replace(/ 0$/, ''))
        .join(' '),
    ).toBe(writes);
  });

  it.each([
    ['the first ports', 0x3b0, 0x3bc],
    ['the second ports', 0x3c0, 0x3e0],
    ['the frame buffer', 0xa0000, 0xc0000],
  ])('every offset and count at both ends of %s, as the model has it', (_name, start, end) => {
    const { host, door } = open();
    const check = (position: number, count: number) => {
      const inside = Math.min(count, end - position);
      const accesses = accessesOf(position, inside, NOTHING, 4);
      expect(door.pread(regionOffset(VGA, position), buffer(count))).toBe(inside);
      expect(positions(host.take('in', 'read'))).toEqual(accesses);
      expect(door.pwrite(regionOffset(VGA, position), buffer(count))).toBe(inside);
      expect(positions(host.take('out', 'write'))).toEqual(accesses);
    };
    everyTransfer(start, start + 12, check);
    everyTransfer(end - 12, end, check);
  });

  it('frame buffer pages are unmapped at close; one that cannot be mapped is ENOMEM', () => {
    const { host, door } = open();
    host.unmappable.add(0xa1000);
    expect(door.pread(regionOffset(VGA, 0xa1000), buffer(1))).toBe(errno.ENOMEM);
    door.pread(regionOffset(VGA, 0xa0000), buffer(1));
    host.take();
    door.close();
    expect(host.take('unmap')).toEqual(['unmap a0000']);
  });
});

describe('regions of the device', () => {
  const bytes = Uint8Array.of(10, 11, 12, 13);
  const readable: DeviceRegion = {
    size: 4,
    type: 0x8000_8086,
    subtype: 1,
    read(position, into) {
      into.set(bytes.subarray(position, position + into.length));
      return into.length;
    },
  };
  const written: string[] = [];
  const writable: DeviceRegion = {
    ...readable,
    write(position, from) {
      written.push(`${position}: ${from}`);
      return from.length;
    },
  };
  const { door, errors } = openDoor(
    new RegionHost(),
    { bars },
    {
      regions: [
        readable,
        writable,
        {
          ...readable,
          read: () => {
            throw new Error('device');
          },
        },
        { ...readable, read: () => errno.EACCES },
      ],
    },
  );

  it('are numbered from 9 and name their type', () => {
    expect(door.regionInfo(9)).toMatchObject({
      index: 9,
      offset: 9 * 2 ** 40,
      size: 4,
      flags: READ,
      type: 0x8000_8086,
    });
    expect(door.regionInfo(10)).toMatchObject({ flags: READ | WRITE, subtype: 1 });
    expect(door.regionInfo(13)).toBe(errno.EINVAL);
    expect(door.pread(regionOffset(13), buffer(1))).toBe(errno.EINVAL);
  });

  it('are cut at their end', () => {
    const into = buffer(4);
    expect(door.pread(regionOffset(9, 2), into)).toBe(2);
    expect([...into]).toEqual([12, 13, 0xee, 0xee]);
    expect(door.pread(regionOffset(9, 4), into)).toBe(errno.EINVAL);
    expect(door.pwrite(regionOffset(10, 3), Uint8Array.of(1, 2))).toBe(1);
    expect(door.pwrite(regionOffset(10, 4), Uint8Array.of(1, 2))).toBe(errno.EINVAL);
    expect(written).toEqual(['3: 1']);
  });

  it('without write are not written; what they throw is EIO, what they return is returned', () => {
    expect(door.pwrite(regionOffset(9), buffer(1))).toBe(errno.EINVAL);
    expect(door.pread(regionOffset(11), buffer(1))).toBe(errno.EIO);
    expect(errors).toHaveLength(1);
    expect(door.pread(regionOffset(12), buffer(1))).toBe(errno.EACCES);
  });
});

it('count 0 is 0 in every region at every position, and asks nobody', () => {
  const config = new Uint8Array(256);
  config[0x0b] = 0x03;
  const unreadable = () => {
    throw new Error('device');
  };
  const host = new RegionHost();
  const { dispatcher, door, errors } = openDoor(
    host,
    {
      bars: [
        ...bars,
        { index: 4, type: 'io', address: 0xc000, size: 0x20 },
        { index: 6, type: 'rom', address: 0xfe10_0000, size: 0x1000, enabled: false },
      ],
      config,
    },
    { regions: [{ size: 4, type: 0, subtype: 0, read: unreadable, write: unreadable }] },
  );
  dispatcher.functions[0].setDecode(false);
  host.take();
  for (let index = 0; index < 12; index++) {
    for (const position of [0, 1, 0x1f, 0x20, 0xfff, 0x1000, 0xa0000, 2 ** 40 - 1]) {
      expect(door.pread(regionOffset(index, position), buffer(0))).toBe(0);
      expect(door.pwrite(regionOffset(index, position), buffer(0))).toBe(0);
    }
  }
  expect([host.take(), errors]).toEqual([[], []]);
});

it('what a region throws when it is asked what it is is EIO', () => {
  const region = {
    size: 4,
    type: 0x8000_8086,
    get subtype(): number {
      throw new Error('device');
    },
    read: () => 0,
  };
  const { door, errors } = openDoor(new RegionHost(), { bars }, { regions: [region] });
  expect(door.regionInfo(9)).toBe(errno.EIO);
  expect(errors).toHaveLength(1);
});
