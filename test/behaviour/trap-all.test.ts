import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, UNCLAIMED, type Width } from '../../src/access.js';
import type { FunctionDescription } from '../../src/function.js';
import type { PageHandler } from '../../src/host.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { attached, doors, engines } from '../engines.js';
import { MappingHost } from '../mapping-host.js';
import { RecordingHost } from '../recording-host.js';

const BAR = 0xfe00_0000;
const SMALL = 0xfd00_0080;
const fn: FunctionDescription = {
  sbdf: '0000:00:02.0',
  bars: [
    { index: 0, type: 'mem32', address: BAR, hostAddress: 0x4_0000_0000, size: 0x4000 },
    { index: 1, type: 'mem32', address: SMALL, hostAddress: 0x5_0000_0180, size: 0x80 },
  ],
  msix: { count: 4, table: { bir: 0, offset: 0x1000 }, pba: { bir: 0, offset: 0x1800 } },
  decode: true,
};

describe.each([...engines, ...doors, attached])('$name with trapAll', ({ create }) => {
  const memory = new Map<number, Uint8Array>();
  const page = (address: number): Uint8Array => {
    let bytes = memory.get(address);
    if (!bytes) {
      bytes = Uint8Array.from({ length: PAGE_SIZE }, (_, at) => address / PAGE_SIZE + at * 7);
      memory.set(address, bytes);
    }
    return bytes;
  };
  const host = Object.assign(new MappingHost(), { mapPage: page });

  it.each([1, 2, 4] as Width[])('answers %i bytes at every offset of each page that a BAR has', (width) => {
    const trap = create({ host, trapAll: true });
    trap.assign(fn);
    for (const { address, hostAddress = address, size } of fn.bars) {
      for (let at = 0; at + width <= size; at++) {
        // Table and PBA answer as ever.
        if (address === BAR && at + width > 0x1000 && at < 0x2000) continue;
        const byte = (index: number) => {
          const place = hostAddress + at + index;
          return page(place - (place % PAGE_SIZE))[place % PAGE_SIZE];
        };
        let expected = 0;
        for (let index = width - 1; index >= 0; index--) expected = expected * 256 + byte(index);
        if (trap.read(address + at, width) !== expected) expect.fail(`${width} bytes at ${at}`);
      }
    }
    expect(host.direct).toEqual(new Map());
  });

  const asHandler = (address: number): PageHandler => {
    const view = new DataView(page(address).buffer);
    return {
      read: (offset, width) => (width === 4 ? view.getUint32(offset, true) : view.getUint8(offset)),
      write: (offset, width, low) => width === 4 && view.setUint32(offset, low, true),
    };
  };
  it.each([
    ['bytes', page],
    ['a handler', asHandler],
  ])('finds each function of a page that several share, wherever on it they are: %s', (_, mapPage) => {
    const trap = create({ host: { mapPage }, trapAll: true });
    const offsets = [0x40, 0x100, 0x7c0, 0x800, 0xa40, 0xfc0];
    const places = offsets.map((offset, index) => 0x7_0000_0fc0 + PAGE_SIZE * index - offset);
    for (const [index, offset] of offsets.entries()) {
      const address = 0x9100_0000 + offset;
      const bar = { index: 0, type: 'mem32' as const, address, hostAddress: places[index], size: 0x40 };
      trap.assign({ sbdf: 16 + index, bars: [bar], decode: true });
    }
    for (const [index, offset] of offsets.entries()) {
      const first = places[index] % PAGE_SIZE;
      const view = new DataView(page(places[index] - first).buffer);
      for (let at = 0; at < 0x40; at += 4) {
        const address = 0x9100_0000 + offset + at;
        const before = view.getUint32(first + at, true);
        expect(trap.read(address, 4)).toBe(before);
        expect(trap.write(address, 4, ~before >>> 0)).toBe(true);
        expect(view.getUint32(first + at, true)).toBe(~before >>> 0);
      }
    }
    for (let offset = 0; offset < PAGE_SIZE; offset += 4) {
      const owned = offsets.some((start) => offset >= start && offset < start + 0x40);
      if (!owned) expect(trap.read(0x9100_0000 + offset, 4)).toBe(0xffffffff);
    }
  });

  it('joins an access across functions, however many pages are known before theirs', () => {
    const trap = create({ host, trapAll: true });
    const bar = (address: number, size: number) => ({ index: 0, type: 'mem32' as const, address, size });
    trap.assign({ sbdf: 1, bars: [bar(0x8000_0000, 0x10_0000)], decode: true });
    trap.assign({ sbdf: 2, bars: [bar(0x9000_0000, 0x20)], decode: true });
    trap.assign({ sbdf: 3, bars: [bar(0x9000_0020, 0x20)], decode: true });
    const bytes = Array.from({ length: 4 }, (_, index) => page(0x9000_0000)[0x1e + index]);
    expect(trap.read(0x9000_001e, 4)).toBe(bytes.reduceRight((sum, byte) => sum * 256 + byte, 0));
  });

  it('leaves what is in no BAR unclaimed, or to nobody on a page that is not full', () => {
    const trap = create({ host, trapAll: true });
    const assigned = trap.assign(fn);
    expect([trap.read(BAR - 4, 4), trap.read(BAR + 0x4000, 4)]).toEqual([UNCLAIMED, UNCLAIMED]);
    expect([trap.read(SMALL - 4, 4), trap.read(SMALL + 0x80, 4)]).toEqual([0xffffffff, 0xffffffff]);
    assigned.setDecode(false);
    expect([trap.read(BAR, 4), trap.read(SMALL, 4)]).toEqual([UNCLAIMED, UNCLAIMED]);
  });
});

it('has a plan in which everything traps, also after a move', () => {
  const host = new MappingHost();
  const dispatcher = createDispatcher({ host, trapAll: true });
  const assigned = dispatcher.assign(fn);
  const plan = (bar: number) => [
    { bar: 0, kind: 'trap', guest: bar, length: 0x4000 },
    { bar: 1, kind: 'trap', guest: SMALL - 0x80, length: PAGE_SIZE },
  ];
  expect(assigned.mapping).toEqual(plan(BAR));
  expect(dispatcher.trappedPages).toBe(5);
  assigned.setDecode(false);
  expect(dispatcher.trappedPages).toBe(0);
  assigned.moveBar(0, BAR + 0x8000);
  assigned.setDecode(true);
  expect(assigned.mapping).toEqual(plan(BAR + 0x8000));
  expect(host.take().filter((call) => call.startsWith('direct'))).toEqual([]);
});

it('asks the guest for every page, and stays off where something else is on one', () => {
  const host = new RecordingHost();
  host.guestPages.set(BAR + 0x3000, 'other');
  const diagnostics: string[] = [];
  const dispatcher = createDispatcher({
    host,
    trapAll: true,
    onDiagnostic: ({ code }) => diagnostics.push(code),
  });
  expect(dispatcher.assign(fn).decoding).toBe(false);
  expect(diagnostics).toEqual(['hole-occupied']);
});

it('says whose bytes are where as without it', () => {
  const owners = [true, false].map((trapAll) => {
    const dispatcher = createDispatcher({ host: new RecordingHost(), trapAll });
    dispatcher.assign(fn);
    return [BAR, BAR + 0x1000, BAR + 0x1100, BAR + 0x1800, SMALL].map((at) => dispatcher.locate(at)?.owner);
  });
  expect(owners[0]).toEqual(['direct', 'table', 'adjacent', 'pba', 'direct']);
  expect(owners[1]).toEqual(owners[0]);
});

it.each([policies.xen, policies.xenV3])('is refused under $name', (policy) => {
  expect(() => createDispatcher({ host: new RecordingHost(), policy, trapAll: true })).toThrow(
    `createDispatcher: trapAll is for policy strict: ${policy.name} forwards whole pages`,
  );
});
