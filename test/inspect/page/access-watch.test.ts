import { beforeEach, describe, expect, it } from 'vitest';
import { AccessWatch, KIND_NAMES, type WatchedPage } from '../../../src/inspect/page/access-watch.js';
import { kindName } from '../../../src/report/heat-map.js';
import { LARGE, PBA, SMALL, TABLE, type WatchedMachine, watchedMachine } from './machine.js';

let watched: WatchedMachine;
beforeEach(() => {
  watched = watchedMachine();
});

const logged = () => {
  const { log } = watched.watch;
  return Array.from({ length: log.total }, (_, sequence) => {
    const access = log.at(sequence);
    return access && { ...access, kind: KIND_NAMES[access.kind] };
  });
};

const page = (address: number): WatchedPage => {
  const found = watched.watch.shownPages().find(({ owners }) => owners.address === address);
  if (!found) throw new Error(`no page at 0x${address.toString(16)}`);
  return found;
};

describe('an access', () => {
  it('is answered as the dispatcher answers it', () => {
    watched.write(TABLE + 8, 4, 0x1234);
    expect(watched.machine.functions[0].vector(0).data).toBe(0x1234);
    expect(watched.read(TABLE + 8, 4)).toBe(0x1234);
    expect(watched.read(TABLE + 12, 4)).toBe(1);
    watched.write(LARGE + 0x3000, 8, 0x11111111, 0x22222222);
    expect(watched.read(LARGE + 0x3004, 4)).toBe(0x22222222);
  });

  it.each([
    ['table', TABLE, 4],
    ['pba', PBA, 4],
    ['adjacent', SMALL + 0x610, 4],
    ['neighbour', SMALL + 0x400, 4],
    ['direct', LARGE + 0x3000, 4],
    ['straddle', TABLE - 2, 4],
  ] as const)('to %s is counted as such', (kind, address, width) => {
    watched.read(address, width);
    watched.write(address, width, 0);
    expect(watched.watch.countOf(kind)).toEqual({ reads: 1, writes: 1 });
    expect(logged().map((access) => access?.kind)).toEqual([kind, kind]);
    expect([watched.watch.reads, watched.watch.writes]).toEqual([1, 1]);
  });

  it('is logged with its value, as wide as it is', () => {
    watched.time = 1500;
    watched.write(LARGE + 0x3000, 8, -1, -2);
    watched.read(LARGE + 0x3000, 1);
    watched.write(LARGE + 0x3001, 2, 0xabcd1234 | 0);
    expect(logged()).toMatchObject([
      { write: true, width: 8, low: 0xffffffff, high: 0xfffffffe, time: 1500, address: LARGE + 0x3000 },
      { write: false, width: 1, low: 0xff, high: 0 },
      { write: true, width: 2, low: 0x1234, high: 0, address: LARGE + 0x3001 },
    ]);
    expect(watched.watch.unaligned).toBe(1);
  });

  it('to no BAR goes to the host, counted but not logged', () => {
    expect(watched.read(0xa0000, 4)).toBe(-1);
    watched.write(LARGE + 0x4000, 4, 0);
    expect(watched.fallen).toEqual(['read a0000 4', 'write f2004000 4']);
    expect([watched.watch.elsewhere, watched.watch.log.total, watched.watch.reads]).toEqual([2, 0, 0]);
  });

  it('to a BAR that is not decoded is unclaimed', () => {
    watched.machine.functions[1].setDecode(false);
    expect(watched.read(LARGE + 0x1400, 4)).toBe(-1);
    watched.write(LARGE + 0x3fff, 1, 0);
    expect([watched.watch.unclaimedReads, watched.watch.unclaimedWrites]).toEqual([1, 1]);
    expect(logged().map((access) => access?.kind)).toEqual(['unclaimed', 'unclaimed']);
    expect(watched.fallen).toHaveLength(2);
  });

  it('to bytes of nobody on a page of a BAR is unclaimed', () => {
    expect(watched.read(SMALL + 0x800, 4)).toBe(-1);
    expect(watched.watch.unclaimedReads).toBe(1);
  });

  it('goes by while the watch is off', () => {
    watched.watch.on = false;
    watched.write(TABLE + 8, 4, 7);
    expect(watched.read(TABLE + 8, 4)).toBe(7);
    expect([watched.watch.reads, watched.watch.writes, watched.watch.log.total]).toEqual([0, 0, 0]);
    watched.watch.on = true;
    watched.read(TABLE + 8, 4);
    expect(watched.watch.reads).toBe(1);
  });

  it('of the page itself is one like the guest’s', () => {
    expect(watched.watch.write(TABLE + 12, 4, 0)).toBe(true);
    expect(watched.watch.read(TABLE + 12, 4)).toBe(0);
    expect(logged()).toMatchObject([
      { kind: 'table', write: true },
      { kind: 'table', write: false },
    ]);
  });
});

describe('a page', () => {
  it('counts each byte that an access has', () => {
    watched.read(TABLE, 4);
    watched.write(TABLE + 1, 1, 0);
    const { reads, writes } = page(SMALL);
    expect([...reads.slice(0x67f, 0x685)]).toEqual([0, 1, 1, 1, 1, 0]);
    expect([...writes.slice(0x67f, 0x685)]).toEqual([0, 0, 1, 0, 0, 0]);
  });

  it('knows whose each byte is', () => {
    const { owners } = page(SMALL);
    const kinds = [0, 0x3ff, 0x400, 0x600, 0x67f, 0x680, 0x69f, 0x6a0, 0x6a7, 0x6a8, 0x6ff, 0x700];
    expect(kinds.map((byte) => kindName(owners, byte))).toEqual([
      ...['neighbour', 'neighbour', 'neighbour', 'adjacent', 'adjacent', 'table', 'table'],
      ...['pba', 'pba', 'adjacent', 'adjacent', 'nobody'],
    ]);
  });

  it('is shown while it is decoded, ascending, and afterwards behind the others', () => {
    const addresses = () => watched.watch.shownPages().map(({ owners }) => owners.address);
    const large = [0, 1, 2, 3].map((index) => LARGE + 0x1000 * index);
    expect(addresses()).toEqual([SMALL, ...large]);
    watched.machine.functions[0].setDecode(false);
    expect(addresses()).toEqual([...large, SMALL]);
    expect(watched.watch.shownPages().map((each) => watched.watch.isDecoded(each))).toEqual([
      ...[true, true, true, true, false],
    ]);
  });

  it('goes on counting where its BAR moves', () => {
    watched.read(LARGE + 0x1400, 4);
    const [, large] = watched.machine.functions;
    large.setDecode(false);
    large.moveBar(0, 0xe0000000);
    large.setDecode(true);
    watched.read(0xe0001400, 4);
    expect(page(0xe0001000).reads[0x400]).toBe(2);
    expect(watched.watch.shownPages()).toHaveLength(5);
  });
});

describe('the machine as an access met it', () => {
  it('is kept as it was', () => {
    watched.read(TABLE, 4);
    const [small, large] = watched.machine.functions;
    large.setDecode(false);
    small.writeMessageControl(0xc000);
    watched.read(TABLE, 4);
    const [before, after] = logged().map((access) => watched.watch.inventory(access?.epoch ?? -1));
    expect(before?.map(({ decode, msix }) => [decode, msix?.enabled, msix?.masked])).toEqual([
      [true, false, false],
      [true, false, false],
    ]);
    expect(after?.map(({ decode, msix }) => [decode, msix?.enabled, msix?.masked])).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
    expect(after?.[0]).toMatchObject({ vendor: 0x1234, device: 0x5402, name: 'example device 1234:5402' });
  });

  it('is forgotten with the last access that met it', () => {
    const [small] = watched.machine.functions;
    watched.read(TABLE, 4);
    const first = logged()[0]?.epoch ?? -1;
    for (let count = 0; count < 4096; count++) watched.read(PBA, 4);
    small.writeMessageControl(0x8000);
    watched.read(TABLE, 4);
    small.writeMessageControl(0);
    expect(watched.watch.inventory(first)).toBeDefined();
    for (let count = 0; count < 4096; count++) watched.read(PBA, 4);
    small.writeMessageControl(0x8000);
    watched.read(TABLE, 4);
    expect(watched.watch.inventory(first)).toBeUndefined();
  });
});

it('forgets everything when it is cleared', () => {
  watched.read(TABLE + 1, 4);
  watched.read(0xa0000, 1);
  watched.watch.clear();
  const { watch } = watched;
  expect([watch.reads, watch.writes, watch.unaligned, watch.elsewhere, watch.log.total]).toEqual([
    0, 0, 0, 0, 0,
  ]);
  expect(watch.countOf('table')).toEqual({ reads: 0, writes: 0 });
  expect(watch.shownPages().every(({ reads }) => reads.every((count) => count === 0))).toBe(true);
  watched.read(TABLE, 4);
  expect(watch.inventory(watch.log.at(0)?.epoch ?? -1)).toBeDefined();
});

it('takes its times from the page’s clock', () => {
  const { dispatcher } = watched.machine;
  const watch = new AccessWatch(dispatcher);
  const before = performance.now();
  watch.attach({ read: () => -1, write: () => {} }).trap_read(TABLE | 0, 0, 4);
  const time = watch.log.at(0)?.time ?? Number.NaN;
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(performance.now());
});
