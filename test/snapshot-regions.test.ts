import { describe, expect, it } from 'vitest';
import { createDispatcher, type GuestRegister, type Snapshot, UNCLAIMED } from '../src/index.js';
import { type OpRegion, openOpRegion } from '../src/regions/opregion.js';
import { MemoryRegion } from '../src/stolen-memory.js';
import { RecordingHost } from './recording-host.js';
import { ASLS, image, Memory } from './regions/opregion-images.js';

const AT = 0x7fff_0000;
const STOLEN = 0x7c00_0000;

function machine() {
  const memory = new Memory([[ASLS, image()]]);
  const opregion = openOpRegion({ memory, asls: ASLS, writable: ['CSTS', 'DIDL'] }) as OpRegion;
  const stolen = new MemoryRegion(0x40_0000);
  const host = new RecordingHost();
  const dispatcher = createDispatcher({ host, diagnosticLimit: 'none' });
  const bdsm: GuestRegister = { space: 'config', offset: 0x5c, width: 4, value: STOLEN };
  const fn = dispatcher.assign({
    sbdf: '00:02.0',
    bars: [{ index: 0, type: 'mem32', address: 0xfe00_0000, size: 0x10000 }],
    registers: [opregion.guestAsls, bdsm],
  });
  fn.placeRegion(opregion, AT);
  fn.placeRegion(stolen, STOLEN);
  host.take();
  return { dispatcher, fn, opregion, stolen, host };
}

const asJson = (snapshot: Snapshot): Snapshot => JSON.parse(JSON.stringify(snapshot));

/** The guest's firmware moved the OpRegion, and its driver wrote a field. */
function running() {
  const made = machine();
  made.fn.config.write(0xfc, 4, AT - 0x10000);
  made.fn.placeRegion(made.opregion, AT - 0x10000);
  made.dispatcher.write(AT - 0x10000 + 0x104, 4, 0x1234_5678);
  return made;
}

it('where regions are, what the guest wrote of them, and its ASLS are restored', () => {
  const snapshot = asJson(running().dispatcher.save());
  expect(snapshot.functions[0].ranges).toEqual([
    { address: AT - 0x10000, size: 0x2000, state: { CSTS: '78563412' } },
    { address: STOLEN, size: 0x40_0000, state: null },
  ]);
  const { dispatcher, fn } = machine();
  dispatcher.write(AT + 0x120, 4, 1);
  dispatcher.restore(snapshot);
  expect(dispatcher.save()).toEqual(snapshot);
  expect(dispatcher.read(AT + 0x104, 4)).toBe(UNCLAIMED);
  expect(dispatcher.read(AT - 0x10000 + 0x104, 4)).toBe(0x1234_5678);
  // Not written in the snapshot: the firmware's again.
  expect(dispatcher.read(AT - 0x10000 + 0x120, 4)).toBe(didl());
  expect([fn.config.read(0xfc, 4), fn.config.read(0x5c, 4)]).toEqual([AT - 0x10000, STOLEN]);
});

const didl = () => new DataView(image().buffer).getUint32(0x120, true);

it('regions that changed places', () => {
  const from = machine();
  from.fn.placeRegion(from.opregion, 0x1000_0000);
  from.fn.placeRegion(from.stolen, AT - 0x40_0000);
  from.fn.placeRegion(from.opregion, STOLEN);
  const to = machine();
  to.dispatcher.restore(asJson(from.dispatcher.save()));
  expect(to.fn.ranges).toMatchObject([
    { address: STOLEN, enabled: true },
    { address: AT - 0x40_0000, enabled: true },
  ]);
  expect(to.dispatcher.read(STOLEN, 4)).toBe(0x65746e49);
});

it('where the guest has something else a region is nowhere, and reported, until it is placed anew', () => {
  const snapshot = asJson(running().dispatcher.save());
  const { dispatcher, fn, host, opregion } = machine();
  host.guestPages.set(AT - 0x10000, 'other');
  dispatcher.restore(snapshot);
  expect(dispatcher.counts['hole-occupied']).toBe(1);
  expect(fn.ranges).toMatchObject([{ enabled: false }, { enabled: true }]);
  expect(dispatcher.read(AT - 0x10000, 4)).toBe(UNCLAIMED);
  fn.placeRegion(opregion, AT);
  expect(dispatcher.read(AT + 0x104, 4)).toBe(0x1234_5678);
});

describe('refuses, changing nothing,', () => {
  const good = asJson(running().dispatcher.save());
  it.each<[string, unknown, string]>([
    ['ranges', undefined, 'functions[0].ranges undefined is not a list of 2'],
    ['ranges', [], 'functions[0].ranges [] is not a list of 2'],
    ['ranges[0]', null, 'functions[0].ranges[0].size undefined is not 8192'],
    ['ranges[0].size', 0x4000, 'functions[0].ranges[0].size 16384 is not 8192'],
    ['ranges[0].address', AT + 16, `address ${AT + 16} is no multiple of 4096`],
    ['ranges[0].address', 'here', 'address here is no multiple of 4096'],
    [
      'ranges[1].address',
      2 ** 52,
      `address ${2 ** 52} is no multiple of 4096 with the whole region in [0, 2^52)`,
    ],
    [
      'ranges[1].address',
      AT - 0x10000,
      `functions[0].ranges[1] ${AT - 0x10000} overlaps functions[0].ranges[0]`,
    ],
    ['ranges[1].state', {}, 'functions[0].ranges[1].state {} is not null'],
    ['ranges[0].state', null, 'functions[0].ranges[0].state null is no object'],
    ['ranges[0].state', { DRDY: '00000000' }, 'has DRDY, which is no field that the guest may write'],
    ['ranges[0].state', { CSTS: '000000' }, 'has CSTS, which is not 4 bytes in lower-case hexadecimal'],
    ['ranges[0].state', { CSTS: '0000000g' }, 'has CSTS, which is not 4 bytes'],
    ['ranges[0].state', { DIDL: 5 }, 'has DIDL, which is not 32 bytes'],
    ['config', good.functions[0].config.replace('0000007c', '0000007d'), 'config[0x5f] "7d" differs'],
  ])('%s as %j', (path, value, rule) => {
    const copy = JSON.parse(JSON.stringify(good));
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
    const last = steps.pop() as string;
    steps.reduce((at, step) => at[step], copy.functions[0])[last] = value;
    const { dispatcher, host } = machine();
    const before = dispatcher.save();
    expect(() => dispatcher.restore(copy)).toThrow(
      expect.objectContaining({ code: 'bad-snapshot', message: expect.stringContaining(rule) }),
    );
    expect([dispatcher.save(), host.take()]).toEqual([before, []]);
  });

  it('a region on an enabled BAR', () => {
    const copy = JSON.parse(JSON.stringify(good));
    copy.functions[0].decoding = true;
    copy.functions[0].bars[0].enabled = true;
    copy.functions[0].ranges[0].address = 0xfe00_f000;
    expect(() => machine().dispatcher.restore(copy)).toThrow('overlaps functions[0].bars[0]');
  });
});
