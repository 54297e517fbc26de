import { beforeEach, describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import type { AssignedFunction, FunctionDescription } from '../../src/function.js';
import type { Bar, Host } from '../../src/host.js';
import { type Policy, policies } from '../../src/policy.js';
import { MemoryHost } from '../memory-host.js';

const COMMAND = 4;
const MEMORY = 2;
const BAR = (index: number) => 0x10 + 4 * index;
const ROM = 0x30;
const MSIX = 0x60;

/** Records configuration writes, resets and guest mappings. */
class Recorder extends MemoryHost implements Host {
  calls: string[] = [];
  armVector?: (sbdf: number) => void;
  readonly direct = new Map<number, number>();
  refuses = false;
  failsToWrite = false;

  writeConfig(_sbdf: number, register: number, value: number): void {
    if (this.failsToWrite) throw new Error('no');
    this.calls.push(`config ${register.toString(16)} ${value.toString(16)}`);
  }

  mapGuestPages(guest: number, host: number, length: number): void {
    if (this.refuses) throw new Error('no');
    for (let at = 0; at < length; at += 4096) {
      expect(this.direct.has(guest + at)).toBe(false);
      this.direct.set(guest + at, host + at);
    }
  }

  unmapGuestPages(guest: number, length: number): void {
    for (let at = 0; at < length; at += 4096) expect(this.direct.delete(guest + at)).toBe(true);
  }

  moveBar(_sbdf: number, { index, hostAddress }: Bar): void {
    this.calls.push(`move ${index} ${hostAddress.toString(16)}`);
  }

  reset(): boolean {
    this.calls.push('reset');
    return true;
  }
}

const device: FunctionDescription = {
  sbdf: '01:00.0',
  bars: [
    { index: 0, type: 'mem64', address: 0x38_0000_0000, size: 0x4000, prefetchable: true },
    { index: 2, type: 'mem32', address: 0xfe00_0000, size: 0x1000 },
    { index: 3, type: 'io', address: 0xc000, size: 0x20 },
    { index: 6, type: 'rom', address: 0xfd00_0000, size: 0x10000, enabled: false },
  ],
  msix: { count: 8, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: 0x2800 } },
};

let host: Recorder;
let dispatcher: Dispatcher;
let fn: AssignedFunction;

function start(policy: Policy = policies.strict, domain: 'guest' | 'hardware' = 'guest'): void {
  host = new Recorder();
  dispatcher = createDispatcher({ host, policy, domain });
  fn = dispatcher.assign(device);
  host.calls = [];
}
beforeEach(() => start());

const bar = (index: number) =>
  fn.bars.find((candidate) => candidate.index === index) as AssignedFunction['bars'][number];

describe('BAR registers', () => {
  it('read address and type bits; what is not implemented reads 0 and stays so', () => {
    expect([0, 1, 2, 3, 4, 5].map((index) => fn.config.read(BAR(index), 4))).toEqual([
      0xc, 0x38, 0xfe00_0000, 0xc001, 0, 0,
    ]);
    fn.config.write(BAR(4), 4, 0xffffffff);
    expect(fn.config.read(BAR(4), 4)).toBe(0);
  });

  it('size as the specification says, the address restored', () => {
    const sizes = [0, 1, 2, 3].map((index) => {
      const before = fn.config.read(BAR(index), 4);
      fn.config.write(BAR(index), 4, 0xffffffff);
      const sized = fn.config.read(BAR(index), 4);
      fn.config.write(BAR(index), 4, before);
      expect(fn.config.read(BAR(index), 4)).toBe(before);
      return sized;
    });
    expect(sizes).toEqual([0xffffc00c, 0xffffffff, 0xfffff000, 0xffffffe1]);
    fn.config.write(ROM, 4, 0xfffff800);
    expect(fn.config.read(ROM, 4)).toBe(0xffff0000);
  });

  it.each([
    ['low first', [0, 1]],
    ['high first', [1, 0]],
  ])('move a 64-bit BAR in halves, %s', (_name, order) => {
    const halves = [0x1234_8000, 0x0000_0042];
    for (const half of order) fn.config.write(BAR(half), 4, halves[half]);
    expect(bar(0).address).toBe(0x42_1234_8000);
    fn.config.write(COMMAND, 2, MEMORY);
    expect(dispatcher.read(0x42_1234_a00c, 4)).toBe(1);
    expect(dispatcher.read(0x38_0000_200c, 4)).toBe(UNCLAIMED);
  });

  it.each([1, 2, 4])('move by writes of %d bytes', (width) => {
    for (let at = 0; at < 4; at += width)
      fn.config.write(BAR(2) + at, width, (0xabcd_e000 >>> (8 * at)) % 2 ** (8 * width));
    expect(bar(2).address).toBe(0xabcd_e000);
  });

  it('are refused while enabled, and nothing moves', () => {
    fn.config.write(COMMAND, 2, MEMORY);
    const mapped = [...host.direct];
    for (const index of [0, 1, 2]) {
      const before = fn.config.read(BAR(index), 4);
      for (const value of [0, 0xffffffff, 0x1000_0000]) fn.config.write(BAR(index), 4, value);
      expect(fn.config.read(BAR(index), 4)).toBe(before);
    }
    expect([...host.direct]).toEqual(mapped);
  });

  it.each([
    ['guest', 0xfe00_0000],
    ['hardware', 0xabcd_e000],
  ] as const)('keep or move the host address in a %s domain', (domain, wanted) => {
    start(policies.strict, domain);
    fn.config.write(BAR(2), 4, 0xabcd_e000);
    expect(bar(2).hostAddress).toBe(wanted);
  });

  describe('of the physical function', () => {
    const moves = () => host.calls.filter((call) => call.startsWith('move'));

    it('are not moved by a guest domain', () => {
      fn.config.write(BAR(2), 4, 0xabcd_e000);
      expect([fn.reset(), moves()]).toEqual([true, []]);
    });

    it.each(Object.values(policies))('move with those of the hardware domain, policy $name', (policy) => {
      start(policy, 'hardware');
      fn.config.write(BAR(0), 4, 0x1000_0000);
      fn.config.write(BAR(1), 4, 0x42);
      fn.config.write(BAR(2), 2, 0xe000);
      fn.config.write(BAR(3), 4, 0xd000);
      fn.config.write(ROM, 4, 0xfc00_0000);
      fn.moveBar(2, 0xabcd_0000);
      expect(moves()).toEqual([
        'move 0 3810000000',
        'move 0 4210000000',
        'move 2 fe00e000',
        'move 3 d000',
        'move 6 fc000000',
        'move 2 abcd0000',
      ]);
    });

    it('stay while they are enabled', () => {
      start(policies.strict, 'hardware');
      fn.config.write(COMMAND, 2, MEMORY);
      fn.config.write(BAR(2), 4, 0xabcd_e000);
      expect(moves()).toEqual([]);
    });

    it('are back before the reset of the hardware', () => {
      start(policies.strict, 'hardware');
      fn.config.write(BAR(2), 4, 0xabcd_e000);
      host.calls = [];
      fn.reset();
      expect(host.calls.slice(-5)).toEqual([
        'move 0 3800000000',
        'move 2 fe000000',
        'move 3 c000',
        'move 6 fd000000',
        'reset',
      ]);
    });

    it('are none of a device model', () => {
      start(policies.strict, 'hardware');
      dispatcher.deassign(device.sbdf);
      fn = dispatcher.assign({ ...device, bars: device.bars.slice(0, 3), software: { send: () => {} } });
      fn.config.write(BAR(2), 4, 0xabcd_e000);
      expect([fn.reset(), moves()]).toEqual([true, []]);
    });
  });
});

it('a BAR enabled past every address can be enabled elsewhere afterwards', () => {
  fn.config.write(BAR(1), 4, 0xffffffff);
  fn.config.write(COMMAND, 2, MEMORY);
  fn.config.write(COMMAND, 2, 0);
  fn.config.write(BAR(1), 4, 0x38);
  fn.config.write(COMMAND, 2, MEMORY);
  expect([fn.decoding, dispatcher.locate(0x38_0000_2000)?.owner]).toEqual([true, 'table']);
  dispatcher.deassign(device.sbdf);
  expect(dispatcher.locate(0x38_0000_2000)).toBeUndefined();
});

describe('COMMAND', () => {
  it.each([
    [4, 1, 2],
    [4, 2, 2],
    [4, 4, 0xffff_0002],
  ])('switches decoding by a write at %d of %d bytes', (offset, width, value) => {
    fn.config.write(offset, width, value);
    expect([fn.decoding, fn.config.read(COMMAND, 2)]).toEqual([true, MEMORY]);
    fn.config.write(offset, width, 0);
    expect([fn.decoding, fn.config.read(COMMAND, 2)]).toEqual([false, 0]);
  });

  it('is not touched by a write of its upper byte or of the status', () => {
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(5, 1, 0x05);
    fn.config.write(6, 2, 0xffff);
    expect([fn.decoding, fn.config.read(COMMAND, 2)]).toEqual([true, 0x0502]);
  });

  it('is not touched by a write of its upper byte when decoding was on at assign', () => {
    dispatcher.deassign(device.sbdf);
    fn = dispatcher.assign({ ...device, decode: true });
    fn.config.write(5, 1, 0x04);
    expect([fn.decoding, fn.config.read(COMMAND, 2)]).toEqual([true, 0x0402]);
  });

  it('writes its other bits through, with INTx disabled while MSI-X is enabled', () => {
    fn.config.write(COMMAND, 2, 0x0007);
    fn.config.write(COMMAND, 2, 0x0005);
    fn.config.write(MSIX + 3, 1, 0x80);
    fn.config.write(COMMAND, 2, 0x0007);
    expect(host.calls).toEqual(['config 4 7', 'config 4 5', 'config 62 8007', 'config 4 407']);
    expect(fn.config.read(COMMAND, 2)).toBe(0x0007);
  });

  it('reads back what it is when switching on fails', () => {
    host.refuses = true;
    fn.config.write(COMMAND, 2, MEMORY);
    expect([fn.decoding, fn.config.read(COMMAND, 2), host.direct.size]).toEqual([false, 0, 0]);
    expect(dispatcher.trappedPages).toBe(0);
    expect(dispatcher.counts['host-error']).toBe(1);
    host.refuses = false;
    fn.config.write(COMMAND, 2, MEMORY);
    expect(fn.decoding).toBe(true);
  });

  it('does not map a page that traps for a malformed table past the end of another BAR', () => {
    start(policies.xenV3);
    const malformed: FunctionDescription = {
      sbdf: '02:00.0',
      bars: [{ index: 0, type: 'mem32', address: 0xfe00_1000, size: 0x1000 }],
      msix: { count: 1, table: { bir: 0, offset: 0x1000 }, pba: { bir: 0, offset: 0 } },
    };
    const plain: FunctionDescription = {
      sbdf: '03:00.0',
      bars: [{ index: 0, type: 'mem32', address: 0xfe00_2000, size: 0x2000 }],
    };
    const [table, behind] = [malformed, plain].map((description) => dispatcher.assign(description));
    behind.setDecode(true);
    table.setDecode(true);
    expect([...host.direct.keys()]).toEqual([0xfe00_3000]);
    table.setDecode(false);
    expect([...host.direct.keys()].sort()).toEqual([0xfe00_2000, 0xfe00_3000]);
  });

  it('has a neighbour back where it was when switching on fails', () => {
    const small = (sbdf: string, offset: number): FunctionDescription => ({
      sbdf,
      bars: [{ index: 0, type: 'mem32', address: 0xfc00_0000 + offset, size: 0x800 }],
    });
    const first = dispatcher.assign(small('02:00.0', 0));
    const second = dispatcher.assign(small('03:00.0', 0x800));
    first.config.write(COMMAND, 2, MEMORY);
    expect([...host.direct]).toEqual([[0xfc00_0000, 0xfc00_0000]]);
    host.failsToWrite = true;
    second.config.write(COMMAND, 2, MEMORY);
    expect([second.decoding, [...host.direct]]).toEqual([false, [[0xfc00_0000, 0xfc00_0000]]]);
    expect(first.mapping).toEqual([
      { bar: 0, kind: 'direct', guest: 0xfc00_0000, host: 0xfc00_0000, length: 0x1000 },
    ]);
  });

  it("is its physical function's for a virtual function, whose BARs read 0", () => {
    const virtual = dispatcher.assign({
      ...device,
      sbdf: '01:00.1',
      virtual: true,
      bars: device.bars.map((one) => ({ ...one, address: one.address + 0x100_0000 })),
    });
    virtual.config.write(COMMAND, 2, MEMORY);
    expect([virtual.decoding, virtual.config.read(COMMAND, 2), virtual.config.read(BAR(0), 4)]).toEqual([
      false,
      0,
      0,
    ]);
    expect(virtual.setDecode(true)).toBe('okay');
    expect(virtual.config.read(COMMAND, 2)).toBe(0);
    expect(dispatcher.read(0x38_0100_200c, 4)).toBe(1);
  });
});

describe('Message Control', () => {
  it.each([
    [MSIX + 2, 2, 0x8000],
    [MSIX + 3, 1, 0x80],
    [MSIX, 4, 0x8000_0000],
  ])('enables by a write at 0x%s of %d bytes', (offset, width, value) => {
    fn.config.write(offset, width, value);
    expect(fn.messageControl).toBe(0x8007);
    expect(fn.config.read(MSIX, 4)).toBe(0x8007_0011);
  });

  it.each([
    [0x80, 0x8007],
    [0xc0, 0xc007],
    [0x40, 0x4007],
    [0xff, 0xc007],
  ])('takes 0x%s in its upper byte', (value, control) => {
    fn.config.write(MSIX + 3, 1, value);
    expect(fn.messageControl).toBe(control);
  });

  it('keeps its enable bit when the byte beside it is written after writeMessageControl', () => {
    fn.writeMessageControl(0xc000);
    fn.config.write(MSIX + 2, 1, 0xff);
    expect(fn.messageControl).toBe(0xc007);
  });

  it('leaves what is left to do when a callback deassigns the function and its storage is used anew', () => {
    const armed: number[] = [];
    let other: AssignedFunction | undefined;
    host.armVector = (sbdf) => {
      armed.push(sbdf);
      if (other) return;
      dispatcher.deassign(device.sbdf);
      other = dispatcher.assign({ ...device, decode: true });
    };
    fn.config.write(COMMAND, 2, MEMORY);
    for (const index of [0, 1, 2]) {
      dispatcher.write(0x38_0000_2000 + 16 * index, 8, 0xfee0_0000, 0);
      dispatcher.write(0x38_0000_200c + 16 * index, 4, 0);
    }
    fn.config.write(MSIX + 2, 2, 0x8000);
    expect(armed).toEqual([0x100]);
    expect(other?.messageControl).toBe(7);
    expect(host.calls.filter((call) => call.startsWith('config 62'))).toEqual([]);
    const entries = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => other?.vector(index));
    expect(entries.some((entry) => entry?.armed || !entry?.masked)).toBe(false);
  });

  it('has nothing to write but enable and function mask', () => {
    for (const offset of [MSIX, MSIX + 1, MSIX + 2, MSIX + 4, MSIX + 8]) fn.config.write(offset, 1, 0xff);
    expect([fn.config.read(MSIX, 4), fn.config.read(MSIX + 4, 4), fn.config.read(MSIX + 8, 4)]).toEqual([
      0x0007_0011, 0x2000, 0x2800,
    ]);
  });
});

describe('the ROM', () => {
  it('does nothing until memory decoding is on too', () => {
    fn.config.write(ROM, 4, 0xfd00_0001);
    expect([bar(6).enabled, fn.config.read(ROM, 4)]).toEqual([false, 0xfd00_0001]);
    fn.config.write(COMMAND, 2, MEMORY);
    expect(bar(6).enabled).toBe(true);
    expect(dispatcher.locate(0xfd00_f000)?.owner).toBe('rom');
  });

  it('moves only while it is not enabled', () => {
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(ROM, 4, 0xfd00_0001);
    fn.config.write(ROM, 4, 0xfc00_0001);
    expect(fn.config.read(ROM, 4)).toBe(0xfd00_0001);
    fn.config.write(ROM, 4, 0xfc00_0000);
    expect([bar(6).enabled, fn.config.read(ROM, 4), dispatcher.locate(0xfd00_0000)]).toEqual([
      false,
      0xfc00_0000,
      undefined,
    ]);
    fn.config.write(ROM, 4, 0xfc00_0001);
    expect(dispatcher.locate(0xfc00_0000)).toMatchObject({ owner: 'rom', offset: 0 });
  });

  it('stays off where it would overlap', () => {
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(ROM, 4, 0xfe00_0001);
    expect([bar(6).enabled, fn.config.read(ROM, 4) & 1]).toEqual([false, 0]);
    expect(dispatcher.counts.overlap).toBe(1);
  });
});

describe('mapping', () => {
  it('says which pages map directly and which trap', () => {
    expect(fn.mapping).toEqual([]);
    fn.config.write(COMMAND, 2, MEMORY);
    expect(fn.mapping).toEqual([
      { bar: 0, kind: 'direct', guest: 0x38_0000_0000, host: 0x38_0000_0000, length: 0x2000 },
      { bar: 0, kind: 'trap', guest: 0x38_0000_2000, length: 0x1000 },
      { bar: 0, kind: 'direct', guest: 0x38_0000_3000, host: 0x38_0000_3000, length: 0x1000 },
      { bar: 2, kind: 'direct', guest: 0xfe00_0000, host: 0xfe00_0000, length: 0x1000 },
    ]);
  });

  it('is undone by switching decoding off', () => {
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(COMMAND, 2, 0);
    expect([host.direct.size, fn.mapping]).toEqual([0, []]);
  });
});

describe('reset', () => {
  const resets: [string, () => void][] = [['by the embedder', () => fn.reset()]];
  it.each(resets)('%s leaves the function as assigned', (_name, reset) => {
    const before = Array.from({ length: 64 }, (_, index) => fn.config.read(4 * index, 4));
    fn.config.write(BAR(0), 4, 0x1000_0000);
    fn.config.write(COMMAND, 2, 0x0406);
    fn.config.write(MSIX + 2, 2, 0xc000);
    fn.config.write(0x3c, 1, 11);
    dispatcher.write(0x38_1000_2000, 4, 0xfee00000);
    reset();
    expect(Array.from({ length: 64 }, (_, index) => fn.config.read(4 * index, 4))).toEqual(before);
    expect([fn.decoding, host.direct.size, dispatcher.trappedPages]).toEqual([false, 0, 0]);
    expect(fn.vector(0)).toEqual({
      index: 0,
      addressLow: 0,
      addressHigh: 0,
      data: 0,
      masked: true,
      updated: false,
      armed: false,
    });
    expect(host.calls.at(-1)).toBe('reset');
  });

  it('disables what Xen left enabled when decoding could not be switched on', () => {
    start(policies.xen);
    const occupied: Host['guestMapping'] = (page) => (page === 0x38_1000_2000 ? 'other' : 'none');
    Object.assign(host, { guestMapping: occupied });
    fn.config.write(BAR(0), 4, 0x1000_0000);
    fn.config.write(COMMAND, 2, MEMORY);
    expect([fn.decoding, bar(0).enabled]).toEqual([false, true]);
    fn.reset();
    expect([bar(0).enabled, bar(0).address, host.direct.size, dispatcher.trappedPages]).toEqual([
      false,
      0x38_0000_0000,
      0,
      0,
    ]);
  });

  /** The bare device with one more capability at 0x80. */
  function withCapability(bytes: number[]): AssignedFunction {
    const config = new Uint8Array(256);
    for (let offset = 0; offset < 256; offset++) config[offset] = fn.config.read(offset, 1);
    config[MSIX + 1] = 0x80;
    config.set(bytes, 0x80);
    dispatcher.deassign(fn.sbdf);
    return dispatcher.assign({ ...device, config });
  }

  it('follows from device control, bit 15, where device capabilities say so', () => {
    fn = withCapability([0x10, 0, 2, 0, 0, 0, 0, 0x10]);
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(0x88, 2, 0x8000);
    expect([fn.decoding, host.calls.at(-1), fn.config.read(0x88, 2)]).toEqual([false, 'reset', 0]);
    fn = withCapability([0x10, 0, 2, 0, 0, 0, 0, 0]);
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(0x88, 2, 0x8000);
    expect(fn.decoding).toBe(true);
  });

  it('follows from leaving D3hot, unless nothing is lost there', () => {
    fn = withCapability([0x01, 0, 3, 0, 0, 0]);
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(0x84, 2, 3);
    expect(fn.decoding).toBe(true);
    fn.config.write(0x84, 2, 0);
    expect([fn.decoding, fn.config.read(0x84, 2)]).toEqual([false, 0]);
    fn = withCapability([0x01, 0, 3, 0, 0x08, 0]);
    fn.config.write(COMMAND, 2, MEMORY);
    fn.config.write(0x84, 2, 3);
    fn.config.write(0x84, 2, 0);
    expect(fn.decoding).toBe(true);
  });
});
