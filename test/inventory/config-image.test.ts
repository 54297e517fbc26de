import { describe, expect, it } from 'vitest';
import { seenInImage } from '../../src/inventory/config-image.js';
import { dword, first, hexdump, imageOf, pasted } from './paste.js';

/** Vendor and device, COMMAND: memory and I/O, STATUS: a capability list. */
const HEADER = { 0: [0x86, 0x80, 0x34, 0x12], 4: [3, 0, 0x10, 0] };

describe('BARs of a configuration space', () => {
  const bars = (registers: readonly number[], rest: Readonly<Record<number, readonly number[]>> = {}) =>
    seenInImage(0, imageOf(64, { ...HEADER, 16: registers.flatMap(dword), ...rest }))?.bars;

  it.each([
    ['I/O', [0xc001], { type: 'io', address: 0xc000 }],
    ['32-bit', [0xfe200000], { type: 'mem32', address: 0xfe200000, prefetchable: false }],
    ['prefetchable', [0xfe200008], { type: 'mem32', prefetchable: true }],
    ['64-bit', [0x0000000c, 0x40], { type: 'mem64', address: 0x40_0000_0000, prefetchable: true }],
    ['64-bit, not assigned', [4], { type: 'mem64', address: undefined }],
  ])('%s', (_, registers, expected) => {
    expect(bars(registers)).toMatchObject([{ index: 0, size: undefined, disabled: false, ...expected }]);
  });

  it('a 64-bit one takes two', () => {
    expect(bars([0xfe200004, 0, 0xfe300000])).toMatchObject([{ index: 0 }, { index: 2 }]);
  });

  it.each([
    ['decoded', 3, 1, false],
    ['with its own enable bit clear', 3, 0, true],
    ['with memory decoding off', 1, 1, true],
  ])('the ROM, %s', (_, command, enable, disabled) => {
    expect(bars([], { 4: [command, 0, 0, 0], 48: dword(0xfe400000 | enable) })).toMatchObject([
      { index: 6, type: 'rom', address: 0xfe400000, disabled },
    ]);
  });

  it('a bridge has two, and its ROM elsewhere', () => {
    const registers = [0xfe200000, 0xfe300000, 0x00020100];
    const found = bars(registers, { 14: [1], 48: dword(0xffffffff), 56: dword(0xfe400001) });
    expect(found).toMatchObject([{ index: 0 }, { index: 1 }, { index: 6, address: 0xfe400000 }]);
  });
});

describe('windows of a bridge', () => {
  const bridge = (rest: Readonly<Record<number, readonly number[]>>) =>
    seenInImage(0, imageOf(64, { ...HEADER, 14: [1], 24: [0, 3, 7], ...rest }))?.bridge;

  it('open ones', () => {
    const registers = [0xfe30fe20, 0xfe91fe81, 1, 1].flatMap(dword);
    expect(bridge({ 32: registers })).toEqual({
      secondary: 3,
      subordinate: 7,
      windows: [
        { start: 0xfe200000, end: 0xfe400000, prefetchable: false },
        { start: 0x1_fe800000, end: 0x1_fea00000, prefetchable: true },
      ],
    });
  });

  it('a closed one is none; of one that is not 64-bit, the upper halves are nothing', () => {
    const registers = [0x0000fff0, 0xfe90fe80, 1, 1].flatMap(dword);
    expect(bridge({ 32: registers })?.windows).toEqual([
      { start: 0xfe800000, end: 0xfea00000, prefetchable: true },
    ]);
  });
});

describe('capabilities of a configuration space', () => {
  it('MSI-X, power management, PCI Express, MSI', () => {
    const seen = seenInImage(
      0,
      imageOf(256, {
        ...HEADER,
        52: [0x40],
        64: [0x11, 0x50, 0x02, 0xc0, ...dword(0x2001), ...dword(0x3003)],
        80: [0x01, 0x60, 3, 0, 8, 0],
        96: [0x10, 0x80, 2, 0, ...dword(1 << 28)],
        128: [0x05, 0x00, 1, 0],
      }),
    );
    expect(seen).toMatchObject({
      msix: {
        ...{ count: 3, table: { bir: 1, offset: 0x2000 }, pba: { bir: 3, offset: 0x3000 } },
        ...{ enabled: true, masked: true, capability: 0x40 },
      },
      capabilities: { powerManagement: 0x50, noSoftReset: true, express: 0x60, functionLevelReset: true },
      interrupt: { msiEnabled: true },
    });
    // Of PCI Express, extended capabilities are beyond these bytes.
    expect(seen?.sriov).toBeUndefined();
  });

  it('SR-IOV', () => {
    const image = imageOf(4096, {
      ...HEADER,
      52: [0x40],
      64: [0x10],
      256: [0x10, 0, 1, 0],
      264: dword(9),
      268: [4, 0, 8, 0],
      272: [3, 0],
      276: [6, 0, 2, 0],
      284: dword(0x553),
      288: dword(4),
      292: [0xd080000c, 1, 0xd0900000].flatMap(dword),
    });
    expect(seenInImage(0, image)?.sriov).toMatchObject({
      ...{ enabled: true, numVfs: 3, totalVfs: 8, offset: 6, stride: 2, systemPageSize: 16384 },
      supportedPageSizes: [12, 13, 16, 18, 20, 22].map((bits) => 2 ** bits),
      bars: [
        { index: 0, type: 'mem64', address: 0x1_d0800000, prefetchable: true, disabled: false },
        { index: 2, type: 'mem32', address: 0xd0900000, prefetchable: false },
      ],
    });
    expect(seenInImage(0, image.subarray(0, 256))?.sriov).toBeUndefined();
    const withoutExpress = { ...HEADER, 52: [0x40], 64: [0x01] };
    expect(seenInImage(0, imageOf(256, withoutExpress))?.sriov).toBe('none');
  });

  it('Enhanced Allocation, whose BARs have sizes, and no registers', () => {
    const seen = seenInImage(
      0,
      imageOf(256, {
        ...HEADER,
        52: [0x40],
        64: [
          ...[0x14, 0, 4, 0],
          // BAR 0: memory, both wide.
          ...[0x80000004, 0x00000002, 0x000ffffe, 0x8430, 0].flatMap(dword),
          // BAR 2: memory, prefetchable, 32-bit.
          ...[0x80000122, 0xfe200000, 0x00000ffc].flatMap(dword),
          // BAR 3: not enabled.
          ...[0x00000032, 0xfe300000, 0x00000ffc].flatMap(dword),
          // BAR 4: its properties are unavailable.
          ...[0x80ffff42, 0xfe400000, 0x00000ffc].flatMap(dword),
        ],
      }),
    );
    expect(seen?.capabilities?.enhancedAllocation).toBe(0x40);
    expect(seen?.bars).toMatchObject([
      { index: 0, type: 'mem64', address: 0x8430_0000_0000, size: 2 ** 20, prefetchable: false },
      { index: 2, type: 'mem32', address: 0xfe200000, size: 4096, prefetchable: true },
    ]);
  });

  it('of 64 bytes are not known, except that there are none', () => {
    expect(seenInImage(0, imageOf(64, HEADER))).toMatchObject({ msix: undefined, sriov: undefined });
    expect(seenInImage(0, imageOf(64, { ...HEADER, 4: [3, 0, 0, 0] }))).toMatchObject({
      msix: 'none',
      sriov: 'none',
    });
  });

  it('of a list that loops, or leaves its space, are read as far as it goes', () => {
    for (const next of [0x40, 0xfc, 0x10]) {
      const image = imageOf(4096, { ...HEADER, 52: [0x40], 64: [0x01, next], 256: [0x10, 0, 1, 0x10] });
      expect(seenInImage(0, image)?.capabilities).toMatchObject({ powerManagement: 0x40 });
    }
  });
});

describe('the subsystem of a configuration space', () => {
  const subsystem = (type: number, rest: Readonly<Record<number, readonly number[]>>) =>
    seenInImage(0, imageOf(256, { ...HEADER, 14: [type], 44: [0xf4, 0x1a, 0, 0x11], ...rest }))?.subsystem;

  it('is in the header of a device, in a capability of a bridge, nowhere in a CardBus bridge', () => {
    const capability = { 52: [0x40], 64: [0x0d, 0, 0, 0, 0x36, 0x1b, 5, 0] };
    expect(subsystem(0x80, capability)).toEqual({ vendor: 0x1af4, device: 0x1100 });
    expect(subsystem(1, capability)).toEqual({ vendor: 0x1b36, device: 5 });
    expect(subsystem(1, {})).toBeUndefined();
    expect(subsystem(2, {})).toBeUndefined();
  });
});

describe('a function that does not answer', () => {
  it('says nothing', () => {
    expect(seenInImage(0, new Uint8Array(256).fill(0xff))).toBeUndefined();
  });
});

describe('text and hexdump of a function', () => {
  const dump = hexdump(64, { ...HEADER, 16: [0, 0xfe200004, 0, 0xfe300000].flatMap(dword), 61: [2] });
  const verbose = `00:05.0 Thing
\tFlags: fast devsel, IRQ 22
\tMemory at fe200000 (64-bit, non-prefetchable) [size=16K]
\tMemory at fe300000 (32-bit, non-prefetchable) [size=4K]`;

  it.each([
    ['in one text', [`${verbose}\n${dump}`]],
    ['text first', [verbose, `00:05.0 Thing\n${dump}`]],
    ['hexdump first', [`00:05.0 Thing\n${dump}`, verbose]],
  ])('%s: indices from the registers, sizes from the text', (_, texts) => {
    const fn = first(...texts);
    expect(fn.barsGuessed).toBe(false);
    expect(fn.bars).toMatchObject([
      { index: 1, type: 'mem64', address: 0xfe200000, size: 2 ** 14 },
      { index: 3, type: 'mem32', address: 0xfe300000, size: 4096 },
    ]);
    expect(fn).toMatchObject({ vendor: 0x8086, device: 0x1234, interrupt: { pin: 2, irq: 22 } });
  });

  it('a BAR that only the text has keeps its guessed index, if that is free', () => {
    const fn = first(
      `${verbose}\n\tMemory at <unassigned> (32-bit, non-prefetchable) [size=4K]`,
      `00:05.0 Thing\n${dump}`,
    );
    expect(fn.barsGuessed).toBe(true);
    expect(fn.bars).toMatchObject([{ index: 1 }, { index: 3 }, { index: 4, address: undefined, size: 4096 }]);
  });

  it('the text knows better where the system has a BAR', () => {
    const text = '00:05.0 Thing\n\tRegion 1: Memory at 4fe200000 (64-bit, non-prefetchable) [size=16K]';
    for (const texts of [
      [text, `00:05.0 Thing\n${dump}`],
      [`00:05.0 Thing\n${dump}`, text],
    ]) {
      expect(first(...texts).bars).toMatchObject([{ index: 1, address: 0x4fe200000 }, { index: 3 }]);
    }
  });

  it('a dump that breaks off, or misses a row, is read as far as it goes', () => {
    const rows = hexdump(256, { ...HEADER, 52: [0x40], 64: [0x11, 0] }).split('\n');
    const cut = pasted(`00:05.0 Thing\n${[...rows.slice(0, 4), ...rows.slice(5)].join('\n')}`);
    expect(cut.functions[0]).toMatchObject({ vendor: 0x8086, msix: undefined });
    const broken = pasted(`00:05.0 Thing\n${rows.slice(0, 7).join('\n')}`);
    expect(broken.unseen).toContain('configuration space of 0000:00:05.0: it breaks off');
    expect(pasted(`00:05.0 Thing\n${rows.slice(0, 3).join('\n')}`).functions[0].vendor).toBeUndefined();
  });
});
