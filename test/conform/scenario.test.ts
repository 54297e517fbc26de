import { describe, expect, it } from 'vitest';
import { BackingMemory, initialWord } from '../../src/conform/backing-memory.js';
import { Harness } from '../../src/conform/harness.js';
import { parseLine } from '../../src/conform/scenario.js';
import { createDispatcher } from '../../src/dispatcher.js';
import { InputError } from '../../src/input-error.js';
import { policies } from '../../src/policy.js';
import { createReference } from '../reference/reference.js';

const DEVICE = {
  op: 'device',
  id: 8,
  hwdom: true,
  bars: [{ index: 0, type: 'mem32', addr: 'fe000000', size: '4000', enabled: true }],
  msix: { count: 8, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 2048 } },
  rc: 'okay',
};

describe('a line', () => {
  it('gives the step, its own fields, and what is expected of it', () => {
    const text =
      '{"op":"write","addr":"fe000008","len":8,"data":"8899aabbccddeeff","rc":"okay","fx":[["mask",8,0,"0","0",0,0]]}';
    expect(parseLine(text)).toEqual({
      step: { op: 'write', address: 0xfe000008, width: 8, low: 0xccddeeff, high: 0x8899aabb },
      input: { op: 'write', addr: 'fe000008', len: 8, data: '8899aabbccddeeff' },
      expected: { rc: 'okay', fx: [['mask', 8, 0, '0', '0', 0, 0]] },
    });
  });

  it('says by which door an access comes', () => {
    const text = '{"op":"read","addr":"10","len":4,"door":"v86","rc":"okay","data":"0"}';
    expect(parseLine(text).step).toEqual({ op: 'read', address: 0x10, width: 4, door: 'v86' });
    expect(parseLine(text.replace('read', 'write')).step).toMatchObject({ op: 'write', door: 'v86' });
  });

  it('says where on the host a BAR is, and what has no MSI-X', () => {
    const { bars, msix, ...device } = DEVICE;
    const text = JSON.stringify({ ...device, bars: [{ ...bars[0], host: 'a0000000' }] });
    const bar = { index: 0, type: 'mem32', address: 0xfe000000, size: 0x4000, enabled: true, stuck: false };
    expect(parseLine(text).step).toEqual({
      op: 'device',
      id: 8,
      bars: [{ ...bar, hostAddress: 0xa0000000 }],
      msix: undefined,
      registers: [],
    });
  });

  it('says that all pages of BARs trap', () => {
    const text = '{"op":"scenario","name":"a","hwdom":false,"trapall":true,"rc":"okay"}';
    expect(parseLine(text).step).toEqual({
      op: 'scenario',
      name: 'a',
      hardware: false,
      trapAll: true,
      ownPages: false,
    });
  });

  it.each<[string, object]>([
    ['{"op":"reset","id":8,"rc":"okay"}', { op: 'reset', id: 8 }],
    [
      '{"op":"place","id":8,"region":7,"size":53,"addr":"fd000000","rc":"okay"}',
      { op: 'place', id: 8, region: 7, size: 53, address: 0xfd000000 },
    ],
    ['{"op":"unplace","id":8,"region":0,"rc":"noop"}', { op: 'unplace', id: 8, region: 0 }],
  ])('%s', (text, step) => {
    expect(parseLine(text).step).toEqual(step);
  });

  it('has data as a result of a read, and `raw` and `crash` are nothing to compare', () => {
    const { input, expected } = parseLine(
      '{"op":"read","addr":"0","len":2,"crash":true,"rc":"retry","data":"ffff","raw":"ffffffffffffffff"}',
    );
    expect(input).toEqual({ op: 'read', addr: '0', len: 2 });
    expect(expected).toEqual({ rc: 'retry', data: 'ffff', fx: [] });
  });

  it.each([
    ['{"op":"read","addr":"0"', /^not JSON: /],
    ['[]', 'the line is not an object'],
    ['{"rc":"okay"}', 'op (missing) is not a string'],
    ['{"op":"poke","rc":"okay"}', 'unknown op "poke"'],
    ['{"op":"read","addr":"0x10","len":4,"rc":"okay","data":"0"}', 'addr "0x10" is not lower-case hex'],
    ['{"op":"read","addr":"10","len":3,"rc":"okay","data":"0"}', 'len 3 is not 1, 2, 4 or 8'],
    ['{"op":"read","addr":16,"len":4,"rc":"okay","data":"0"}', 'addr 16 is not a string'],
    ['{"op":"read","addr":"10","len":4,"rc":"okay"}', 'data (missing) is not a string'],
    ['{"op":"write","addr":"10","len":2,"data":"12345","rc":"okay"}', 'data "12345" has more than 16 bits'],
    ['{"op":"decode","id":8,"enabled":1,"rc":"okay"}', 'enabled 1 is not true or false'],
    ['{"op":"decode","id":65536,"enabled":true,"rc":"okay"}', 'id 65536 is not an integer from 0 to 65535'],
    ['{"op":"cread","id":8,"rc":"okay","fx":[["cfg",8,null]]}', /^fx .* is not a list of effects$/],
    [
      '{"op":"p2m","page":"1000","type":"rom","rc":"okay"}',
      'type "rom" is not one of ram, direct, dm, invalid',
    ],
    ['{"op":"mapfail","page":"1001","fail":true,"rc":"okay"}', 'page "1001" is not the address of a page'],
    [
      '{"op":"read","addr":"10","len":4,"door":"port","rc":"okay","data":"0"}',
      'door "port" is not one of wasm, v86, ring',
    ],
    ['{"op":"scenario","name":"a","hwdom":true,"trapall":1,"rc":"okay"}', 'trapall 1 is not true or false'],
    [
      JSON.stringify({ ...DEVICE, bars: [{ ...DEVICE.bars[0], host: 'x' }] }),
      'bars[0].host "x" is not lower-case hex',
    ],
    ['{"op":"unplace","id":8,"region":8,"rc":"okay"}', 'region 8 is not an integer from 0 to 7'],
    [
      '{"op":"place","id":8,"region":0,"size":0,"addr":"0","rc":"okay"}',
      'size 0 is not an integer from 1 to 1048576',
    ],
    [
      JSON.stringify({ ...DEVICE, registers: [{ space: 'config', offset: 64, len: 1, value: '0' }] }),
      'registers[0].space "config" is not one of bar0, bar1, bar2, bar3, bar4, bar5',
    ],
    [
      JSON.stringify({ ...DEVICE, registers: [{ space: 'bar0', offset: 0, len: 8, value: '0' }] }),
      'registers[0].len 8 is not one of 1, 2, 4',
    ],
    [JSON.stringify({ ...DEVICE, bars: {} }), 'bars {} is not a list'],
    [JSON.stringify({ ...DEVICE, bars: [7] }), 'bars[0] is not an object'],
    [JSON.stringify({ ...DEVICE, bars: [{ ...DEVICE.bars[0], size: 4 }] }), 'bars[0].size 4 is not a string'],
    [
      JSON.stringify({ ...DEVICE, msix: { ...DEVICE.msix, count: 0 } }),
      'msix.count 0 is not an integer from 1 to 2048',
    ],
    [JSON.stringify({ ...DEVICE, msix: { ...DEVICE.msix, pba: null } }), 'msix.pba is not an object'],
  ])('%s is refused', (text, message) => {
    expect(() => parseLine(text)).toThrow(InputError);
    expect(() => parseLine(text)).toThrow(message);
  });
});

describe('backing memory', () => {
  // 8 bytes from the address upward.
  it.each([
    [0x0, 0x0, '61 5b 3e aa 30 e6 de 06'],
    [0xfe000000, 0x0, '03 69 14 a2 97 25 c1 96'],
    [0x00001230, 0x3800, 'fd 0c fa 50 84 80 b5 fa'],
    [0x00000ff0, 0xffff000, '44 3a ee 72 65 47 26 5c'],
  ])('at %d, %d is as the format says', (low, high, bytes) => {
    const words = new Uint32Array([initialWord(low, high), initialWord(low + 4, high)]);
    expect(Buffer.from(words.buffer).toString('hex', 0, 8)).toBe(bytes.replaceAll(' ', ''));
  });

  it('keeps what is written beside what was there', () => {
    const memory = new BackingMemory();
    memory.write(0x380000001232, 1, 0xab);
    expect(memory.read(0x380000001230, 4)).toBe(0x50ab0cfd);
    memory.write(0x380000001230, 2, 0x1234);
    expect(memory.read(0x380000001230, 4)).toBe(0x50ab1234);
    memory.write(0x380000001230, 4, 0xffffffff);
    expect(memory.read(0x380000001230, 4)).toBe(0xffffffff);
    expect(memory.read(0x380000001232, 2)).toBe(0xffff);
    expect(memory.read(0x380000001234, 4)).toBe(0xfab58084);
  });
});

it('what the dispatcher could not do for lack of memory ends the run', () => {
  const harness = new Harness(
    (options) => createDispatcher({ ...options, memoryLimit: 1 << 19 }),
    policies.xen,
  );
  harness.run({ op: 'scenario', name: 'far apart', hardware: false, trapAll: false, ownPages: false });
  // Nodes of the page map for each.
  const bars = [0, 2].map((index) => ({
    index,
    type: 'mem64',
    addr: `${4 + 4 * index}000000000`,
    size: '4000',
  }));
  const device = { ...DEVICE, hwdom: false, bars: bars.map((bar) => ({ ...bar, enabled: false })) };
  harness.run(
    parseLine(JSON.stringify({ ...device, msix: { ...DEVICE.msix, pba: { bir: 2, offset: 0 } } })).step,
  );
  expect(() => harness.run({ op: 'decode', id: 8, enabled: true })).toThrow(
    expect.objectContaining({ code: 'out-of-memory' }),
  );
});

const WITHOUT_MSIX = { ...DEVICE, hwdom: false, msix: undefined };
const head = { op: 'scenario', name: 'a', hardware: false, trapAll: false, ownPages: false } as const;

it.each(['wasm', 'v86', 'ring'] as const)('the door %s answers, and what nobody claims is told', (door) => {
  const harness = new Harness(createDispatcher, policies.strict);
  harness.run(head);
  harness.run(parseLine(JSON.stringify(DEVICE)).step);
  const [at, low, high] = [0xfe000000, 0x12345678, 0x9abcdef0];
  for (const other of ['wasm', 'v86', 'ring', undefined] as const) {
    const write = { op: 'write', address: at, width: 8, low, high, door } as const;
    expect(harness.run(write)).toEqual({ rc: 'okay', fx: [] });
    const read = { op: 'read', address: at, width: 8, door: other } as const;
    expect(harness.run(read)).toEqual({ rc: 'okay', data: '9abcdef012345678', fx: [] });
    expect(harness.run({ ...read, width: 4 })).toEqual({ rc: 'okay', data: '12345678', fx: [] });
    for (const address of [0xfd000000, 0x3fe000000]) {
      expect(harness.run({ ...read, address, width: 1 })).toEqual({ rc: 'retry', data: 'ff', fx: [] });
      expect(harness.run({ ...write, address })).toEqual({ rc: 'retry', fx: [] });
    }
  }
});

it('all pages of BARs trap where the scenario says so', () => {
  for (const trapAll of [false, true]) {
    const harness = new Harness(createDispatcher, policies.strict);
    harness.run({ ...head, trapAll });
    harness.run(parseLine(JSON.stringify(WITHOUT_MSIX)).step);
    const { rc } = harness.run({ op: 'read', address: 0xfe002000, width: 4, door: undefined });
    expect(rc).toBe(trapAll ? 'okay' : 'retry');
  }
  const xen = new Harness(createDispatcher, policies.xen);
  expect(() => xen.run({ ...head, trapAll: true, ownPages: false })).toThrow(InputError);
});

it.each([
  ['dispatcher', createDispatcher],
  ['reference', createReference],
])('pages that are memory hold what the format’s memory has, without effects: %s', (_, create) => {
  const harness = new Harness(create, policies.strict);
  harness.run({ ...head, trapAll: true, ownPages: true });
  harness.run(parseLine(JSON.stringify(WITHOUT_MSIX)).step);
  const read = (door?: 'v86') => harness.run({ op: 'read', address: 0xfe000004, width: 4, door });
  expect(read()).toEqual({ rc: 'okay', data: '96c12597', fx: [['map', 'fe000000']] });
  const write = { op: 'write', address: 0xfe000006, width: 2, low: 0xabcd, high: 0, door: 'ring' } as const;
  expect(harness.run(write)).toEqual({ rc: 'okay', fx: [] });
  for (const enabled of [false, true]) harness.run({ op: 'decode', id: 8, enabled });
  expect(read('v86')).toEqual({ rc: 'okay', data: 'abcd2597', fx: [['map', 'fe000000']] });
});

it('moving a ROM leaves its enable bit', () => {
  const harness = new Harness(createDispatcher, policies.strict);
  harness.run(head);
  const bars = [{ index: 6, type: 'rom', addr: 'fe000000', size: '1000', enabled: true }];
  harness.run(parseLine(JSON.stringify({ ...WITHOUT_MSIX, bars })).step);
  harness.run({ op: 'decode', id: 8, enabled: false });
  expect(harness.run({ op: 'bar', id: 8, index: 6, address: 0xfd000000 }).rc).toBe('okay');
  expect(harness.run({ op: 'decode', id: 8, enabled: true }).rc).toBe('okay');
  expect(harness.run({ op: 'read', address: 0xfd000000, width: 4, door: undefined }).rc).toBe('okay');
});

/** A function at 0xfe000000, after which the host was told nothing. */
function strictly(device: object = {}) {
  const harness = new Harness(createDispatcher, policies.strict);
  harness.run(head);
  harness.run(parseLine(JSON.stringify({ ...WITHOUT_MSIX, ...device })).step);
  const read = (address: number, width: number) =>
    harness.run({ op: 'read', address, width, door: undefined });
  return { harness, read };
}

it('a register of the guest answers in its BAR', () => {
  const registers = [{ space: 'bar0', offset: 0x1002, len: 2, value: 'abcd' }];
  const { read } = strictly({ registers });
  expect(read(0xfe001002, 2)).toEqual({ rc: 'okay', data: 'abcd', fx: [['map', 'fe001000']] });
});

it('a reset is the host’s too, and the function decodes nothing after it', () => {
  const { harness, read } = strictly({ msix: DEVICE.msix });
  expect(harness.run({ op: 'reset', id: 8 })).toEqual({
    rc: 'okay',
    fx: [
      ['cfg', 8, 4, '0000'],
      ['reset', 8],
    ],
  });
  expect(read(0xfe000000, 4).rc).toBe('retry');
});

it('a region answers where it is placed, refuses what it does not take, and goes', () => {
  const { harness, read } = strictly();
  const place = { op: 'place', id: 8, region: 1, size: 0x35, address: 0xfd000000 } as const;
  const unplace = { op: 'unplace', id: 8, region: 1 } as const;
  expect(harness.run(unplace).rc).toBe('noop');
  expect(harness.run(place)).toEqual({ rc: 'okay', fx: [] });
  const write = { op: 'write', width: 2, low: 0xabcd, high: 0, door: undefined } as const;
  expect(harness.run({ ...write, address: 0xfd000004 }).fx).toEqual([['rwr', 1, 4, 'cdab']]);
  expect(read(0xfd000004, 2)).toEqual({ rc: 'okay', data: 'abcd', fx: [['rrd', 1, 4, 'cdab']] });
  expect(harness.run({ ...write, address: 0xfd000005, width: 1 }).fx).toEqual([
    ['rrefuse', 1, 5, 'cd'],
    ['log', 'W', 8, 'region-refused'],
  ]);
  expect(harness.run({ ...place, address: 0xfe000000 }).rc).toBe('overlap');
  expect(() => harness.run({ ...place, address: 0xfd000010 })).toThrow(InputError);
  expect(() => harness.run({ ...place, size: 0x36 })).toThrow('region 1 has 53 bytes, not 54');
  expect(read(0xfd000004, 2).data).toBe('abcd');
  expect(harness.run(unplace).rc).toBe('okay');
  expect(read(0xfd000004, 2).rc).toBe('retry');
});
