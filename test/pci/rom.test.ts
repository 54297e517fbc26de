import { describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import { createDispatcher, type DispatcherOptions } from '../../src/dispatcher.js';
import type { PageHandler } from '../../src/host.js';
import { Rom } from '../../src/pci/rom.js';
import { policies } from '../../src/policy.js';
import { errno } from '../../src/vfio/errno.js';
import { regionFlags, regionOffset } from '../../src/vfio/region.js';
import { everyTransfer } from '../vfio/access-model.js';
import { buffer, openDoor, RegionHost, SBDF } from '../vfio/region-host.js';
import { image } from './rom-images.js';

const ROM = 6;
const ROM_AT = 0xfe10_0000;
const BAR_AT = 0xfe00_0000;
const IMAGE = image(0x41, true);
const bars = [
  { index: 0, type: 'mem32', address: BAR_AT, size: 0x1000 },
  { index: 6, type: 'rom', address: ROM_AT, size: 0x10000, enabled: false },
] as const;

/** A host with an image of 0x8200 bytes in a ROM BAR of 64 KiB. */
function host(bytes: ArrayLike<number> = IMAGE): RegionHost {
  const made = new RegionHost();
  made.fill(ROM_AT, bytes);
  return made;
}

const isRomAccess = (call: string) =>
  call.startsWith('read') && Number.parseInt(call.split('@')[1], 16) >= ROM_AT;

describe('the ROM as a region', () => {
  it('read(0x81fc, 8): 4 bytes of the image, then 0xff that touch no hardware', () => {
    const made = host();
    const { door } = openDoor(made, { bars });
    const into = buffer(8);
    expect(door.pread(regionOffset(ROM, 0x81fc), into)).toBe(8);
    expect([...into]).toEqual([...IMAGE.slice(0x81fc), 255, 255, 255, 255]);
    for (const call of made.take('read')) {
      const [width, address] = call.slice('read '.length).split('@');
      expect(Number.parseInt(address, 16) + Number(width)).toBeLessThanOrEqual(ROM_AT + 0x8200);
      expect(Number(width)).toBeLessThanOrEqual(4);
    }
  });

  it('is all of the image and 0xff to the end of the BAR, at any offset and count', () => {
    const { door } = openDoor(host(), { bars });
    const whole = buffer(0x10010);
    expect(door.pread(regionOffset(ROM), whole)).toBe(0x10000);
    expect([...whole.subarray(0, 0x8200)]).toEqual(IMAGE);
    expect(whole.subarray(0x8200, 0x10000).every((byte) => byte === 0xff)).toBe(true);
    expect([...whole.subarray(0x10000)]).toEqual([...buffer(16)]);
    for (const start of [0, 0x81e0, 0x8200, 0xffe0]) {
      everyTransfer(start, start + 32, (position, count) => {
        const into = buffer(count);
        const inside = Math.min(count, 0x10000 - position);
        expect(door.pread(regionOffset(ROM, position), into)).toBe(inside);
        const expected = [...whole.subarray(position, position + inside), ...buffer(count - inside)];
        expect([...into]).toEqual(expected);
      });
    }
    expect(door.pread(regionOffset(ROM, 0x10000), buffer(1))).toBe(errno.EINVAL);
  });

  it('is read once, with the decoder on and no BAR mapped in the guest, and both put back', () => {
    const made = host();
    const { door } = openDoor(made, { bars });
    door.pread(regionOffset(ROM), buffer(1));
    const calls = made.take();
    const order = [
      'undirect fe000000',
      'config 30 1',
      'read',
      'config 30 0',
      'direct fe000000',
      'unmap fe100000',
    ];
    const places = order.map((kind) => calls.findIndex((call) => call.startsWith(kind)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(calls.filter((call) => call.startsWith('config'))).toEqual(['config 30 1', 'config 30 0']);
    expect(calls.filter((call) => call.startsWith('map'))).toHaveLength(16);
    expect(calls.filter((call) => call.startsWith('unmap'))).toHaveLength(16);
    const on = calls.indexOf('config 30 1');
    const off = calls.indexOf('config 30 0');
    calls.forEach((call, index) => {
      if (isRomAccess(call)) expect(index > on && index < off).toBe(true);
    });
    door.pread(regionOffset(ROM, 0x100), buffer(64));
    expect(made.take()).toEqual([]);
  });

  it('needs memory decoding, and does not look at its enable bit', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    const [fn] = dispatcher.functions;
    fn.setDecode(false);
    made.take();
    expect(door.pread(regionOffset(ROM), buffer(4))).toBe(errno.EIO);
    expect(made.take()).toEqual([]);
    fn.setDecode(true);
    expect(door.pread(regionOffset(ROM), buffer(4))).toBe(4);
    fn.setDecode(false);
    expect(door.pread(regionOffset(ROM), buffer(4))).toBe(errno.EIO);
    expect(door.pread(regionOffset(ROM, 0x9000), buffer(4))).toBe(4);
  });

  it('is never writable', () => {
    const made = host();
    const { door } = openDoor(made, { bars });
    made.take();
    expect(door.pwrite(regionOffset(ROM), buffer(4))).toBe(errno.EINVAL);
    expect(door.pwrite(regionOffset(ROM, 0x9000), buffer(4))).toBe(errno.EINVAL);
    expect(made.take()).toEqual([]);
  });

  it('info: the size of the BAR, for reading; copied with memory decoding switched on and back', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    dispatcher.functions[0].setDecode(false);
    made.take();
    expect(door.regionInfo(ROM)).toEqual({
      index: ROM,
      offset: 6 * 2 ** 40,
      size: 0x10000,
      flags: regionFlags.READ,
      msixMappable: false,
      mappable: [],
    });
    expect(made.take('config')).toEqual(['config 4 2', 'config 30 1', 'config 30 0', 'config 4 0']);
  });

  it('that cannot be mapped: no size, ENOMEM, nothing left mapped or switched', () => {
    const made = host();
    made.unmappable.add(ROM_AT + 0x2000);
    const { door } = openDoor(made, { bars });
    expect(door.regionInfo(ROM)).toMatchObject({ size: 0, flags: 0 });
    expect(made.take()).toEqual([
      'map fe100000',
      'map fe101000',
      'map fe102000',
      'unmap fe100000',
      'unmap fe101000',
    ]);
    expect(door.pread(regionOffset(ROM), buffer(1))).toBe(errno.ENOMEM);
    made.unmappable.clear();
    expect(door.pread(regionOffset(ROM), buffer(1))).toBe(1);
  });

  it('eager: copied at open, before a BAR is mapped; what cannot be mapped fails the open', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    door.close();
    made.take();
    const second = dispatcher.openRegions('0000:01:00.0', { mapping: 'eager' });
    expect(typeof second).toBe('object');
    const calls = made.take();
    expect(calls.indexOf('config 30 0')).toBeLessThan(calls.indexOf('map fe000000'));
    expect(calls.indexOf('config 30 0')).toBeGreaterThan(0);

    const broken = host();
    const opened = openDoor(broken, { bars });
    opened.door.close();
    broken.take();
    broken.unmappable.add(ROM_AT);
    expect(opened.dispatcher.openRegions('0000:01:00.0', { mapping: 'eager' })).toBe(errno.ENOMEM);
    expect(broken.take('map', 'unmap', 'release')).toEqual(['map fe100000', 'release']);
  });

  it('without a valid image reads 0xff', () => {
    const made = host([0x55, 0xab]);
    const { door } = openDoor(made, { bars });
    const into = buffer(4);
    expect(door.pread(regionOffset(ROM), into)).toBe(4);
    expect([...into]).toEqual([255, 255, 255, 255]);
  });
});

describe('while the decoder is switched', () => {
  it('nobody reads the ROM, touches a BAR or resets the function: EAGAIN; the reader gets all of it', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    const results = new Set<unknown>();
    let nested = 0;
    made.onCall = (call) => {
      if (!isRomAccess(call) && !call.startsWith('config 30')) return;
      nested++;
      results.add(door.pread(regionOffset(ROM), buffer(1)));
      results.add(door.pread(0, buffer(1)));
      results.add(door.pwrite(0, buffer(1)));
      results.add(door.reset());
      results.add(door.regionInfo(ROM));
      results.add(dispatcher.read(BAR_AT, 4));
    };
    const into = buffer(0x8200);
    expect(door.pread(regionOffset(ROM), into)).toBe(0x8200);
    expect([...into]).toEqual(IMAGE);
    expect(nested).toBeGreaterThan(0x8200 / 4);
    expect([...results]).toEqual([errno.EAGAIN, -1]);
    made.onCall = () => {};
    const calls = made.take();
    expect(calls.filter((call) => call === 'config 30 1')).toHaveLength(1);
    expect(calls.filter((call) => call.endsWith('@fe000000'))).toEqual([]);
    expect(door.pread(0, buffer(1))).toBe(1);
  });

  it('configuration space is reached', () => {
    const made = host();
    const { door } = openDoor(made, { bars });
    const results: number[] = [];
    made.onCall = (call) => {
      if (call === 'config 30 1') results.push(door.pread(regionOffset(7), buffer(4)));
    };
    door.pread(regionOffset(ROM), buffer(1));
    expect(results).toEqual([4]);
  });

  it.each([1, 30, 1000])('memory decoding switched off at access %i: EIO, nothing kept', (at) => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    const [fn] = dispatcher.functions;
    let accesses = 0;
    made.onCall = (call) => {
      if (isRomAccess(call) && ++accesses === at) fn.setDecode(false);
    };
    expect(door.pread(regionOffset(ROM), buffer(4))).toBe(errno.EIO);
    expect(accesses).toBe(at);
    expect(fn.decoding).toBe(false);
    expect(fn.bars[0].enabled).toBe(false);
    expect(made.take('config').slice(-2)).toEqual(['config 4 0', 'config 30 0']);
    made.onCall = () => {};
    fn.setDecode(true);
    const into = buffer(0x8200);
    expect(door.pread(regionOffset(ROM), into)).toBe(0x8200);
    expect([...into]).toEqual(IMAGE);
  });

  it('memory decoding switched off and on again: the copy is good, the BARs enabled once', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    const [fn] = dispatcher.functions;
    let accesses = 0;
    made.onCall = (call) => {
      if (!isRomAccess(call) || ++accesses !== 100) return;
      fn.setDecode(false);
      fn.setDecode(true);
    };
    const into = buffer(0x8200);
    expect(door.pread(regionOffset(ROM), into)).toBe(0x8200);
    expect([...into]).toEqual(IMAGE);
    expect(made.take('direct', 'undirect')).toEqual(['undirect fe000000', 'direct fe000000']);
    fn.setDecode(false);
    expect(made.take('direct', 'undirect')).toEqual(['undirect fe000000']);
    fn.setDecode(true);
    fn.setDecode(false);
    expect(made.take('direct', 'undirect')).toEqual(['direct fe000000', 'undirect fe000000']);
  });

  it('memory decoding switched on while it is on for the copy only: it stays on', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    const [fn] = dispatcher.functions;
    fn.setDecode(false);
    made.take();
    let accesses = 0;
    made.onCall = (call) => {
      if (isRomAccess(call) && ++accesses === 100) fn.setDecode(true);
    };
    expect(door.regionInfo(ROM)).toBe(errno.EIO);
    expect(made.take('config')).toEqual(['config 4 2', 'config 30 1', 'config 4 2', 'config 30 0']);
    expect(door.pread(0, buffer(4))).toBe(4);
  });

  it.each([1, 2, 100, 5000])(
    'the host throws at call %i: EIO, all put back, the next read succeeds',
    (at) => {
      const made = host();
      const { dispatcher, door, errors } = openDoor(made, { bars });
      made.take();
      let calls = 0;
      made.onCall = (call) => {
        if (++calls === at) throw new Error(call);
      };
      expect(door.pread(regionOffset(ROM), buffer(4))).toBe(errno.EIO);
      expect(errors).toHaveLength(1);
      made.onCall = () => {};
      expect(dispatcher.functions[0].bars[0].enabled).toBe(true);
      const config = made.take('config');
      if (config.length > 0) expect(config.at(-1)).toBe('config 30 0');
      expect(door.pread(regionOffset(ROM), buffer(4))).toBe(4);
      expect(door.pread(0, buffer(4))).toBe(4);
    },
  );

  it('the host throws when the decoder is switched off: the BARs are back all the same', () => {
    const made = host();
    const { dispatcher, door, errors } = openDoor(made, { bars });
    made.onCall = (call) => {
      if (call === 'config 30 0') throw new Error(call);
    };
    expect(door.pread(regionOffset(ROM), buffer(4))).toBe(errno.EIO);
    expect(errors).toHaveLength(1);
    expect(dispatcher.functions[0].bars[0].enabled).toBe(true);
    expect(made.take('direct')).toEqual(['direct fe000000']);
    expect(door.pread(0, buffer(4))).toBe(4);
  });

  it('the door closed: EBADF, all put back', () => {
    const made = host();
    const { dispatcher, door } = openDoor(made, { bars });
    made.onCall = (call) => {
      if (isRomAccess(call)) door.close();
    };
    expect(door.pread(regionOffset(ROM), buffer(4))).toBe(errno.EBADF);
    made.onCall = () => {};
    expect(made.take('config').at(-1)).toBe('config 30 0');
    expect(typeof dispatcher.openRegions('0000:01:00.0')).toBe('object');
  });
});

describe('the page behind the ROM BAR', () => {
  const bar = {
    index: 6,
    type: 'rom',
    address: 0,
    hostAddress: ROM_AT,
    size: 0x10000,
    enabled: true,
  } as const;
  const make = (
    made: RegionHost,
    at = bar as typeof bar | (Omit<typeof bar, 'hostAddress'> & { hostAddress: number }),
  ) => {
    const switched: string[] = [];
    const fn = { sbdf: 0x100, host: made, decoding: true };
    const rom = new Rom(fn, at, (copy) => {
      switched.push('on');
      try {
        copy();
      } finally {
        switched.push('off');
      }
    });
    return { rom, fn, switched, pageAt: (address: number) => rom.mapPage(address) as PageHandler };
  };
  const read = (page: PageHandler, offset: number, width: Width) => {
    const high = new Uint32Array(1);
    const low = page.read(offset, width, high);
    return width === 8 ? [low, high[0]] : [low];
  };
  const expected = (offset: number, width: number) => {
    let value = 0;
    for (let index = width - 1; index >= 0; index--) value = value * 256 + (IMAGE[offset + index] ?? 0xff);
    return value;
  };

  it('answers every aligned access from the copy, 0xff past the images', () => {
    const made = host();
    const { pageAt, switched } = make(made);
    for (const page of [0, 0x7000, 0x8000, 0xf000]) {
      const handler = pageAt(ROM_AT + page);
      for (let offset = 0; offset < 4096; offset += 8) {
        const low = expected(page + offset, 4);
        expect(read(handler, offset, 1)).toEqual([low & 0xff]);
        expect(read(handler, offset, 2)).toEqual([low & 0xffff]);
        expect(read(handler, offset, 4)).toEqual([low]);
        expect(read(handler, offset, 8)).toEqual([low, expected(page + offset + 4, 4)]);
      }
    }
    expect(switched).toEqual(['on', 'off']);
  });

  it('writes are dropped', () => {
    const made = host();
    const page = make(made).pageAt(ROM_AT);
    made.take();
    page.write(0, 4, 0, 0);
    expect(made.take()).toEqual([]);
    expect(read(page, 0, 2)).toEqual([0xaa55]);
  });

  it('of a ROM in the middle of its host page: only its own bytes', () => {
    const made = new RegionHost();
    const units = image(4, true);
    made.fill(ROM_AT + 0x800, units);
    const page = make(made, { ...bar, hostAddress: ROM_AT + 0x800, size: 0x800 as 0x10000 }).pageAt(ROM_AT);
    expect(read(page, 0x800, 2)).toEqual([0xaa55]);
    expect(read(page, 0x7fc, 4)).toEqual([0xffffffff]);
    expect(read(page, 0, 8)).toEqual([0xffffffff, 0xffffffff]);
    for (const call of made.take('read')) {
      expect(Number.parseInt(call.split('@')[1], 16)).toBeGreaterThanOrEqual(ROM_AT + 0x800);
    }
  });

  it('all ones to an access from inside the copy', () => {
    const made = host();
    const { pageAt } = make(made);
    const nested: number[][] = [];
    made.onCall = (call) => {
      if (isRomAccess(call)) nested.push(read(pageAt(ROM_AT), 0, 4), read(pageAt(ROM_AT), 0, 8));
    };
    expect(read(pageAt(ROM_AT), 0, 2)).toEqual([0xaa55]);
    expect(new Set(nested.flat())).toEqual(new Set([0xffffffff]));
  });
});

describe('the ROM in the guest', () => {
  const enabled = [bars[0], { ...bars[1], address: 0xf000_0000, hostAddress: ROM_AT, enabled: true }];
  const guest = enabled[1].address;

  function assigned(made: RegionHost, options: Partial<DispatcherOptions> = {}) {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const dispatcher = createDispatcher({ host: made, onError, ...options });
    const fn = dispatcher.assign({ sbdf: SBDF, bars: enabled, decode: true });
    made.take();
    return { dispatcher, fn, errors };
  }

  it('is its copy at every offset and width, all ones past the images and beyond the BAR', () => {
    const made = host();
    const { dispatcher } = assigned(made);
    for (const width of [1, 2, 4, 8] as const) {
      for (const start of [0, 0x1000 - 8, 0x8200 - 16, 0x10000 - 8]) {
        for (let offset = start; offset < start + 16 && offset < 0x10000; offset++) {
          const bytes = Array.from({ length: width }, (_, index) => IMAGE[offset + index] ?? 0xff);
          const value = bytes.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
          const low = dispatcher.read(guest + offset, width);
          const high = width === 8 ? BigInt(dispatcher.high) << 32n : 0n;
          expect(high | BigInt(low), `${width} at ${offset.toString(16)}`).toBe(value);
        }
      }
    }
    expect(made.take('config')).toEqual(['config 30 1', 'config 30 0']);
  });

  it('takes no write', () => {
    const made = host();
    const { dispatcher } = assigned(made);
    for (const width of [1, 2, 4, 8] as const) {
      expect(dispatcher.write(guest + 0x20, width, 0x12345678, 0x9abcdef0)).toBe(true);
      expect(dispatcher.write(guest + 0x21, width, 0x12345678, 0x9abcdef0)).toBe(true);
    }
    expect(made.take('write')).toEqual([]);
    expect(dispatcher.read(guest + 0x20, 4)).toBe(
      new DataView(new Uint8Array(IMAGE).buffer).getUint32(0x20, true),
    );
  });

  it('needs its enable bit and memory decoding', () => {
    const { dispatcher, fn } = assigned(host());
    expect(dispatcher.locate(guest)).toMatchObject({ owner: 'rom', offset: 0 });
    fn.config.write(0x30, 4, guest);
    expect(dispatcher.read(guest, 2)).toBe(UNCLAIMED);
    fn.config.write(4, 2, 0);
    fn.config.write(0x30, 4, guest + 1);
    expect(dispatcher.read(guest, 2)).toBe(UNCLAIMED);
    fn.config.write(4, 2, 2);
    expect(dispatcher.read(guest, 2)).toBe(0xaa55);
  });

  it('traps on all of its pages: no page of it is mapped in the guest', () => {
    const made = host();
    const { fn } = assigned(made);
    expect(fn.mapping.filter((range) => range.bar === 6)).toEqual([
      { bar: 6, kind: 'trap', guest, length: 0x10000 },
    ]);
    fn.setDecode(false);
    fn.setDecode(true);
    expect(made.take('direct')).toEqual(['direct fe000000']);
  });

  it('is copied while no BAR of the function is mapped, which all are afterwards', () => {
    const made = host();
    const { dispatcher } = assigned(made);
    dispatcher.read(guest, 1);
    const calls = made.take('direct', 'undirect', 'config');
    expect(calls).toEqual(['undirect fe000000', 'config 30 1', 'config 30 0', 'direct fe000000']);
  });

  it('has decoding off where the host does not map the BARs again, and says so', () => {
    const made = host();
    const { dispatcher, fn, errors } = assigned(made);
    made.onCall = (call) => {
      if (call.startsWith('direct')) throw new Error('refused');
    };
    expect(dispatcher.read(guest, 4)).toBe(0xffffffff);
    expect([fn.decoding, fn.mapping, dispatcher.trappedPages]).toEqual([false, [], 0]);
    expect([errors.length, dispatcher.counts['host-error']]).toEqual([1, 1]);
    made.onCall = () => {};
    fn.setDecode(true);
    expect(dispatcher.read(guest, 2)).toBe(0xaa55);
  });

  it('reads all ones where the host cannot map it, counted, and is asked again', () => {
    const made = host();
    const { dispatcher } = assigned(made);
    made.unmappable.add(ROM_AT + 0x3000);
    expect(dispatcher.read(guest, 4)).toBe(0xffffffff);
    expect(dispatcher.write(guest, 4, 0)).toBe(true);
    expect([dispatcher.counts['map-failed-read'], dispatcher.counts['map-failed-write']]).toEqual([1, 1]);
    made.unmappable.clear();
    expect(dispatcher.read(guest, 2)).toBe(0xaa55);
  });

  it('keeps INTx disabled while its copy is made for a function that uses MSI-X', () => {
    const made = host();
    const msix = { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } };
    const { dispatcher, door } = openDoor(made, { bars, msix });
    const [fn] = dispatcher.functions;
    fn.config.write(0x62, 2, 0x8000);
    fn.setDecode(false);
    made.take();
    door.regionInfo(ROM);
    expect(made.take('config')).toEqual(['config 4 402', 'config 30 1', 'config 30 0', 'config 4 400']);
  });

  describe.each([policies.xen, policies.xenV3])('under $name', (policy) => {
    it('is mapped directly in the hardware domain, its decoder switched by its enable bit', () => {
      const made = host();
      const { dispatcher, fn } = assigned(made, { policy, domain: 'hardware' });
      const calls: string[][] = [];
      for (const [register, value] of [
        [0x30, guest],
        [0x30, guest + 1],
        [4, 0],
        [0x30, guest],
        [0x30, guest + 1],
        [4, 2],
      ]) {
        fn.config.write(register, 4, value);
        calls.push(made.take('config 30', 'direct f', 'undirect f'));
      }
      expect(dispatcher.read(guest, 4)).toBe(UNCLAIMED);
      const rom = (on: number) => `config 30 ${on}`;
      expect(calls).toEqual([
        ['undirect f0000000', rom(0)],
        ['direct f0000000', rom(1)],
        ['undirect fe000000', 'undirect f0000000'],
        [rom(0)],
        [rom(1)],
        ['direct fe000000', 'direct f0000000'],
      ]);
    });

    it('is absent from a guest domain: its register reads 0', () => {
      const made = host();
      const { dispatcher, fn } = assigned(made, { policy });
      fn.config.write(0x30, 4, 0xffffffff);
      expect([fn.config.read(0x30, 4), fn.bars.map(({ index }) => index)]).toEqual([0, [0]]);
      expect(dispatcher.locate(guest)).toBeUndefined();
      expect(made.take('config 30')).toEqual([]);
    });
  });
});
