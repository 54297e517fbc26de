import { describe, expect, it } from 'vitest';
import type { FunctionDescription } from '../../src/function.js';
import { errno } from '../../src/vfio/errno.js';
import { regionFlags, regionOffset } from '../../src/vfio/region.js';
import { NOTHING } from '../../src/vfio/transfer.js';
import { accessesOf, everyTransfer } from './access-model.js';
import { buffer, openDoor, positions, RegionHost } from './region-host.js';

const { READ, WRITE, MMAP } = regionFlags;
const BAR = 0x1_0000_0040;

/** A BAR of 32 bytes with a table of one entry in its second half. */
const small: Omit<FunctionDescription, 'sbdf'> = {
  bars: [
    { index: 0, type: 'mem64', address: BAR, size: 32 },
    { index: 2, type: 'mem32', address: 0xfe00_0000, size: 0x4000 },
  ],
  msix: { count: 1, table: { bir: 0, offset: 0x10 }, pba: { bir: 2, offset: 0 } },
};

/** Reads from BAR 0: the result, the bytes, and the accesses as width@position. */
function read(position: number, count: number, host = new RegionHost(), door = openDoor(host, small).door) {
  const into = buffer(count);
  const result = door.pread(regionOffset(0, position), into);
  return { result, into: [...into], accesses: positions(host.accesses(), BAR) };
}

describe('a 32-byte BAR with its MSI-X table at 0x10', () => {
  const byte = (position: number) => ((BAR + position) * 7 + 1) & 0xff;

  it('read(0x0e, 4): an access of 2, then 0xff', () => {
    expect(read(0x0e, 4)).toEqual({ result: 4, into: [byte(14), byte(15), 255, 255], accesses: ['2@14'] });
  });

  it('read(0x1f, 1): 0xff', () => {
    expect(read(0x1f, 1)).toEqual({ result: 1, into: [255], accesses: [] });
  });

  it('read(0x20, 1): EINVAL', () => {
    expect(read(0x20, 1)).toEqual({ result: errno.EINVAL, into: [0xee], accesses: [] });
  });

  it('read(0x1c, 64): 4 bytes, and the rest of the buffer untouched', () => {
    const { result, into } = read(0x1c, 64);
    expect(result).toBe(4);
    expect(into).toEqual([255, 255, 255, 255, ...new Array(60).fill(0xee)]);
  });

  it('write(0x0c, 8): 4 written, 4 dropped, 8 returned', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, small);
    expect(door.pwrite({ index: 0, position: 0x0c }, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe(8);
    expect(host.accesses()).toEqual([`4@${(BAR + 0x0c).toString(16)}`]);
    expect([12, 13, 14, 15].map((position) => host.bytes.get(BAR + position))).toEqual([1, 2, 3, 4]);
    expect(host.bytes.has(BAR + 16)).toBe(false);
  });

  it('with memory decoding off every access is EIO and none happens; the table needs none', () => {
    const host = new RegionHost();
    const { dispatcher, door } = openDoor(host, small);
    dispatcher.functions[0].setDecode(false);
    expect(read(0, 4, host, door)).toEqual({ result: errno.EIO, into: [238, 238, 238, 238], accesses: [] });
    expect(door.pwrite(regionOffset(0), Uint8Array.of(1))).toBe(errno.EIO);
    expect(host.accesses()).toEqual([]);
    expect(read(0x10, 2, host, door).into).toEqual([255, 255]);
  });

  it.each([
    ['pread', 1, errno.EIO],
    ['pread', 2, errno.EIO],
    ['pread', 3, 7],
    ['pwrite', 1, errno.EIO],
    ['pwrite', 2, errno.EIO],
    ['pwrite', 3, 7],
  ] as const)('%s: decoding switched off during access %i of 3 returns %i', (method, at, result) => {
    const host = new RegionHost();
    const { dispatcher, door } = openDoor(host, small);
    let accesses = 0;
    host.onCall = (call) => {
      if (/^(read|write)/.test(call) && ++accesses === at) dispatcher.functions[0].setDecode(false);
    };
    expect(door[method](regionOffset(0, 1), new Uint8Array(7))).toBe(result);
    expect(host.accesses()).toHaveLength(at);
  });

  it('count 0 is 0 before any check', () => {
    const { door } = openDoor(new RegionHost(), small);
    for (const at of [regionOffset(77), regionOffset(0, 99), -1, Number.NaN]) {
      expect(door.pread(at, buffer(0))).toBe(0);
      expect(door.pwrite(at, buffer(0))).toBe(0);
    }
  });

  it('with memory decoding off every offset and count is EIO without an access, but within the table', () => {
    const host = new RegionHost();
    const { dispatcher, door } = openDoor(host, small);
    dispatcher.functions[0].setDecode(false);
    host.take();
    everyTransfer(0, 36, (position, count) => {
      const expected = position < 16 && count > 0 ? errno.EIO : resultOf(position, count);
      expect(door.pread(regionOffset(0, position), buffer(count))).toBe(expected);
      expect(door.pwrite(regionOffset(0, position), buffer(count))).toBe(expected);
    });
    expect(host.accesses()).toEqual([]);
  });
});

/** What a transfer of the BAR of 32 bytes returns. */
const resultOf = (position: number, count: number): number => {
  if (count === 0) return 0;
  return position >= 32 ? errno.EINVAL : Math.min(count, 32 - position);
};

describe.each([
  ['its MSI-X table at 0', 0],
  ['its MSI-X table at 8', 8],
  ['its MSI-X table at 16', 16],
  ['no MSI-X table', undefined],
])('a 32-byte BAR with %s', (_name, offset) => {
  const pba = { bir: 2, offset: 0 };
  const msix = offset === undefined ? undefined : { count: 1, table: { bir: 0, offset }, pba };
  const description = { ...small, msix };
  const excluded = offset === undefined ? NOTHING : { start: offset, end: offset + 16 };
  const isExcluded = (position: number) => position >= excluded.start && position < excluded.end;
  const accesses = (position: number, count: number) =>
    accessesOf(position, Math.max(resultOf(position, count), 0), excluded, 8);

  it('every offset and count reads what the model has, with its accesses', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, description);
    everyTransfer(0, 36, (position, count) => {
      const result = resultOf(position, count);
      const expected = Array.from({ length: count }, (_, index) => {
        if (index >= result) return 0xee;
        return isExcluded(position + index) ? 0xff : host.at(BAR + position + index);
      });
      expect(read(position, count, host, door)).toEqual({
        result,
        into: expected,
        accesses: accesses(position, count),
      });
    });
  });

  it('every offset and count writes what is not in the table and nothing else, with its accesses', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, description);
    everyTransfer(0, 36, (position, count) => {
      host.bytes.clear();
      const from = Uint8Array.from({ length: count }, (_, index) => 100 + index);
      const result = resultOf(position, count);
      expect(door.pwrite(regionOffset(0, position), from)).toBe(result);
      expect(positions(host.accesses(), BAR)).toEqual(accesses(position, count));
      const written = [...from.keys()].filter((index) => index < result && !isExcluded(position + index));
      expect([...host.bytes].sort(([a], [b]) => a - b)).toEqual(
        written.map((index) => [BAR + position + index, 100 + index]),
      );
    });
  });
});

describe('bounds and addressing', () => {
  it('a BAR that is not implemented, or the upper half of one, is EINVAL and of size 0', () => {
    const { door } = openDoor(new RegionHost(), small);
    for (const index of [1, 3, 4, 5, 6]) {
      expect(door.pread(regionOffset(index), buffer(1))).toBe(errno.EINVAL);
      expect(door.pwrite(regionOffset(index), buffer(1))).toBe(errno.EINVAL);
      expect(door.regionInfo(index)).toMatchObject({ index, size: 0, flags: 0 });
    }
  });

  it('a BAR without a host address is EINVAL, not all ones', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, { bars: [{ index: 0, type: 'mem32', address: 0, size: 4096 }] });
    expect(door.pread(0, buffer(1))).toBe(errno.EINVAL);
    expect(host.take()).toEqual([]);
    expect(door.regionInfo(0)).toMatchObject({ size: 4096, flags: READ | WRITE });
  });

  it('offsets and positions are the same; what is neither is EINVAL', () => {
    const { door } = openDoor(new RegionHost(), small);
    const [a, b] = [buffer(4), buffer(4)];
    expect(door.pread(2 * 2 ** 40 + 8, a)).toBe(4);
    expect(door.pread({ index: 2, position: 8 }, b)).toBe(4);
    expect(a).toEqual(b);
    for (const at of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, regionOffset(9)]) {
      expect(door.pread(at, a)).toBe(errno.EINVAL);
    }
    for (const position of [-1, 2 ** 40, 0.5]) {
      expect(door.pread({ index: 2, position }, a)).toBe(errno.EINVAL);
    }
    for (const index of [-1, 1.5, 9, 1e9]) {
      expect(door.pread({ index, position: 0 }, a)).toBe(errno.EINVAL);
      expect(door.regionInfo(index)).toBe(errno.EINVAL);
    }
  });

  it('8 bytes are one access of two lanes', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, small);
    const from = Uint8Array.of(1, 2, 3, 4, 0xf5, 0xf6, 0xf7, 0xf8);
    expect(door.pwrite(regionOffset(2, 0x108), from)).toBe(8);
    const into = buffer(8);
    expect(door.pread(regionOffset(2, 0x108), into)).toBe(8);
    expect(into).toEqual(from);
    expect(host.accesses()).toEqual(['8@fe000108', '8@fe000108']);
  });

  it('the PBA is accessed as any register', () => {
    const host = new RegionHost();
    const { door } = openDoor(host, small);
    expect(door.pread(regionOffset(2), buffer(8))).toBe(8);
    expect(host.accesses()).toEqual(['8@fe000000']);
  });

  it('the host address is what is accessed, not the guest address', () => {
    const host = new RegionHost();
    const bars = [{ index: 0, type: 'mem32', address: 0x1000, hostAddress: 0xabc000, size: 4096 }] as const;
    const { door } = openDoor(host, { bars });
    door.pread(0, buffer(1));
    expect(host.accesses()).toEqual(['1@abc000']);
  });
});

describe('regionInfo', () => {
  const info = (index: number, description: Omit<FunctionDescription, 'sbdf'>) =>
    openDoor(new RegionHost(), description).door.regionInfo(index);

  it('a BAR of whole pages can be mapped; the pages of the table are named as those that cannot', () => {
    const bars = [{ index: 0, type: 'mem32', address: 0xfe00_0000, size: 0x8000 }] as const;
    const table = (offset: number, count: number) => ({
      bars,
      msix: { count, table: { bir: 0, offset }, pba: { bir: 0, offset: 0x7f00 } },
    });
    const base = { index: 0, offset: 0, size: 0x8000, flags: READ | WRITE | MMAP };
    expect(info(0, { bars })).toEqual({
      ...base,
      msixMappable: false,
      mappable: [{ offset: 0, size: 0x8000 }],
    });
    const cases = [
      [0, 1, [{ offset: 0x1000, size: 0x7000 }]],
      [
        0x2ff0,
        2,
        [
          { offset: 0, size: 0x2000 },
          { offset: 0x4000, size: 0x4000 },
        ],
      ],
      [0x7000, 1, [{ offset: 0, size: 0x7000 }]],
      [0, 2032, []],
    ] as const;
    for (const [offset, count, mappable] of cases) {
      expect(info(0, table(offset, count))).toEqual({ ...base, msixMappable: true, mappable });
    }
  });

  it('a BAR smaller than a page cannot be mapped', () => {
    expect(info(0, small)).toEqual({
      index: 0,
      offset: 0,
      size: 32,
      flags: READ | WRITE,
      msixMappable: false,
      mappable: [],
    });
  });

  it('nor one smaller than a page', () => {
    const flags = READ | WRITE;
    const at = (address: number, size: number) =>
      info(0, { bars: [{ index: 0, type: 'mem32', address, size }] });
    expect(at(0xfe00_0000, 0x800)).toMatchObject({ flags, mappable: [] });
    expect(at(0xfe00_0000, 0x1000)).toMatchObject({ flags: flags | MMAP });
  });

  it('its offset is its number times 2^40', () => {
    expect(info(2, small)).toMatchObject({ index: 2, offset: 2 ** 41 });
    expect(info(7, small)).toMatchObject({ offset: 7 * 2 ** 40 });
  });
});

describe('virtual functions and power states', () => {
  it('a virtual function has no memory bit to be off', () => {
    const host = new RegionHost();
    const { dispatcher, door } = openDoor(host, { ...small, virtual: true });
    dispatcher.functions[0].setDecode(false);
    expect(door.pread(0, buffer(4))).toBe(4);
  });

  it('in D3hot memory is EIO', () => {
    const image = new Uint8Array(256);
    image[0x06] = 0x10;
    image[0x34] = 0x40;
    image[0x40] = 0x01;
    image[0x44] = 0x08;
    const { dispatcher, door } = openDoor(new RegionHost(), { bars: small.bars, config: image });
    expect(door.pread(0, buffer(4))).toBe(4);
    for (const [state, result] of [
      [3, errno.EIO],
      [2, 4],
      [1, 4],
      [3, errno.EIO],
      [0, 4],
    ]) {
      expect(door.pwrite(regionOffset(7, 0x44), Uint8Array.of(state))).toBe(1);
      expect(door.pread(0, buffer(4))).toBe(result);
    }
    expect(dispatcher.functions[0].decoding).toBe(true);
  });
});

it('what the host throws is EIO, and at onError', () => {
  const host = new RegionHost();
  const { door, errors } = openDoor(host, small);
  host.onCall = (call) => {
    if (call.startsWith('read')) throw new Error(call);
  };
  expect(door.pread(0, buffer(4))).toBe(errno.EIO);
  expect(errors).toHaveLength(1);
  host.onCall = () => {};
  expect(door.pread(0, buffer(4))).toBe(4);
});
