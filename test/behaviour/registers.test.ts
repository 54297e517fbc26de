import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, UNCLAIMED, type Width } from '../../src/access.js';
import type { FunctionDescription, GuestRegister } from '../../src/function.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { isGraphicsRegister, stolenRegisters } from '../../src/stolen-memory.js';
import { attached, doors, engines } from '../engines.js';
import { MappingHost } from '../mapping-host.js';
import { MemoryHost } from '../memory-host.js';
import { RecordingHost } from '../recording-host.js';

const AT = 0xc000_0000;
const HOST = 0x60_0000_0000;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];
/** What the guest reads of graphics on the page 0x108000 of BAR 0. */
const registers = stolenRegisters('gen12', {
  graphicsControl: 0x02c1,
  base: 0x7c00_0000,
  bdsm: 0x6c00_0001,
}).filter(isGraphicsRegister);
const graphics: FunctionDescription = {
  sbdf: '00:02.0',
  bars: [{ index: 0, type: 'mem64', address: AT, size: 0x100_0000, hostAddress: HOST }],
  registers,
  decode: true,
};
const PAGE = AT + 0x10_8000;
/** The guest's bytes of BAR 0, by offset; written by hand. */
const given = new Map([
  [0x108040, 0xc1],
  [0x108041, 0x02],
  ...[0x01, 0, 0, 0x7c, 0, 0, 0, 0].map((byte, index) => [0x1080c0 + index, byte] as const),
  ...[0, 0, 0x80, 0x7b, 0, 0, 0, 0].map((byte, index) => [0x108100 + index, byte] as const),
]);

describe.each([...engines, ...doors, attached])('$name', ({ name, create }) => {
  function machine(description = graphics, plain = false) {
    const host = new RecordingHost(plain);
    const trap = create({ host, diagnosticLimit: 'none' });
    const fn = trap.assign(description);
    const read = (address: number, width: Width): bigint => {
      const low = trap.read(address, width);
      return BigInt(low) | (width === 8 && low !== UNCLAIMED ? BigInt(trap.high) << 32n : 0n);
    };
    return { host, trap, fn, read };
  }

  it.each([false, true])(
    'every byte of the page is a register’s or the device’s, at every width (plain memory: %s)',
    (plain) => {
      const { read, trap } = machine(graphics, plain);
      const device = new RecordingHost(true).mapPage(HOST + 0x10_8000, 0) as Uint8Array;
      const byteAt = (at: number) => BigInt(given.get(0x10_8000 + at) ?? device[at]);
      for (const width of WIDTHS) {
        for (let at = 0; at + width <= PAGE_SIZE; at++) {
          let expected = 0n;
          for (let index = width - 1; index >= 0; index--) expected = (expected << 8n) | byteAt(at + index);
          const got = read(PAGE + at, width);
          if (got !== expected) expect.fail(`${width} bytes at ${at}: ${got.toString(16)}`);
        }
      }
      expect([trap.read(PAGE - 1, 1), trap.read(PAGE + PAGE_SIZE, 1)]).toEqual([UNCLAIMED, UNCLAIMED]);
    },
  );

  it('an access is one of the device’s, of that width, unless all of it is a register’s', () => {
    const { trap, host } = machine();
    trap.read(PAGE + 0x40, 8);
    trap.read(PAGE + 0x40, 2);
    trap.read(PAGE + 0xc4, 4);
    trap.read(PAGE + 0x80, 4);
    expect(host.take()).toEqual(['map 16 6000108000', 'read 6000108000 64 8', 'read 6000108000 128 4']);
  });

  it('writes reach the device’s bytes only', () => {
    const { trap, host, read } = machine();
    trap.write(PAGE + 0x40, 4, 0x44332211);
    trap.write(PAGE + 0x3c, 8, 1, 0x88776655);
    trap.write(PAGE + 0xc0, 8, 1, 2);
    trap.write(PAGE + 0x80, 8, 0x33, 0x44);
    expect(host.take().slice(1)).toEqual([
      'write 6000108000 66 1 33 0',
      'write 6000108000 67 1 44 0',
      ...[1, 0, 0, 0].map((byte, index) => `write 6000108000 ${60 + index} 1 ${byte} 0`),
      'write 6000108000 66 1 77 0',
      'write 6000108000 67 1 88 0',
      'write 6000108000 128 8 33 44',
    ]);
    expect(read(PAGE + 0xc0, 8)).toBe(0x7c00_0001n);
    expect(read(PAGE + 0x40, 4)).toBe(0x8877_02c1n);
  });

  it('the page that the host does not map reads ones', () => {
    const { host, read } = machine();
    host.unmappable.add(HOST + 0x10_8000);
    expect(read(PAGE + 0xc0, 4)).toBe(0xffff_ffffn);
    host.unmappable.clear();
    expect(read(PAGE + 0xc0, 4)).toBe(0x7c00_0001n);
  });

  it('beside an MSI-X table each keeps its bytes', () => {
    const { trap, read } = machine({
      sbdf: 8,
      bars: [{ index: 0, type: 'mem32', address: AT, size: 0x1000 }],
      msix: { count: 1, table: { bir: 0, offset: 0x10 }, pba: { bir: 0, offset: 0x800 } },
      registers: [
        { space: 'bar0', offset: 0xe, width: 2, value: 0xbeef },
        { space: 'bar0', offset: 0x20, width: 1, value: 0x77 },
      ],
      decode: true,
    });
    trap.write(AT + 0x10, 4, 0x1234);
    expect(read(AT + 0x10, 4)).toBe(0x1234n);
    expect(read(AT + 0xc, 4) >> 16n).toBe(0xbeefn);
    expect(read(AT + 0x20, 1)).toBe(0x77n);
    expect(read(AT + 0x1f, 2)).toBe(0x77ffn);
  });

  it('follow their BAR', () => {
    const { fn, read, trap } = machine();
    fn.setDecode(false);
    expect(trap.read(PAGE, 4)).toBe(UNCLAIMED);
    fn.moveBar(0, AT + 0x100_0000);
    fn.setDecode(true);
    expect(read(PAGE + 0x100_0000 + 0xc0, 4)).toBe(0x7c00_0001n);
  });

  if (name === 'reference') return;

  it.each([policies.xen, policies.xenV3])('$name has none', (policy) => {
    expect(() => create({ host: new RecordingHost(), policy }).assign(graphics)).toThrow(
      `assign: function 0000:00:02.0: policy ${policy.name} has neither regions nor registers of the guest`,
    );
  });

  it.each<[string, Partial<GuestRegister>]>([
    ['width', { width: 3 as Width }],
    ['past the end', { offset: 0xffffff, width: 2 }],
    ['negative', { offset: -1 }],
    ['fraction', { offset: 0.5 }],
    ['no such BAR', { space: 'bar2' }],
    ['no space', { space: 'host-bridge' as 'bar0' }],
    ['value too wide', { value: 0x100, width: 1 }],
    ['negative value', { value: -1 }],
    ['value past 2^53', { value: 2 ** 53, width: 8 }],
    ['header', { space: 'config', offset: 0x3c }],
    ['past configuration space', { space: 'config', offset: 0xfd, width: 4 }],
    ['writable in a BAR', { writable: true }],
    ['on another one', { offset: 0x1080c7, width: 1 }],
  ])('refuses one with a wrong field: %s', (_, wrong) => {
    const bad = { space: 'bar0', offset: 0x200, width: 4, value: 1, ...wrong } as GuestRegister;
    expect(() =>
      create({ host: new RecordingHost() }).assign({ ...graphics, registers: [...registers, bad] }),
    ).toThrow(
      `assign: function 0000:00:02.0: register ${bad.space} ${bad.offset} ${bad.value} needs 1, 2, 4 or 8 bytes of its own`,
    );
  });

  it('refuses one in a table or PBA', () => {
    for (const offset of [0x1f, 0x800, 0x807]) {
      expect(() =>
        create({ host: new RecordingHost() }).assign({
          sbdf: 8,
          bars: [{ index: 0, type: 'mem32', address: AT, size: 0x1000 }],
          msix: { count: 1, table: { bir: 0, offset: 0x10 }, pba: { bir: 0, offset: 0x800 } },
          registers: [{ space: 'bar0', offset, width: 1, value: 0 }],
        }),
      ).toThrow(/msix (table|pba) at \d+ in BAR 0 has bytes of a register/);
    }
  });
});

describe('configuration space', () => {
  /** The device's own registers, in a register of its PCI Express capability, too. */
  function functionWith(...some: GuestRegister[]) {
    const config = Uint8Array.from({ length: 256 }, (_, offset) => (offset >= 0x50 ? offset : 0));
    config.set([0x10, 0, 0x02, 0, 0, 0, 0, 0x10], 0x40);
    config[0x06] = 0x10;
    config[0x34] = 0x40;
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    return dispatcher.assign({ sbdf: '00:02.0', bars: [], config, registers: some });
  }

  it('reads constants of any width, and drops their writes', () => {
    const fn = functionWith(
      { space: 'config', offset: 0x80, width: 2, value: 0x02c0 },
      { space: 'config', offset: 0xc0, width: 8, value: 0x4_8000_0001 },
      { space: 'config', offset: 0xf0, width: 8, value: 'hardware' },
    );
    for (const [offset, value] of [
      [0x80, 0x838202c0],
      [0xc0, 0x8000_0001],
      [0xc4, 4],
      [0xf0, 0xf3f2f1f0],
    ]) {
      fn.config.write(offset, 4, 0xffff_ffff);
      expect(fn.config.read(offset, 4), `0x${offset.toString(16)}`).toBe(value);
    }
  });

  it('nothing listens to their bytes: half of device control resets nothing', () => {
    const fn = functionWith({ space: 'config', offset: 0x49, width: 1, value: 0x5a });
    fn.config.write(0x3c, 1, 9);
    fn.config.write(0x48, 2, 0x8011);
    expect([fn.config.read(0x49, 1), fn.config.read(0x3c, 1)]).toEqual([0x5a, 9]);
  });
});

it('pages with registers are holes of the map; their neighbours map directly', () => {
  const host = new MappingHost();
  const fn = createDispatcher({ host }).assign(graphics);
  expect(host.direct.has(PAGE)).toBe(false);
  expect(host.direct.get(PAGE - PAGE_SIZE)).toBe(HOST + 0x10_7000);
  expect(host.direct.get(PAGE + PAGE_SIZE)).toBe(HOST + 0x10_9000);
  expect(fn.mapping.filter(({ kind }) => kind === 'trap')).toEqual([
    { bar: 0, kind: 'trap', guest: PAGE, length: PAGE_SIZE },
  ]);
  host.guestPages.set(PAGE, 'identity');
  fn.setDecode(false);
  host.take();
  fn.setDecode(true);
  expect(host.take()).toContain(`hole ${PAGE.toString(16)}`);
});

describe('any layout of BARs, registers and regions on two pages', () => {
  type Piece = { readonly kind: 'bar' | 'nobody'; readonly registers: readonly number[] };
  const piece: fc.Arbitrary<Piece> = fc.record({
    kind: fc.constantFrom('bar', 'bar', 'nobody'),
    registers: fc.array(fc.nat(0xff), { maxLength: 2 }),
  });
  const layout = fc.record({
    pieces: fc.array(piece, { minLength: 4, maxLength: 4 }),
    shift: fc.nat(15),
    regionSize: fc.integer({ min: 1, max: 0x400 }),
    chunks: fc.array(fc.tuple(fc.oneof(fc.nat(0x1ffc), fc.nat(0x600)), fc.constantFrom(...WIDTHS)), {
      minLength: 40,
      maxLength: 80,
    }),
  });

  it('every byte has one owner, any chunk is its bytes, and no access touches a byte of nobody', () => {
    fc.assert(
      fc.property(layout, ({ pieces, shift, regionSize, chunks }) => {
        const host = new RecordingHost();
        const dispatcher = createDispatcher({ host });
        // The region, then BARs of 256 bytes 1 KiB apart.
        const expected = new Array<number>(2 * PAGE_SIZE).fill(0xff);
        const own = new Set<number>();
        const region = Uint8Array.from({ length: regionSize }, (_, index) => (index * 7 + 3) & 0xff);
        expected.splice(0, regionSize, ...region);
        const bars = pieces.flatMap(({ kind, registers: offsets }, index) => {
          if (kind === 'nobody') return [];
          const at = 0x400 * (index + 1);
          const hostAddress = 0x9000_0000 + at + 0x10 * shift;
          const some = [...new Set(offsets)];
          for (let offset = 0; offset < 0x100; offset++) {
            const from = hostAddress + offset;
            const page = new RecordingHost(true).mapPage(from - (from % PAGE_SIZE), 0) as Uint8Array;
            expected[at + offset] = some.includes(offset) ? offset ^ 0x5a : page[from % PAGE_SIZE];
            own.add(from);
          }
          return [{ index, at, hostAddress, some }];
        });
        const fn = dispatcher.assign({
          sbdf: 8,
          bars: bars.map(({ index, at, hostAddress }) => ({
            index,
            type: 'mem32',
            address: AT + at,
            size: 0x100,
            hostAddress,
          })),
          registers: bars.flatMap(({ index, some }) =>
            some.map(
              (offset): GuestRegister => ({
                space: `bar${index as 0}`,
                offset,
                width: 1,
                value: offset ^ 0x5a,
              }),
            ),
          ),
          decode: true,
        });
        fn.placeRegion(
          {
            size: regionSize,
            read: (position, into) => {
              into.set(region.subarray(position, position + into.length));
              return into.length;
            },
          },
          AT,
        );
        const traps = (at: number) => at < PAGE_SIZE || bars.some(({ at: bar }) => bar >= PAGE_SIZE);
        const byteAt = (at: number) => dispatcher.read(AT + at, 1);
        for (let at = 0; at < 2 * PAGE_SIZE; at++) {
          const value = byteAt(at);
          if (value !== UNCLAIMED && value !== expected[at]) expect.fail(`byte ${at}: ${value}`);
          if (at < PAGE_SIZE) expect(value).not.toBe(UNCLAIMED);
          if (!traps(at)) expect(value).toBe(UNCLAIMED);
        }
        for (const [at, width] of chunks) {
          const low = dispatcher.read(AT + at, width);
          if (low === UNCLAIMED || at + width > 2 * PAGE_SIZE) continue;
          const bytes = expected
            .slice(at, at + width)
            .reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
          const got = BigInt(low) | (width === 8 ? BigInt(dispatcher.high) << 32n : 0n);
          if (got !== bytes)
            expect.fail(`${width} bytes at ${at}: ${got.toString(16)}, not ${bytes.toString(16)}`);
        }
        for (const call of host.take()) {
          const match = /^read (\w+) (\d+) (\d)$/.exec(call);
          if (!match) continue;
          const start = Number.parseInt(match[1], 16) + Number(match[2]);
          for (let at = start; at < start + Number(match[3]); at++) expect(own.has(at), call).toBe(true);
        }
      }),
      { numRuns: Number(process.env.RUNS ?? 10) },
    );
  });
});
