import { describe, expect, it } from 'vitest';
import type { FunctionDescription } from '../../src/function.js';
import { createDispatcher, type Dispatcher, type RegionDoor, TraplineError } from '../../src/index.js';
import { errno } from '../../src/vfio/errno.js';
import { buffer, RegionHost, SBDF } from './region-host.js';

const bars: FunctionDescription['bars'] = [
  { index: 0, type: 'mem32', address: 0xfe00_0000, size: 0x2000 },
  { index: 1, type: 'io', address: 0xc000, size: 0x20 },
  { index: 2, type: 'mem32', address: 0xfe10_0800, size: 0x800 },
];

function assigned(host = new RegionHost(), description: Partial<FunctionDescription> = {}) {
  const errors: unknown[] = [];
  const dispatcher = createDispatcher({ host, onError: (error) => errors.push(error) });
  const fn = dispatcher.assign({ sbdf: SBDF, bars, ...description });
  return { host, dispatcher, fn, errors };
}

function opened(dispatcher: Dispatcher, mapping?: 'eager' | 'lazy'): RegionDoor {
  const door = dispatcher.openRegions(SBDF, { mapping });
  if (typeof door === 'number') throw new Error(`open: ${door}`);
  return door;
}

/** Every access that a door offers, by its result. */
const everything = (door: RegionDoor) => [
  door.pread(0, buffer(1)),
  door.pread(7 * 2 ** 40, buffer(1)),
  door.pwrite(0, buffer(1)),
  door.pread(0, buffer(0)),
  door.regionInfo(0),
  door.reset(),
];

describe('open and close', () => {
  it('lazy: claims, resets; unmaps, resets, releases', () => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher);
    expect(host.take()).toEqual(['request', 'reset']);
    fn.setDecode(true);
    host.take();
    door.pread(0x1000, buffer(4));
    door.pread(0x1004, buffer(4));
    expect(host.take()).toEqual(['map fe001000', 'read 4@fe001000', 'read 4@fe001004']);
    door.close();
    expect(host.take('map', 'unmap', 'reset', 'release', 'request')).toEqual([
      'unmap fe001000',
      'reset',
      'release',
    ]);
  });

  it('a lazy transfer maps all its pages before the first access; ENOMEM then touches nothing', () => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher);
    fn.setDecode(true);
    host.unmappable.add(0xfe00_1000);
    host.take();
    expect(door.pwrite(0xffc, buffer(8))).toBe(errno.ENOMEM);
    expect(host.take()).toEqual(['map fe000000', 'map fe001000']);
    host.unmappable.clear();
    expect(door.pwrite(0xffc, buffer(8))).toBe(8);
    expect(host.take()).toEqual(['map fe001000', 'write 4@fe000ffc', 'write 4@fe001000']);
  });

  it('eager: maps every page of the memory BARs, and nothing later', () => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher, 'eager');
    expect(host.take()).toEqual(['request', 'reset', 'map fe000000', 'map fe001000', 'map fe100000']);
    fn.setDecode(true);
    host.take();
    door.pread(0, buffer(0x2000));
    expect(host.take('map')).toEqual([]);
    door.close();
    expect(host.take('unmap')).toEqual(['unmap fe000000', 'unmap fe001000', 'unmap fe100000']);
  });

  it.each([0xfe00_0000, 0xfe00_1000, 0xfe10_0000])('eager fails whole when %d cannot be mapped', (page) => {
    const { host, dispatcher } = assigned();
    host.unmappable.add(page);
    expect(dispatcher.openRegions(SBDF, { mapping: 'eager' })).toBe(errno.ENOMEM);
    const calls = host.take();
    const maps = calls.filter((call) => call.startsWith('map')).slice(0, -1);
    const unmaps = calls.filter((call) => call.startsWith('unmap'));
    expect(unmaps).toEqual(maps.map((call) => `un${call}`));
    expect(calls.at(-1)).toBe('release');
    host.unmappable.clear();
    expect(opened(dispatcher, 'eager')).toBeDefined();
  });

  it('regions that somebody else has: EBUSY, nothing held', () => {
    const { host, dispatcher } = assigned();
    host.refuses = true;
    expect(dispatcher.openRegions(SBDF, { mapping: 'eager' })).toBe(errno.EBUSY);
    expect(host.take()).toEqual(['request']);
    host.refuses = false;
    opened(dispatcher);
  });

  it('is exclusive until closed', () => {
    const { host, dispatcher } = assigned();
    const first = opened(dispatcher);
    host.take();
    expect(dispatcher.openRegions(SBDF)).toBe(errno.EBUSY);
    expect(host.take()).toEqual([]);
    first.close();
    const second = opened(dispatcher);
    first.close();
    expect(dispatcher.openRegions(SBDF)).toBe(errno.EBUSY);
    expect(second.reset()).toBe(0);
  });

  it.each(['request', 'reset', 'map fe000000', 'release'])(
    'nobody opens it again from the host, at %s',
    (at) => {
      const { host, dispatcher } = assigned();
      const results: unknown[] = [];
      host.onCall = (call) => {
        if (call === at) results.push(dispatcher.openRegions(SBDF));
      };
      const door = opened(dispatcher, 'eager');
      door.close();
      expect(results.length).toBeGreaterThan(0);
      expect(new Set(results)).toEqual(new Set([errno.EBUSY]));
    },
  );

  it('a closed door is EBADF for everything, and closes once', () => {
    const { host, dispatcher } = assigned();
    const door = opened(dispatcher);
    door.close();
    host.take();
    expect(everything(door)).toEqual(new Array(6).fill(errno.EBADF));
    door.close();
    door.revoke();
    expect(everything(door)).toEqual(new Array(6).fill(errno.EBADF));
    expect(host.take()).toEqual([]);
  });

  it('errors of the host while closing go to onError; all of it is done', () => {
    const { host, dispatcher, errors } = assigned();
    const door = opened(dispatcher, 'eager');
    host.take();
    host.onCall = (call) => {
      throw new Error(call);
    };
    door.close();
    expect(host.take('unmap', 'reset', 'release')).toEqual([
      'unmap fe000000',
      'unmap fe001000',
      'unmap fe100000',
      'reset',
      'release',
    ]);
    expect(errors.length).toBeGreaterThanOrEqual(3);
    host.onCall = () => {};
    opened(dispatcher);
  });

  it('a host that throws when asked, or when mapping: EIO, nothing held', () => {
    for (const at of ['request', 'map fe001000']) {
      const { host, dispatcher, errors } = assigned();
      host.onCall = (call) => {
        if (call === at) throw new Error(call);
      };
      expect(dispatcher.openRegions(SBDF, { mapping: 'eager' })).toBe(errno.EIO);
      expect(errors).toHaveLength(1);
      if (at !== 'request') expect(host.take('unmap', 'release')).toEqual(['unmap fe000000', 'release']);
      host.onCall = () => {};
      opened(dispatcher, 'eager');
    }
  });

  it('misuse throws', () => {
    const { dispatcher } = assigned();
    expect(() => dispatcher.openRegions('0000:02:00.0')).toThrow(TraplineError);
    expect(() => dispatcher.openRegions(SBDF, { mapping: 'often' as 'lazy' })).toThrow(/mapping often/);
    opened(dispatcher);
  });
});

describe('reset', () => {
  it('on demand, without closing; decoding is off after it', () => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher);
    fn.setDecode(true);
    host.take();
    expect(door.reset()).toBe(0);
    expect(host.take('reset')).toEqual(['reset']);
    expect(door.pread(0, buffer(1))).toBe(errno.EIO);
    fn.setDecode(true);
    expect(door.pread(0, buffer(1))).toBe(1);
  });

  it('a function that cannot be reset opens; on demand it is EINVAL, and close does not try', () => {
    const { host, dispatcher } = assigned();
    host.resets = false;
    const door = opened(dispatcher);
    host.take();
    expect(door.reset()).toBe(errno.EINVAL);
    door.close();
    expect(host.take()).toEqual(['release']);
  });

  it('a reset that fails later is EINVAL', () => {
    const { host, dispatcher } = assigned();
    const door = opened(dispatcher);
    host.resets = false;
    expect(door.reset()).toBe(errno.EINVAL);
  });
});

describe('revoke', () => {
  it('takes it from whoever holds the handle', () => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher, 'eager');
    fn.setDecode(true);
    host.take();
    door.revoke();
    expect(host.take('unmap', 'reset', 'release')).toEqual([
      'unmap fe000000',
      'unmap fe001000',
      'unmap fe100000',
      'reset',
      'release',
    ]);
    fn.setDecode(true);
    const second = opened(dispatcher);
    fn.setDecode(true);
    expect(everything(door)).toEqual(new Array(6).fill(errno.ENODEV));
    expect(second.pread(0, buffer(1))).toBe(1);
    door.close();
    expect(second.pread(0, buffer(1))).toBe(1);
  });

  it('deassigning the function revokes', () => {
    const { host, dispatcher } = assigned();
    const door = opened(dispatcher, 'eager');
    host.take();
    dispatcher.deassign(SBDF);
    expect(host.take('reset', 'release')).toEqual(['reset', 'release']);
    expect(everything(door)).toEqual(new Array(6).fill(errno.ENODEV));
  });

  it.each([
    ['close', errno.EBADF],
    ['revoke', errno.ENODEV],
  ] as const)('%s during an access ends the transfer after it', (method, result) => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher);
    fn.setDecode(true);
    host.onCall = (call) => {
      if (call.startsWith('read')) door[method]();
    };
    expect(door.pread(1, buffer(7))).toBe(result);
    expect(host.take('read', 'unmap')).toEqual(['read 1@fe000001', 'unmap fe000000']);
  });

  it('during the mapping of a page: the page is unmapped again', () => {
    const { host, dispatcher, fn } = assigned();
    const door = opened(dispatcher);
    fn.setDecode(true);
    host.onCall = (call) => {
      if (call === 'map fe001000') door.revoke();
    };
    expect(door.pread(0, buffer(0x2000))).toBe(errno.ENODEV);
    expect(host.take('map', 'unmap', 'read')).toEqual([
      'map fe000000',
      'map fe001000',
      'unmap fe000000',
      'unmap fe001000',
    ]);
  });

  it('during open: open fails with ENODEV and holds nothing', () => {
    for (const at of ['request', 'reset', 'map fe001000']) {
      const { host, dispatcher } = assigned();
      host.onCall = (call) => {
        if (call === at && dispatcher.functions.length > 0) dispatcher.deassign(SBDF);
      };
      expect(dispatcher.openRegions(SBDF, { mapping: 'eager' })).toBe(errno.ENODEV);
      const calls = host.take('map', 'unmap', 'request', 'release');
      const count = (kind: string) => calls.filter((call) => call.startsWith(kind)).length;
      expect(count('unmap')).toBe(count('map'));
      expect(count('release')).toBe(1);
    }
  });
});
