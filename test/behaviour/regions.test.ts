import { describe, expect, it } from 'vitest';
import { ADDRESS_LIMIT, PAGE_SIZE, UNCLAIMED, type Width } from '../../src/access.js';
import type { FunctionDescription } from '../../src/function.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { type OpRegion, openOpRegion } from '../../src/regions/opregion.js';
import type { ByteRegion } from '../../src/vfio/device-region.js';
import { doors, engines } from '../engines.js';
import { MappingHost } from '../mapping-host.js';
import { RecordingHost } from '../recording-host.js';
import { recordingRegions } from '../recording-regions.js';
import { ASLS, image, Memory, VBT_2_0, vbtOf } from '../regions/opregion-images.js';

const AT = 0x7fff_0000;
const BAR = 0xfe00_0000;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];
const graphics: FunctionDescription = {
  sbdf: '0000:00:02.0',
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x2000 }],
};

/** A 2.0 with an extended VBT that ends within 8 bytes. */
function opRegion(writable: readonly 'CSTS'[] = []): OpRegion {
  const memory = new Memory([
    [ASLS, image({ version: 0x0200, rvda: BigInt(VBT_2_0), rvds: 0x2203 })],
    [VBT_2_0, vbtOf(0x2203)],
  ]);
  return openOpRegion({ memory, asls: ASLS, writable }) as OpRegion;
}

/** What one access should read: the region's bytes, and ones behind it. */
function bytesOf(region: ByteRegion, position: number, width: number): bigint {
  const bytes = new Uint8Array(width).fill(0xff);
  if (position < region.size) region.read(position, bytes.subarray(0, region.size - position));
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

describe.each([...engines, ...doors])('$name', ({ create }) => {
  function machine(region: ByteRegion, description = graphics, host = new RecordingHost()) {
    const errors: string[] = [];
    const trap = create({
      host,
      diagnosticLimit: 'none',
      onDiagnostic: ({ code, address }) => host.note(`${code} ${address?.toString(16)}`),
      onError: (error) => errors.push((error as Error).message),
    });
    const fn = trap.assign(description);
    fn.placeRegion(region, AT);
    host.take();
    const read = (address: number, width: Width): bigint => {
      const low = trap.read(address, width);
      return BigInt(low) | (width === 8 && low !== UNCLAIMED ? BigInt(trap.high) << 32n : 0n);
    };
    return { host, trap, fn, read, errors };
  }

  it('an OpRegion reads at every offset and width what the region reads, and ones behind it', () => {
    const region = opRegion();
    const { read } = machine(region);
    const end = Math.ceil(region.size / PAGE_SIZE) * PAGE_SIZE;
    for (const width of WIDTHS) {
      for (let at = 0; at + width <= end; at++) {
        const got = read(AT + at, width);
        if (got !== bytesOf(region, at, width)) expect.fail(`${width} bytes at ${at}: ${got.toString(16)}`);
      }
    }
    expect([read(AT - 1, 1), read(AT + end, 1)]).toEqual([BigInt(UNCLAIMED), BigInt(UNCLAIMED)]);
  });

  it('it drops and counts every write, and changes nothing', () => {
    const region = opRegion();
    const { trap, host } = machine(region);
    expect(trap.write(AT + 0x104, 4, 1)).toBe(true);
    expect(trap.write(AT + 0x2000, 8, 1, 2)).toBe(true);
    expect(host.take()).toEqual(['region-refused 7fff0104', 'region-refused 7fff2000']);
    // Behind the region there is nobody to refuse.
    expect(trap.write(AT + region.size + 5, 8, 1)).toBe(true);
    expect(host.take()).toEqual([]);
    expect(bytesOf(region, 0x104, 4)).toBe(bytesOf(opRegion(), 0x104, 4));
  });

  it('a field that the guest may write keeps what it writes; a write across its end is refused whole', () => {
    const region = opRegion(['CSTS']);
    const { trap, read, host } = machine(region);
    trap.write(AT + 0x104, 4, 0x1234_5678);
    expect(read(AT + 0x104, 4)).toBe(0x1234_5678n);
    trap.write(AT + 0x100, 8, 0, 0);
    expect(read(AT + 0x104, 4)).toBe(0x1234_5678n);
    expect(host.take()).toEqual(['region-refused 7fff0100']);
  });

  it('is read and written in whole accesses where they are aligned, byte by byte elsewhere', () => {
    const host = new RecordingHost();
    const { trap } = machine(recordingRegions(host)[0], graphics, host);
    trap.read(AT + 8, 8);
    trap.write(AT + 0x1002, 2, 0xabcd);
    trap.read(AT + 0xfff, 2);
    expect(host.take()).toEqual([
      'region writable read 8 8',
      'region writable write 4098 cdab',
      'unaligned-read 7fff0fff',
      'region writable read 4095 1',
      'region writable read 4096 1',
    ]);
  });

  it('answers whether or not memory decoding is on, until it is removed or its function goes', () => {
    const { trap, fn, read } = machine(opRegion());
    const first = read(AT, 8);
    fn.setDecode(true);
    expect(read(AT, 8)).toBe(first);
    fn.setDecode(false);
    expect(read(AT, 8)).toBe(first);
    expect([fn.removeRegion(fn.ranges[0].region), fn.ranges]).toEqual([true, []]);
    expect(trap.read(AT, 8)).toBe(UNCLAIMED);
    const region = opRegion();
    fn.placeRegion(region, AT);
    trap.deassign(fn.sbdf);
    expect(trap.read(AT, 8)).toBe(UNCLAIMED);
    expect(() => fn.placeRegion(region, AT)).toThrow(expect.objectContaining({ code: 'unknown-function' }));
  });

  it('moves; refused, it stays where it is', () => {
    const region = opRegion();
    const { trap, fn, read } = machine(region);
    const first = read(AT, 8);
    // Onto itself, too.
    fn.placeRegion(region, AT + PAGE_SIZE);
    expect([trap.read(AT, 8), read(AT + PAGE_SIZE, 8)]).toEqual([UNCLAIMED, first]);
    fn.setDecode(true);
    for (const address of [BAR, BAR - PAGE_SIZE, BAR + PAGE_SIZE]) {
      expect(() => fn.placeRegion(region, address)).toThrow(expect.objectContaining({ code: 'overlap' }));
    }
    expect(fn.ranges).toMatchObject([{ region, address: AT + PAGE_SIZE, enabled: true }]);
    expect(read(AT + PAGE_SIZE, 8)).toBe(first);
    // Just before the BAR is room.
    fn.placeRegion(region, BAR - 5 * PAGE_SIZE);
    expect(read(BAR - 5 * PAGE_SIZE, 8)).toBe(first);
  });

  it('a BAR that the guest moves onto it cannot be enabled', () => {
    const { fn, host, read } = machine(opRegion());
    const before = read(AT, 8);
    fn.moveBar(0, AT);
    expect(fn.setDecode(true)).toBe('fail');
    expect(host.take().filter((call) => !call.startsWith('config'))).toEqual(['overlap 7fff0000']);
    expect(read(AT, 8)).toBe(before);
  });

  it('shares its last page with a BAR that lies behind it, each byte of it its owner’s', () => {
    const small = {
      ...graphics,
      bars: [{ index: 0, type: 'mem32', address: AT + 0x40, size: 0x40 }],
    } as const;
    const host = new RecordingHost();
    const { trap, fn } = machine(recordingRegions(host)[2], small, host);
    expect(fn.setDecode(true)).toBe('okay');
    host.take();
    trap.read(AT + 0x40, 4);
    trap.read(AT + 0x3e, 4);
    expect(host.take()).toEqual([
      'map 16 7fff0000',
      'read 7fff0000 64 4',
      'unaligned-read 7fff003e',
      'read 7fff0000 64 1',
      'read 7fff0000 65 1',
    ]);
    expect(trap.read(AT + 0x38, 8)).toBe(0xffff_ffff);
  });

  it('what it throws or fails with ends the access: ones, dropped, counted, told', () => {
    const thrower: ByteRegion = {
      size: 8,
      read: () => {
        throw new Error('no read');
      },
      write: () => -5,
    };
    const { trap, host, errors, read } = machine(thrower);
    expect(read(AT, 8)).toBe(0xffff_ffff_ffff_ffffn);
    expect(trap.write(AT, 4, 1)).toBe(true);
    expect(errors).toEqual(['no read', 'region: errno -5']);
    expect(host.take().map((call) => call.split(' ')[0])).toEqual(['host-error', 'host-error']);
    expect(trap.read(AT + 8, 4)).toBe(0xffff_ffff);
  });

  it('its hole is made, and must be free', () => {
    const host = new RecordingHost();
    const region = opRegion();
    const { fn } = machine(region, graphics, host);
    host.guestPages.set(AT + 0x10000, 'identity').set(AT + 0x14000, 'identity');
    fn.placeRegion(region, AT + 0x10000);
    expect(host.take()).toEqual(['hole 80000000', 'hole 80004000']);
    host.guestPages.set(AT + 0x22000, 'other');
    expect(() => fn.placeRegion(region, AT + 0x20000)).toThrow(expect.objectContaining({ code: 'overlap' }));
    expect(host.take()).toEqual(['hole-occupied 80012000']);
    expect(fn.ranges).toMatchObject([{ address: AT + 0x10000, enabled: true }]);
  });

  it('misuse is refused', () => {
    const { fn } = machine(opRegion());
    const region: ByteRegion = { size: 0x2000, read: () => 0 };
    for (const address of [AT + 1, AT + 16, -PAGE_SIZE, 0.5, ADDRESS_LIMIT - PAGE_SIZE, ADDRESS_LIMIT]) {
      expect(() => fn.placeRegion(region, address)).toThrow(
        expect.objectContaining({ code: 'bad-argument' }),
      );
    }
    expect(fn.removeRegion(region)).toBe(false);
    expect(fn.ranges).toHaveLength(1);
  });

  it.each([policies.xen, policies.xenV3])('$name has none', (policy) => {
    const fn = create({ host: new RecordingHost(), policy }).assign(graphics);
    expect(() => fn.placeRegion(opRegion(), AT)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  });
});

it.each([
  undefined,
  null,
  {},
  { size: 4096 },
  { size: 4096, read: 1 },
  ...[0, 0.5, -1, 2 ** 52 + 1, Number.NaN].map((size) => ({ size, read: () => 0 })),
])('what is no region is refused: %o', (region) => {
  const fn = engines[1].create({ host: new RecordingHost() }).assign(graphics);
  expect(() => fn.placeRegion(region as ByteRegion, AT)).toThrow(
    /region needs a method read and a size in \[1, 2\^52\]$/,
  );
});

it('a directly mapped page that a region comes to share traps, and maps again when it goes', () => {
  const host = new MappingHost();
  const { create } = engines[1];
  const fn = create({ host }).assign({
    sbdf: 8,
    bars: [{ index: 0, type: 'mem32', address: AT + 0x800, size: 0x800 }],
    decode: true,
  });
  expect([...host.direct]).toEqual([[AT, AT]]);
  const region: ByteRegion = { size: 16, read: (_, into) => into.length };
  fn.placeRegion(region, AT);
  expect([...host.direct]).toEqual([]);
  fn.removeRegion(region);
  expect([...host.direct]).toEqual([[AT, AT]]);
});

describe('in the midst of something else', () => {
  const { create } = engines[1];
  const zeros = (size: number): ByteRegion => ({ size, read: (_, into) => into.fill(0).length });

  it('a host callback that switches the function’s decoding, or places its region, is refused another', () => {
    const host = new RecordingHost();
    const region = zeros(PAGE_SIZE);
    const codes: unknown[] = [];
    const trap = create({ host });
    const fn = trap.assign(graphics);
    host.guestMapping = () => {
      for (const work of [() => fn.placeRegion(region, AT), () => fn.removeRegion(region)]) {
        try {
          work();
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      }
      codes.push(fn.setDecode(true));
      return 'none';
    };
    fn.placeRegion(region, AT);
    expect(new Set(codes)).toEqual(new Set(['busy', 'fail']));
    expect(fn.ranges).toHaveLength(1);
    expect(trap.read(AT, 4)).toBe(0);
  });

  it('a region that removes itself while it is read ends the access, and is not asked again', () => {
    const trap = create({ host: new RecordingHost() });
    const fn = trap.assign(graphics);
    const positions: number[] = [];
    const region: ByteRegion = {
      size: 2 * PAGE_SIZE,
      read: (position, into) => {
        positions.push(position);
        fn.removeRegion(region);
        return into.fill(0).length;
      },
    };
    for (const at of [0, 1, PAGE_SIZE - 2]) {
      fn.placeRegion(region, AT);
      trap.read(AT + at, 4);
      expect(trap.read(AT + at, 4)).toBe(UNCLAIMED);
    }
    expect(positions).toEqual([0, 1, PAGE_SIZE - 2]);
  });

  it('where memory does not suffice nothing is placed, and nothing stays behind', () => {
    const dispatcher = createDispatcher({ host: new RecordingHost(), memoryLimit: 2 ** 20 });
    const fn = dispatcher.assign(graphics);
    expect(() => fn.placeRegion(zeros(2 ** 28), AT - (AT % 2 ** 28))).toThrow(
      expect.objectContaining({ code: 'out-of-memory' }),
    );
    expect([dispatcher.trappedPages, fn.ranges]).toEqual([0, []]);
    fn.placeRegion(zeros(PAGE_SIZE), AT);
    expect(dispatcher.read(AT, 4)).toBe(0);
  });

  it('what the host throws reaches whoever places, with nothing placed', () => {
    const host = new RecordingHost();
    const dispatcher = createDispatcher({ host });
    const fn = dispatcher.assign(graphics);
    host.guestPages.set(AT, 'identity');
    host.take();
    host.throwAt = 1;
    expect(() => fn.placeRegion(zeros(PAGE_SIZE), AT)).toThrow('host call 1');
    expect([dispatcher.trappedPages, fn.ranges]).toEqual([0, []]);
  });
});
