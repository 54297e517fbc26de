import { describe, expect, it } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import { TraplineError } from '../../src/errors.js';
import type { BarDescription, FunctionDescription, MsixLayout } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { MemoryHost } from '../memory-host.js';

const bar: BarDescription = { index: 0, type: 'mem32', address: 0xfe000000, size: 0x1000 };
const layout: MsixLayout = { count: 8, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } };
const good: FunctionDescription = { sbdf: 8, bars: [bar], msix: layout, decode: true };

function refusal(description: FunctionDescription, policy = policies.strict): TraplineError {
  const dispatcher = createDispatcher({ host: new MemoryHost(), policy });
  try {
    dispatcher.assign(description);
  } catch (error) {
    expect(error).toBeInstanceOf(TraplineError);
    expect(dispatcher.functions).toEqual([]);
    expect(dispatcher.trappedPages).toBe(0);
    dispatcher.assign(good);
    return error as TraplineError;
  }
  throw new Error('assigned');
}

describe('assign refuses, and names, a', () => {
  const bars: [string, BarDescription[], RegExp][] = [
    ['BAR index', [{ ...bar, index: 7 }], /bar index 7 is not an integer in \[0, 6\]/],
    ['BAR type', [{ ...bar, type: 'mem16' as 'mem32' }], /bar 0 type mem16 is not one of/],
    ['ROM in a BAR', [{ ...bar, type: 'rom' }], /index 6 is the expansion ROM/],
    ['BAR in the ROM', [{ ...bar, index: 6 }], /index 6 is the expansion ROM/],
    [
      '64-bit BAR without a second half',
      [{ ...bar, index: 5, type: 'mem64' }],
      /no index for its upper half/,
    ],
    ['index taken twice', [bar, bar], /bar index 0 is described twice/],
    [
      'upper half taken',
      [
        { ...bar, type: 'mem64' },
        { ...bar, index: 1, address: 0 },
      ],
      /bar index 1 is described twice/,
    ],
    ['size of nothing', [{ ...bar, size: 0 }], /bar 0 size 0/],
    ['size that is odd', [{ ...bar, size: 24 }], /bar 0 size 24 is no multiple of 16/],
    ['address that is odd', [{ ...bar, size: 16, address: 8 }], /bar 0 address 8 is no multiple of 16/],
    [
      'address that is not whole pages',
      [{ ...bar, address: 0xfe000010 }],
      /bar 0 address \d+ is no multiple of 4096/,
    ],
    [
      'address that is no multiple of the size',
      [{ ...bar, address: 0xfe001000, size: 0x2000 }],
      /bar 0 address 4261416960 is no multiple of its size 8192/,
    ],
    [
      'I/O address that is no multiple of the size',
      [bar, { index: 2, type: 'io', address: 0xc010, size: 0x20 }],
      /bar 2 address 49168 is no multiple of its size 32/,
    ],
    ['address that is no integer', [{ ...bar, address: 0.5 }], /bar 0 address 0.5/],
    ['address below 0', [{ ...bar, address: -16 }], /bar 0 address -16/],
    ['BAR past 52 bits', [{ ...bar, address: 2 ** 52 - 16 }], /whole BAR in \[0, 2\^52\)/],
    ['host address past 52 bits', [{ ...bar, hostAddress: 2 ** 52 }], /bar 0 hostAddress/],
    [
      'host address that is not whole pages',
      [{ ...bar, hostAddress: 0x10 }],
      /hostAddress 16 is no multiple of 4096/,
    ],
  ];
  it.each(bars)('%s', (_name, described, message) => {
    const error = refusal({ ...good, bars: described });
    expect(error.code).toBe('bad-argument');
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/function 0000:00:01.0/);
  });

  const layouts: [string, MsixLayout, RegExp][] = [
    ['count of 0', { ...layout, count: 0 }, /msix count 0 is not an integer in \[1, 2048\]/],
    ['count of 2049', { ...layout, count: 2049 }, /msix count 2049/],
    ['BIR of 8', { ...layout, table: { bir: 8, offset: 0 } }, /msix table bir 8/],
    [
      'table offset of 4',
      { ...layout, table: { bir: 0, offset: 4 } },
      /msix table offset 4 is not a multiple of 8/,
    ],
    ['PBA offset of 2^32', { ...layout, pba: { bir: 0, offset: 2 ** 32 } }, /msix pba offset/],
  ];
  it.each(layouts)('%s', (_name, msix, message) => {
    const error = refusal({ ...good, msix });
    expect(error.code).toBe('bad-argument');
    expect(error.message).toMatch(message);
  });

  const malformed: [string, MsixLayout, RegExp][] = [
    ['BIR of an empty BAR', { ...layout, table: { bir: 3, offset: 0 } }, /table bir 3 names no memory BAR/],
    ['BIR 6', { ...layout, pba: { bir: 6, offset: 0 } }, /pba bir 6 names no memory BAR/],
    ['BIR 7', { ...layout, pba: { bir: 7, offset: 0 } }, /pba bir 7 names no memory BAR/],
    ['table outside its BAR', { ...layout, count: 257 }, /table ends at 4112, outside BAR 0 of 4096 bytes/],
    ['PBA outside its BAR', { ...layout, pba: { bir: 0, offset: 0x1000 } }, /pba ends at 4104/],
  ];
  it.each(malformed)('%s, unless the policy is xenV3', (_name, msix, message) => {
    for (const policy of [policies.strict, policies.xen]) {
      const error = refusal({ ...good, msix }, policy);
      expect(error.code).toBe('bad-msix-capability');
      expect(error.message).toMatch(message);
    }
    const lenient = createDispatcher({ host: new MemoryHost(), policy: policies.xenV3 });
    expect(lenient.assign({ ...good, msix }).messageControl).toBe(msix.count - 1);
  });

  it('everything at once', () => {
    const error = refusal({
      ...good,
      bars: [
        { ...bar, address: 8, size: 24 },
        { ...bar, index: 9 },
      ],
      msix: { ...layout, count: 0 },
    });
    expect(error.faults).toHaveLength(5);
    expect(error.message.split('; ')).toEqual(error.faults);
  });

  describe.each([policies.strict, policies.xen])('under $name, not under xenV3,', (policy) => {
    const loop = new Uint8Array(256);
    loop.set([0x10], 6);
    loop.set([0x40], 0x34);
    loop.set([0x01, 0x50], 0x40);
    loop.set([0x05, 0x40], 0x50);
    const cut = new Uint8Array(256);
    cut.set([0x10], 6);
    cut.set([0xf8], 0x34);
    cut.set([0x11, 0], 0xf8);
    const io: BarDescription = { index: 1, type: 'io', address: 0xc000, size: 24 };
    it.each<[string, FunctionDescription, RegExp]>([
      [
        'memory BAR of 48 bytes',
        { sbdf: 8, bars: [{ ...bar, size: 48 }] },
        /bar 0 size 48 is no power of two/,
      ],
      [
        'BAR of 2^51 + 2^12 bytes',
        { sbdf: 8, bars: [{ ...bar, address: 0, size: 2 ** 51 + 4096 }] },
        /bar 0 size 2251799813689344 is no power of two/,
      ],
      ['I/O BAR of 24 bytes', { sbdf: 8, bars: [io] }, /bar 1 size 24 is no power of two/],
      [
        'capability loop',
        { sbdf: 8, bars: [bar], config: loop },
        /config: the capability list loops at 0x40/,
      ],
      [
        'MSI-X capability that is cut off',
        { sbdf: 8, bars: [bar], config: cut },
        /config: the MSI-X capability at 248 leaves \[64, 256\)/,
      ],
    ])('%s', (_name, description, message) => {
      const error = refusal(description, policy);
      expect([error.code, error.faults.length]).toEqual(['bad-argument', 1]);
      expect(error.message).toMatch(message);
      const lenient = createDispatcher({ host: new MemoryHost(), policy: policies.xenV3 });
      expect(lenient.assign(description).msix).toBeUndefined();
    });
  });

  const config = new Uint8Array(256);
  const listing = config.slice();
  listing.set([0x10], 6);
  listing.set([0x50], 0x34);
  const express = listing.slice();
  express.set([0x10, 0], 0x50);
  const withMsix = listing.slice();
  withMsix.set([0x11, 0], 0x50);
  const used = config.slice();
  used[0x6b] = 1;
  const images: [string, Partial<FunctionDescription>, RegExp][] = [
    ...[0, 64, 255, 257, 4095, 4097].map((length): [string, Partial<FunctionDescription>, RegExp] => [
      `configuration space of ${length} bytes`,
      { config: new Uint8Array(length) },
      new RegExp(`config length ${length} is not 256 or 4096`),
    ]),
    ['configuration space that is an array', { config: [] as never }, /config object is not a Uint8Array/],
    [
      'capability where the image has another',
      { config: withMsix, msix: { ...layout, capability: 0x60 } },
      /msix capability 96 is not where config has it, at 80/,
    ],
    ['capability without a place', { config: express }, /msix capability undefined is needed: config has/],
    ['capability on bytes in use', { config: used }, /msix capability undefined is in use in config/],
    ['capability in the header', { msix: { ...layout, capability: 0x3c } }, /msix capability 60 is not a/],
    ['capability past the end', { msix: { ...layout, capability: 0xf8 } }, /msix capability 248 is not a/],
    ['capability at an odd place', { msix: { ...layout, capability: 0x62 } }, /msix capability 98 is not a/],
    [
      'BAR that a bridge does not have',
      { config: Object.assign(config.slice(), { 14: 1 }), bars: [bar, { ...bar, index: 2, address: 0 }] },
      /bar 2 has no register in a header of type 1/,
    ],
    [
      '64-bit BAR that a bridge has half of',
      { config: Object.assign(config.slice(), { 14: 1 }), bars: [{ ...bar, index: 1, type: 'mem64' }] },
      /bar 1 has no register in a header of type 1/,
    ],
  ];
  it.each(images)('%s', (_name, change, message) => {
    for (const policy of Object.values(policies)) {
      const error = refusal({ ...good, ...change }, policy);
      expect(error.code).toBe('bad-argument');
      expect(error.message).toMatch(message);
    }
  });

  it('device with all of it wrong, each fault in one error', () => {
    const error = refusal({
      sbdf: 8,
      bars: [
        { ...bar, size: 0x3000 },
        { ...bar, index: 1, address: 2 ** 52 },
        { ...bar, index: 5, type: 'mem64', address: 0x1_0000_0000 },
      ],
      config: new Uint8Array(100),
      msix: { count: 8, table: { bir: 6, offset: 0 }, pba: { bir: 7, offset: 0 } },
    });
    const prefix = 'assign: function 0000:00:01.0: ';
    expect(error.code).toBe('bad-argument');
    expect(error.faults.map((fault) => fault.replace(prefix, ''))).toEqual([
      'bar 0 size 12288 is no power of two',
      'bar 1 address 4503599627370496 is not an integer with the whole BAR in [0, 2^52)',
      'bar 5 type mem64 leaves no index for its upper half',
      'config length 100 is not 256 or 4096',
      'msix table bir 6 names no memory BAR',
      'msix pba bir 7 names no memory BAR',
    ]);
  });

  it('capability that does not fit and BARs that overlap, in one error', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    dispatcher.assign(good);
    const both = { ...good, sbdf: 16, msix: { ...layout, table: { bir: 2, offset: 0 } } };
    expect(() => dispatcher.assign(both)).toThrow(
      expect.objectContaining({
        code: 'bad-msix-capability',
        faults: [
          expect.stringContaining('msix table bir 2 names no memory BAR'),
          expect.stringContaining('overlaps function 0000:00:01.0'),
        ],
      }),
    );
    expect(dispatcher.functions).toHaveLength(1);
  });

  it('function that is assigned already', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    dispatcher.assign(good);
    expect(() => dispatcher.assign(good)).toThrow(expect.objectContaining({ code: 'duplicate-function' }));
  });

  it('function that overlaps another, or itself, under strict', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    dispatcher.assign(good);
    const overlap = {
      ...good,
      sbdf: 16,
      bars: [{ ...bar, address: 0xfe000fe0, size: 0x20 }],
      msix: undefined,
    };
    expect(() => dispatcher.assign(overlap)).toThrow(
      /bar 0 0xfe000fe0..\+0x20 overlaps .*0xfe000000..\+0x1000/,
    );
    const itself = {
      sbdf: 24,
      decode: true,
      bars: [
        { ...bar, address: 0 },
        { ...bar, index: 1, size: 0x800, address: 0x800 },
      ],
    };
    expect(() => dispatcher.assign(itself)).toThrow(expect.objectContaining({ code: 'overlap' }));
    expect(dispatcher.functions).toHaveLength(1);
  });
});

describe('misuse of an assigned function', () => {
  it('is refused after deassign', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    const fn = dispatcher.assign(good);
    dispatcher.deassign('00:01.0');
    for (const call of [() => fn.setDecode(true), () => fn.moveBar(0, 0), () => fn.writeMessageControl(0)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'unknown-function' }));
    }
    expect(() => dispatcher.deassign(8)).toThrow(expect.objectContaining({ code: 'unknown-function' }));
  });

  it('is refused for a vector outside the table and a BAR that is not there', () => {
    const fn = createDispatcher({ host: new MemoryHost() }).assign(good);
    expect(() => fn.vector(8)).toThrow(/vector: function 0000:00:01.0: index 8 is not in \[0, 8\)/);
    expect(() => fn.moveBar(1, 0)).toThrow(/moveBar: .* index 1 names no BAR/);
    expect(() => fn.moveBar(0, -1)).toThrow(/moveBar: .* bar 0 address -1/);
  });
});
