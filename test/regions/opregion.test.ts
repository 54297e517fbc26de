import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import { TraplineError } from '../../src/errors.js';
import { OpRegion, type OpRegionOptions, openOpRegion } from '../../src/regions/opregion.js';
import type { PhysicalMemory } from '../../src/regions/physical-memory.js';
import { errno } from '../../src/vfio/errno.js';
import { regionFlags, regionOffset } from '../../src/vfio/region.js';
import { ASLS, type ImageOptions, image, Memory, VBT_2_0, vbtByte, vbtOf } from './opregion-images.js';

const RUNS = Number(process.env.RUNS ?? 60);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`OpRegion reads: SEED=${SEED} RUNS=${RUNS}`);

const H20: ImageOptions = { version: 0x0200, rvda: BigInt(VBT_2_0), rvds: 0x2200 };

interface Machine {
  readonly region: OpRegion;
  readonly firmware: Uint8Array;
  readonly memory: Memory;
}

/** Opens an image whose VBT, if any, is `vbt`; `plain`: the memory itself, not readers of it. */
function start(
  options: ImageOptions,
  vbt?: readonly [address: number, length: number],
  more: Partial<OpRegionOptions> = {},
  plain = true,
): Machine {
  const firmware = image(options);
  const table: [number, Uint8Array][] = vbt ? [[vbt[0], vbtOf(vbt[1])]] : [];
  const memory = new Memory([[ASLS, firmware], ...table], plain);
  const region = openOpRegion({ memory, asls: ASLS, ...more });
  if (!(region instanceof OpRegion)) throw new Error(region.faults.join('; '));
  return { region, firmware, memory };
}

const h20 = (more: Partial<OpRegionOptions> = {}, plain = true) => start(H20, [VBT_2_0, 0x2200], more, plain);

function read(region: OpRegion, position: number, length: number): number[] | number {
  const into = new Uint8Array(length).fill(0xee);
  const count = region.read(position, into);
  if (count < 0) {
    expect([...into].every((byte) => byte === 0xee)).toBe(true);
    return count;
  }
  expect(into.subarray(count).every((byte) => byte === 0xee)).toBe(true);
  return [...into.subarray(0, count)];
}

const bytewise = (region: OpRegion): number[] =>
  Array.from({ length: region.size }, (_, position) => {
    const into = new Uint8Array(1);
    return region.read(position, into) === 1 ? into[0] : Number.NaN;
  });

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const H20_BYTES = image(H20);

describe.each([
  ['memory', true],
  ['readers', false],
])('2.0 with an extended VBT, behind %s', (_, plain) => {
  const { region } = h20({}, plain);

  it.each<[number, number, number[] | number]>([
    [0x00, 16, ascii('IntelGraphicsMem')],
    [0x14, 4, [0, 0, 1, 2]],
    [0x15, 2, [0, 1]],
    [0x16, 1, [1]],
    [0x17, 1, [2]],
    [0x17, 2, [2, H20_BYTES[0x18]]],
    [0x3b8, 4, [H20_BYTES[0x3b8], H20_BYTES[0x3b9], 0x00, 0x20]],
    [0x3ba, 8, [0x00, 0x20, 0, 0, 0, 0, 0, 0]],
    [0x3bb, 4, [0x20, 0, 0, 0]],
    [0x3c0, 4, [0, 0, 0x00, 0x22]],
    [0x3c2, 4, [0x00, 0x22, 0, 0]],
    [0x1ffe, 4, [H20_BYTES[0x1ffe], H20_BYTES[0x1fff], vbtByte(0), vbtByte(1)]],
    [0x2005, 3, [vbtByte(5), vbtByte(6), vbtByte(7)]],
    [0x41ff, 16, [vbtByte(0x21ff)]],
    [0x4200, 1, errno.EINVAL],
    [0x4200, 0, errno.EINVAL],
    [0x41ff, 0, []],
    [-1, 4, errno.EINVAL],
    [0.5, 4, errno.EINVAL],
    [Number.NaN, 4, errno.EINVAL],
    [2 ** 40, 4, errno.EINVAL],
  ])('read(%d, %i)', (position, length, expected) => {
    expect(read(region, position, length)).toEqual(expected);
  });

  it('is 0x4200 bytes of the type and subtype of vfio, and not writable', () => {
    expect(region).toMatchObject({ size: 0x4200, type: 0x8000_8086, subtype: 1 });
    expect(region.write).toBeUndefined();
  });
});

/** Everything that Linux's vfio-pci patches, written down again, byte by byte. */
function expectedByte(firmware: Uint8Array, vbt: number, position: number): number {
  const version = firmware[0x16] | (firmware[0x17] << 8);
  if (position >= 0x2000) return vbtByte(position - 0x2000);
  if (position === 0x16 && vbt > 0 && version === 0x0200) return 0x01;
  if (position === 0x3bb) return vbt > 0 ? 0x20 : 0;
  if (position >= 0x3ba && position < 0x3c2) return 0;
  return firmware[position];
}

const machines: [string, () => Machine, vbt: number][] = [
  ['2.0, extended', () => h20(), 0x2200],
  ['2.0, extended, readers', () => h20({}, false), 0x2200],
  ['2.0, extended by one byte', () => start({ ...H20, rvds: 1 }, [VBT_2_0, 1]), 1],
  ['2.0, VBT in mailbox 4', () => start({ version: 0x0200 }), 0],
  ['2.0, RVDA without RVDS', () => start({ ...H20, rvds: 0 }), 0],
  ['2.0, RVDS without RVDA', () => start({ ...H20, rvda: 0n }), 0],
  [
    '2.1, contiguous',
    () => start({ version: 0x0201, rvda: 0x2000n, rvds: 0x2600 }, [ASLS + 0x2000, 0x2600]),
    0x2600,
  ],
  [
    '2.1, behind a gap',
    () => start({ version: 0x0201, rvda: 0x9000n, rvds: 0x1001 }, [ASLS + 0x9000, 0x1001]),
    0x1001,
  ],
  ['2.1, VBT in mailbox 4', () => start({ version: 0x0201 }), 0],
  ['2.255, contiguous', () => start({ version: 0x02ff, rvda: 0x2000n, rvds: 5 }, [ASLS + 0x2000, 5]), 5],
  ['3.0, contiguous', () => start({ version: 0x0300, rvda: 0x2000n, rvds: 5 }, [ASLS + 0x2000, 5]), 5],
  [
    '1.3, junk where RVDA will be',
    () => start({ version: 0x0103, rvda: 0x1234_5678_9abc_def0n, rvds: 77 }),
    0,
  ],
  ['1.255, junk where RVDA will be', () => start({ version: 0x01ff, rvda: 1n, rvds: 1 }), 0],
];

describe.each(machines)('%s', (_, make, vbt) => {
  it('each byte is what vfio-pci gives', () => {
    const { region, firmware } = make();
    expect(region.size).toBe(0x2000 + vbt);
    const expected = Array.from({ length: region.size }, (_, at) => expectedByte(firmware, vbt, at));
    expect(bytewise(region)).toEqual(expected);
  });

  it('reads in any chunking are the concatenation of its byte reads', () => {
    const { region } = make();
    const whole = bytewise(region);
    expect(read(region, 0, region.size)).toEqual(whole);
    // Near the fields' edges most cuts fall into something.
    const edges = [0, 0x16, 0x18, 0x3ba, 0x3c2, 0x3c6, 0x2000, region.size];
    const near = fc
      .tuple(fc.constantFrom(...edges), fc.integer({ min: -9, max: 9 }))
      .map(([edge, by]) => edge + by);
    const cut = fc
      .oneof(near, fc.integer({ min: 0, max: region.size }))
      .filter((at) => at > 0 && at < region.size);
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 24 }), (cuts) => {
        const points = [0, ...new Set(cuts), region.size].sort((left, right) => left - right);
        const got = points.slice(1).flatMap((end, index) => read(region, points[index], end - points[index]));
        expect(got).toEqual(whole);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it('any position and length around the fields gives the slice of the whole', () => {
    const { region } = make();
    const whole = bytewise(region);
    for (const edge of [0x14, 0x16, 0x18, 0x3b6, 0x3ba, 0x3be, 0x3c2, 0x2000, region.size]) {
      for (let position = Math.max(0, edge - 10); position < Math.min(region.size, edge + 10); position++) {
        for (let length = 0; length <= 18; length++) {
          expect(read(region, position, length)).toEqual(whole.slice(position, position + length));
        }
      }
    }
  });

  it('spans say who answers each byte, from 0 to the end', () => {
    const { region, memory, firmware } = make();
    const spans = region.spans();
    expect(spans.map(({ offset }) => offset)).toEqual([0, ...spans.slice(0, -1).map(({ end }) => end)]);
    expect(spans.at(-1)?.end).toBe(region.size);
    const got = spans.flatMap((span) => {
      if (span.kind === 'constant') return [...span.bytes];
      const bytes = memory.map(span.hostAddress, span.end - span.offset);
      if (bytes === null) throw new Error('not in memory');
      const into = new Uint8Array(span.end - span.offset);
      if (bytes instanceof Uint8Array) into.set(bytes);
      else bytes.read(0, into);
      return [...into];
    });
    expect(got).toEqual(bytewise(region));
    const patched = vbt > 0 && firmware[0x17] === 2 && firmware[0x16] === 0;
    const kinds = ['live', ...(patched ? ['constant', 'live'] : []), 'constant', 'live'];
    expect(spans.map(({ kind }) => kind)).toEqual(vbt > 0 ? [...kinds, 'vbt'] : kinds);
  });
});

describe('live bytes', () => {
  it('what the firmware changes is in the next read', () => {
    const { region, firmware } = h20();
    firmware[0x1ac] = 0;
    expect(read(region, 0x1ac, 1)).toEqual([0]);
    firmware[0x1ac] = 1;
    expect(read(region, 0x1ac, 1)).toEqual([1]);
  });

  it('a version that changes is patched while it is 2.0, and its span follows', () => {
    const { region, firmware } = h20();
    const constant = () =>
      region
        .spans()
        .filter(({ kind }) => kind === 'constant')
        .map(({ offset }) => offset);
    expect(constant()).toEqual([0x16, 0x3ba]);
    firmware[0x16] = 2;
    expect(read(region, 0x16, 2)).toEqual([2, 2]);
    expect(constant()).toEqual([0x3ba]);
  });

  it('RVDA, a host address, is never read for a guest', () => {
    const { region, memory } = h20({}, false);
    memory.calls.length = 0;
    bytewise(region);
    read(region, 0, region.size);
    const reads = memory.calls.map((call) => /^read 0x(\w+) (\d+)$/.exec(call) as RegExpExecArray);
    expect(reads.length).toBeGreaterThan(0);
    for (const [, address, length] of reads) {
      const offset = Number.parseInt(address, 16) - ASLS;
      if (offset < 0x2000) expect(offset + Number(length) <= 0x3ba || offset >= 0x3c2).toBe(true);
    }
  });

  it('what a reader throws passes through', () => {
    const memory: PhysicalMemory = {
      map: () => {
        let reads = 0;
        return {
          read(_offset, into) {
            if (reads++ > 0) throw new Error('gone');
            into.set(image({ version: 0x0200 }).subarray(0, into.length));
          },
        };
      },
    };
    const region = openOpRegion({ memory, asls: ASLS }) as OpRegion;
    expect(() => region.read(0, new Uint8Array(4))).toThrow('gone');
  });
});

describe('opening', () => {
  const refused = (
    options: ImageOptions,
    vbt?: readonly [number, number],
    more: Partial<OpRegionOptions> = {},
    spoil: (bytes: Uint8Array) => void = () => {},
  ) => {
    const firmware = image(options);
    spoil(firmware);
    const table: [number, Uint8Array][] = vbt ? [[vbt[0], vbtOf(vbt[1])]] : [];
    const memory = new Memory([[ASLS, firmware], ...table]);
    const opened = openOpRegion({ memory, asls: ASLS, ...more });
    if (opened instanceof OpRegion) return 'opened';
    const maps = memory.calls.filter((call) => call.startsWith('map'));
    const unmaps = memory.calls.filter((call) => call.startsWith('unmap'));
    return { ...opened, unbalanced: maps.length - unmaps.length };
  };

  it.each([0, 0xffff_ffff])('ASLS %i is no OpRegion, and maps nothing', (asls) => {
    expect(refused({}, undefined, { asls })).toMatchObject({ error: errno.ENODEV, unbalanced: 0 });
  });

  it.each([1, 0x1000, 0xffff_fffe])('ASLS %i that the host cannot map is ENOMEM', (asls) => {
    expect(refused({}, undefined, { asls })).toEqual({
      error: errno.ENOMEM,
      faults: [`memory.map: the OpRegion at 0x${asls.toString(16)}, 8192 bytes, cannot be mapped`],
      unbalanced: 1,
    });
  });

  it.each(Array.from({ length: 16 }, (_, index) => index))('byte %i of the signature counts', (index) => {
    const spoil = (bytes: Uint8Array) => {
      bytes[index] ^= 0x20;
    };
    expect(refused({}, undefined, {}, spoil)).toEqual({
      error: errno.EINVAL,
      faults: ['signature: expected IntelGraphicsMem'],
      unbalanced: 0,
    });
  });

  it.each([0, 1, 7, 9, 16, 0x0800_0000, 0xffff_ffff])('SIZE %i is refused', (size) => {
    expect(refused({ size })).toEqual({
      error: errno.EINVAL,
      faults: [`SIZE: expected 8 KiB, got ${size}`],
      unbalanced: 0,
    });
  });

  it('every fault is named', () => {
    const spoil = (bytes: Uint8Array) => bytes.fill(0, 0, 16);
    const options = { size: 16, version: 0x0200, rvda: 2n ** 64n - 1n, rvds: 0xffff_ffff };
    expect(refused(options, undefined, {}, spoil)).toMatchObject({
      faults: [/^signature/, /^SIZE/, /^RVDS/, /^RVDA/].map((start) => expect.stringMatching(start)),
    });
  });

  it.each([
    [0x0200, 0x1_2345_6000n, 0x1_2345_6000],
    [0x0200, 2n ** 52n - 64n, 2 ** 52 - 64],
    [0x0201, 0xf_0000_0000n, ASLS + 0xf_0000_0000],
    [0x0201, 1n, ASLS + 1],
    [0x0201, 0xffff_ffffn, ASLS + 0xffff_ffff],
  ])('version %i: the VBT of RVDA %s is at %i, above 4 GiB too', (version, rvda, address) => {
    const memory = new Memory([
      [address, vbtOf(64)],
      [ASLS, image({ version, rvda, rvds: 64 })],
    ]);
    const region = openOpRegion({ memory, asls: ASLS });
    expect(region).toBeInstanceOf(OpRegion);
    expect(memory.calls).toEqual([`map 0x${ASLS.toString(16)} 8192`, `map 0x${address.toString(16)} 64`]);
    expect(read(region as OpRegion, 0x2000, 64)).toEqual([...vbtOf(64)]);
  });

  it.each([
    [0x0200, 2n ** 52n - 63n],
    [0x0200, 2n ** 64n - 1n],
    [0x0201, 2n ** 52n - 64n - BigInt(ASLS) + 1n],
    [0x0201, 2n ** 64n - BigInt(ASLS)],
    [0x0300, 2n ** 64n - 1n],
  ])('version %i: RVDA %s leads past every address', (version, rvda) => {
    expect(refused({ version, rvda, rvds: 64 })).toMatchObject({
      error: errno.EINVAL,
      faults: [expect.stringMatching(/^RVDA: expected a VBT below 2\^52, got it at /)],
      unbalanced: 0,
    });
  });

  it('a VBT of 64 KiB is taken, a byte more refused, unless the limit says otherwise', () => {
    const vbt = (rvds: number, more: Partial<OpRegionOptions> = {}) =>
      refused({ ...H20, rvds }, [VBT_2_0, rvds], more);
    expect(vbt(0x1_0000)).toBe('opened');
    expect(vbt(0x1_0001)).toEqual({
      error: errno.EINVAL,
      faults: ['RVDS: expected a VBT of at most 65536 bytes, got 65537'],
      unbalanced: 0,
    });
    expect(vbt(0x1_0001, { vbtLimit: 0x1_0001 })).toBe('opened');
    expect(vbt(2, { vbtLimit: 1 })).toMatchObject({ error: errno.EINVAL });
  });

  it('a VBT that the host cannot map is ENOMEM, and the OpRegion is unmapped again', () => {
    expect(refused(H20)).toEqual({
      error: errno.ENOMEM,
      faults: ['memory.map: the extended VBT at 0x7a5b1000, 8704 bytes, cannot be mapped'],
      unbalanced: 2 - 1,
    });
  });

  it('what memory.map throws passes through, and the OpRegion is unmapped again', () => {
    const unmapped: number[] = [];
    const memory: PhysicalMemory = {
      map(address) {
        if (address === ASLS) return image(H20);
        throw new Error('no');
      },
      unmap: (address) => unmapped.push(address),
    };
    expect(() => openOpRegion({ memory, asls: ASLS })).toThrow('no');
    expect(unmapped).toEqual([ASLS]);
  });

  it('close unmaps once, and nothing answers any more', () => {
    const { region, memory } = h20({ writable: ['DRDY'] });
    region.close();
    region.close();
    expect(memory.calls.slice(2)).toEqual(['unmap 0x7a5b1000 8704', `unmap 0x${ASLS.toString(16)} 8192`]);
    expect(read(region, 0, 4)).toBe(errno.ENODEV);
    expect(region.write?.(0x100, new Uint8Array(4))).toBe(errno.ENODEV);
  });
});

describe('misuse', () => {
  const faultsOf = (options: object): readonly string[] => {
    try {
      openOpRegion({ memory: new Memory([[ASLS, image()]]), asls: ASLS, ...options });
    } catch (error) {
      if (!(error instanceof TraplineError)) throw error;
      expect(error.code).toBe('bad-argument');
      return error.faults;
    }
    return [];
  };

  it.each([-1, 0.5, 2 ** 32, Number.NaN, '4096'])('%j is no 32-bit register', (value) => {
    const fault = (name: string) => [`openOpRegion: ${name}: expected an integer in [0, 2^32), got ${value}`];
    expect(faultsOf({ asls: value })).toEqual(fault('asls'));
    expect(faultsOf({ guestAsls: value })).toEqual(fault('guestAsls'));
    expect(faultsOf({ vbtLimit: value })).toEqual(fault('vbtLimit'));
  });

  it.each(['CLID', 'RVDA', 'SIZE', 'drdy', 'toString'])('%s is no field of the driver', (name) => {
    expect(faultsOf({ writable: ['DRDY', name] })).toEqual([
      `openOpRegion: writable: expected DRDY, CSTS, DIDL, CADL, CHPD, SCIC, PARM, ARDY, ASLC, TCHE, CBLV, got ${name}`,
    ]);
  });

  it('every fault is named', () => {
    const options = { memory: {}, asls: -1, guestAsls: -1, vbtLimit: -1, writable: ['DRDY', 'DRDY', 'X'] };
    expect(faultsOf(options)).toHaveLength(6);
  });

  it('memory of another length is refused, and unmapped', () => {
    const unmapped: number[] = [];
    const unmap = (address: number) => unmapped.push(address);
    expect(faultsOf({ memory: { map: () => new Uint8Array(0x2001), unmap } })).toEqual([
      `memory.map: the memory at 0x${ASLS.toString(16)} has 8193 bytes, not 8192`,
    ]);
    expect(unmapped).toEqual([ASLS]);
  });
});

describe('behind a region door', () => {
  const open = (more: Partial<OpRegionOptions>) => {
    const { region, firmware } = h20(more);
    const dispatcher = createDispatcher({ host: { mapPage: () => null } });
    dispatcher.assign({ sbdf: 16, bars: [] });
    const door = dispatcher.openRegions(16, { regions: [region] });
    if (typeof door === 'number') throw new Error(`${door}`);
    return { door, firmware };
  };

  it('is read only, and every write EINVAL', () => {
    const { door, firmware } = open({});
    const before = firmware.slice();
    expect(door.regionInfo(9)).toMatchObject({
      size: 0x4200,
      flags: regionFlags.READ,
      type: 0x8000_8086,
      subtype: 1,
    });
    for (const position of [0, 0x16, 0x100, 0x3ba, 0x1fff, 0x2000, 0x41ff, 0x4200]) {
      expect(door.pwrite(regionOffset(9, position), Uint8Array.of(1, 2, 3, 4))).toBe(errno.EINVAL);
    }
    expect(firmware).toEqual(before);
    const into = new Uint8Array(16);
    expect(door.pread(regionOffset(9, 0x41ff), into)).toBe(1);
    expect(into[0]).toBe(vbtByte(0x21ff));
    expect(door.pread(regionOffset(9, 0x4200), into)).toBe(errno.EINVAL);
  });

  it('with writable fields it says so', () => {
    const { door } = open({ writable: ['DRDY'] });
    expect(door.regionInfo(9)).toMatchObject({ flags: regionFlags.READ | regionFlags.WRITE });
    expect(door.pwrite(regionOffset(9, 0x100), Uint8Array.of(1, 0, 0, 0))).toBe(4);
    expect(door.pwrite(regionOffset(9, 0x104), Uint8Array.of(1, 0, 0, 0))).toBe(errno.EINVAL);
  });
});

describe('what a guest may write', () => {
  const FIELDS: [NonNullable<OpRegionOptions['writable']>[number], number, number][] = [
    ['DRDY', 0x100, 4],
    ['CSTS', 0x104, 4],
    ['DIDL', 0x120, 32],
    ['CADL', 0x160, 32],
    ['CHPD', 0x1a8, 4],
    ['SCIC', 0x200, 4],
    ['PARM', 0x204, 4],
    ['ARDY', 0x300, 4],
    ['ASLC', 0x304, 4],
    ['TCHE', 0x308, 4],
    ['CBLV', 0x318, 4],
  ];

  it.each(FIELDS)('%s: its bytes only, into a copy', (name, offset, size) => {
    const { region, firmware } = h20({ writable: [name] });
    const expected = bytewise(region);
    for (let position = 0; position < region.size; position++) {
      const pair = [~expected[position] & 0xff, ~expected[position + 1] & 0xff];
      const inside = position >= offset && position + 2 <= offset + size;
      const written = region.write?.(position, Uint8Array.from(pair));
      if (written !== (inside ? 2 : errno.EINVAL)) expect.fail(`${written} at ${position}`);
      if (inside) expected.splice(position, 2, ...pair);
    }
    expect(bytewise(region)).toEqual(expected);
    expect(firmware).toEqual(H20_BYTES);
  });

  it('several fields at once where they touch, none where a byte is not allowed', () => {
    const { region } = h20({ writable: ['CSTS', 'DRDY', 'SCIC'] });
    expect(region.write?.(0x102, Uint8Array.of(1, 2, 3, 4))).toBe(4);
    expect(read(region, 0x100, 8)).toEqual([
      ...H20_BYTES.subarray(0x100, 0x102),
      ...[1, 2, 3, 4],
      ...H20_BYTES.subarray(0x106, 0x108),
    ]);
    const before = bytewise(region);
    for (const position of [0xff, 0x101]) {
      expect(region.write?.(position, new Uint8Array(8))).toBe(errno.EINVAL);
    }
    expect(region.write?.(0x104, new Uint8Array(0x200))).toBe(errno.EINVAL);
    expect(region.write?.(0x4200, new Uint8Array(1))).toBe(errno.EINVAL);
    expect(bytewise(region)).toEqual(before);
  });

  it('a field is live until its first write, and then whole the guest’s', () => {
    const { region, firmware } = h20({ writable: ['DRDY', 'CSTS'] });
    firmware.fill(0x11, 0x100, 0x108);
    expect(read(region, 0x100, 8)).toEqual(new Array(8).fill(0x11));
    region.write?.(0x101, Uint8Array.of(0x99));
    firmware.fill(0x22, 0x100, 0x108);
    expect(read(region, 0x100, 8)).toEqual([0x11, 0x99, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22]);
    region.write?.(0x103, Uint8Array.of(0x77));
    expect(read(region, 0x102, 2)).toEqual([0x11, 0x77]);
  });

  it('is the guest’s own span', () => {
    const { region } = h20({ writable: ['CBLV', 'DRDY'] });
    expect(region.spans().filter(({ kind }) => kind === 'guest')).toEqual([
      { offset: 0x100, end: 0x104, kind: 'guest', hostAddress: ASLS + 0x100 },
      { offset: 0x318, end: 0x31c, kind: 'guest', hostAddress: ASLS + 0x318 },
    ]);
  });

  it('a read that fails while a field is copied leaves everything as it was', () => {
    const firmware = image(H20);
    let fail = false;
    const memory: PhysicalMemory = {
      map: (address, length) =>
        address === ASLS
          ? {
              read(offset, into) {
                if (fail && offset === 0x104) throw new Error('gone');
                into.set(firmware.subarray(offset, offset + into.length));
              },
            }
          : vbtOf(length),
    };
    const region = openOpRegion({ memory, asls: ASLS, writable: ['DRDY', 'CSTS'] }) as OpRegion;
    fail = true;
    expect(() => region.write?.(0x100, new Uint8Array(8))).toThrow('gone');
    fail = false;
    expect(read(region, 0x100, 8)).toEqual([...firmware.subarray(0x100, 0x108)]);
  });

  it('two guests of one OpRegion do not see each other', () => {
    const firmware = image();
    const memory = new Memory([[ASLS, firmware]]);
    const [one, other] = [0, 1].map(
      () => openOpRegion({ memory, asls: ASLS, writable: ['DRDY'] }) as OpRegion,
    );
    one.write?.(0x100, Uint8Array.of(1, 0, 0, 0));
    expect(read(other, 0x100, 4)).toEqual([...firmware.subarray(0x100, 0x104)]);
  });
});
