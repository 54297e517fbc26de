import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TraplineError } from '../../src/errors.js';
import { FOUR_GIB, GIB, MIB, overlap, rangeText } from '../../src/regions/address-range.js';
import { legacyHole } from '../../src/regions/e820.js';
import { planStolenMemory, platformRanges, type StolenRequest } from '../../src/regions/stolen-memory.js';
import { parseSbdf } from '../../src/sbdf.js';

const plan = (base: number, low: number, more: Partial<StolenRequest> = {}) =>
  planStolenMemory({ base, size: 64 * MIB, ram: { low }, ...more });

const table = ({ e820 }: ReturnType<typeof plan>) => e820.map((entry) => `${entry.type} ${rangeText(entry)}`);

describe('worked results', () => {
  it('1: case A reserves a slice of RAM', () => {
    const made = plan(0x7c000000, 0xc0000000);
    expect(made).toMatchObject({ case: 'A', wasted: 64 * MIB, allocated: 0 });
    expect(table(made)).toEqual([
      'ram 0x0-0x7c000000',
      'reserved 0x7c000000-0x80000000',
      'ram 0x80000000-0xc0000000',
    ]);
  });

  it('2: case B allocates what is missing after RAM', () => {
    const made = plan(0xbe000000, 0xc0000000);
    expect(made).toMatchObject({ case: 'B', wasted: 32 * MIB, allocated: 32 * MIB });
    expect(made.backing).toEqual([
      { start: 0xbe000000, end: 0xc0000000, source: 'ram' },
      { start: 0xc0000000, end: 0xc2000000, source: 'new' },
    ]);
    expect(table(made)).toEqual(['ram 0x0-0xbe000000', 'reserved 0xbe000000-0xc2000000']);
  });

  it('3: case C allocates all of it', () => {
    const made = plan(0xdc000000, 0x80000000);
    expect(made).toMatchObject({ case: 'C', wasted: 0, allocated: 64 * MIB });
    expect(table(made)).toEqual(['ram 0x0-0x80000000', 'reserved 0xdc000000-0xe0000000']);
  });

  it('4: case A with the end of RAM as its end leaves no RAM behind', () => {
    const made = plan(0x7c000000, 0x80000000);
    expect(made.case).toBe('A');
    expect(table(made)).toEqual(['ram 0x0-0x7c000000', 'reserved 0x7c000000-0x80000000']);
  });

  it('5: case C with the end of RAM as its base is adjacent', () => {
    const made = plan(0x80000000, 0x80000000);
    expect(made.case).toBe('C');
    expect(table(made)).toEqual(['ram 0x0-0x80000000', 'reserved 0x80000000-0x84000000']);
  });

  it.each([
    [FOUR_GIB, 'A', 64, 0],
    [FOUR_GIB + GIB - 32 * MIB, 'B', 32, 32],
    [FOUR_GIB + GIB, 'C', 0, 64],
    [FOUR_GIB + 8 * GIB, 'C', 0, 64],
  ])('above 4 GiB at %d: case %s', (base, name, wasted, allocated) => {
    const made = plan(base, 0x80000000, { ram: { low: 0x80000000, high: GIB } });
    expect(made).toMatchObject({ case: name, wasted: wasted * MIB, allocated: allocated * MIB });
    expect(made.e820[0]).toEqual({ start: 0, end: 0x80000000, type: 'ram' });
  });
});

it('the IOMMU maps the range to itself, and a virtual IOMMU must', () => {
  const made = plan(0xbe000000, 0xc0000000, { gttSize: 8 * MIB, sbdf: '0000:01:02.3' });
  expect(made.iova).toEqual([
    { iova: 0xbe000000, guest: 0xbe000000, size: 32 * MIB },
    { iova: 0xc0000000, guest: 0xc0000000, size: 32 * MIB },
  ]);
  expect(made.reservedRegion).toEqual({
    sbdf: parseSbdf('0000:01:02.3'),
    start: 0xbe000000,
    end: 0xc2000000,
  });
  expect(made.hostGtt).toEqual({ start: 0xbd800000, end: 0xbe000000 });
});

it('the range is mapped, or trapped where that is asked for', () => {
  const range = { start: 0x7c000000, end: 0x80000000 };
  expect(plan(range.start, GIB)).toMatchObject({ mapped: [range], trapped: [] });
  expect(plan(range.start, GIB, { trapped: true })).toMatchObject({ mapped: [], trapped: [range] });
});

it('a size of 0 plans nothing, whatever the base', () => {
  expect(plan(1, GIB, { size: 0, gttSize: 8 * MIB })).toEqual({
    case: 'none',
    range: undefined,
    backing: [],
    wasted: 0,
    allocated: 0,
    e820: [{ start: 0, end: GIB, type: 'ram' }],
    iova: [],
    mapped: [],
    trapped: [],
    reservedRegion: undefined,
    hostGtt: undefined,
  });
});

it('what firmware reserves is in the table', () => {
  const made = plan(0x7c000000, 0x80000000, { reserved: [{ name: 'legacy', ...legacyHole }] });
  expect(table(made)).toEqual([
    'ram 0x0-0x9fc00',
    'reserved 0x9fc00-0x100000',
    'ram 0x100000-0x7c000000',
    'reserved 0x7c000000-0x80000000',
  ]);
});

it('a base that the user expects rightly', () => {
  expect(plan(0x7c000000, GIB, { expected: { base: 0x7c000000, size: 64 * MIB } }).case).toBe('C');
});

describe('refused', () => {
  it.each<[string, Partial<StolenRequest>, string, RegExp]>([
    [
      'PCI hole',
      { mmio: [{ name: 'PCI hole', start: 0x7fffffff, end: 0xfec00000 }] },
      'overlap',
      /overlaps PCI hole/,
    ],
    ['ECAM', { mmio: [{ name: 'ECAM', start: 0x70000000, end: 0x7c000001 }] }, 'overlap', /overlaps ECAM/],
    [
      'firmware',
      { reserved: [{ name: 'tables', start: 0x7d000000, end: 0x7d001000 }] },
      'overlap',
      /overlaps tables/,
    ],
    ['I/O APIC', { base: 0xfec00000, size: MIB }, 'overlap', /overlaps I\/O APIC 0xfec00000-0xfec01000/],
    ['interrupts', { base: 0xfee00000, size: MIB }, 'overlap', /overlaps interrupt messages/],
    ['flash', { base: 0xff000000, size: MIB }, 'overlap', /overlaps flash/],
    ['RAM over MMIO', { ram: { low: 0xff000000 } }, 'overlap', /RAM 0x0-0xff000000 overlaps I\/O APIC/],
    ['below 1 MiB', { base: 0, size: MIB }, 'bad-argument', /base 0 means/],
    ['unaligned base', { base: 0x7c080000 }, 'bad-argument', /base 0x7c080000 is no multiple of 1 MiB/],
    ['unaligned size', { size: 4097 }, 'bad-argument', /size 0x1001 is no multiple of 4096/],
    ['crossing 4 GiB', { base: FOUR_GIB - MIB, size: 2 * MIB }, 'bad-argument', /crosses 4 GiB/],
    [
      'above 2^52',
      { base: 2 ** 52 - MIB, size: 2 * MIB },
      'bad-argument',
      /is above the limit 0x10000000000000/,
    ],
    [
      'above the limit',
      { limit: 0x7fffffff },
      'bad-argument',
      /end 0x80000000 .* above the limit 0x7fffffff/,
    ],
    [
      'wrong base',
      { expected: { base: 0x7b000000 } },
      'bad-argument',
      /expected.base 0x7b000000 is not the device's 0x7c000000/,
    ],
    ['wrong size', { expected: { size: MIB } }, 'bad-argument', /expected.size 0x100000 is not/],
    ['GTT below 0', { gttSize: 0x7c100000 }, 'bad-argument', /gttSize 0x7c100000 does not fit below/],
    ['no limit', { limit: 2 ** 53 }, 'bad-argument', /limit 0x20000000000000 is not an integer/],
    [
      'RAM',
      { ram: { low: FOUR_GIB + 4096, high: 1 } },
      'bad-argument',
      /ram.low .*; planStolenMemory: ram.high 0x1 /,
    ],
    ['no range', { mmio: [{ name: 'hole', start: 2, end: 1 }] }, 'bad-argument', /hole 0x2-0x1 is no range/],
    ['sbdf', { sbdf: 'x' }, 'bad-argument', /sbdf "x"/],
  ])('%s', (_, request, code, message) => {
    let error: unknown;
    try {
      plan(0x7c000000, GIB, request);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TraplineError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('ranges that only touch are not', () => {
    const around = [
      { name: 'below', start: 0x70000000, end: 0x7c000000 },
      { name: 'above', start: 0x80000000, end: 0x90000000 },
    ];
    expect(plan(0x7c000000, GIB, { mmio: around, limit: 0x80000000 }).case).toBe('C');
  });

  it('nor are empty ranges, and RAM of no bytes', () => {
    const mmio = [
      { name: 'empty', start: 0x7d000000, end: 0x7d000000 },
      { name: 'across 4 GiB', start: 0xc0000000, end: FOUR_GIB + GIB },
    ];
    expect(plan(0x7c000000, GIB, { mmio }).case).toBe('C');
  });
});

const megabytes = (max: number) => fc.integer({ min: 0, max }).map((count) => count * MIB);
const namedRange = (name: string) =>
  fc.record({ start: megabytes(12000), size: megabytes(64) }).map(({ start, size }) => ({
    name,
    start,
    end: start + size,
  }));

it('plans are exact, disjoint and below their limit, or refused for a reason', () => {
  let made = 0;
  fc.assert(
    fc.property(
      fc.record({
        base: megabytes(12000),
        size: megabytes(512),
        ram: fc.record({ low: megabytes(4096), high: megabytes(8192) }),
        reserved: fc.array(namedRange('reserved'), { maxLength: 2 }),
        mmio: fc.array(namedRange('mmio'), { maxLength: 2 }),
        limit: fc.constantFrom(FOUR_GIB, 2 ** 33, 2 ** 52),
        trapped: fc.boolean(),
      }),
      (request) => {
        const { base, size, ram, reserved, mmio, limit } = request;
        const stolen = { start: base, end: base + size };
        const banks = [
          { start: 0, end: ram.low },
          { start: FOUR_GIB, end: FOUR_GIB + ram.high },
        ];
        const others = [...platformRanges, ...mmio];
        const touches = (range: { start: number; end: number }, list: typeof banks) =>
          range.start < range.end && list.some((other) => other.start < other.end && overlap(range, other));
        const possible =
          !banks.some((bank) => touches(bank, others)) &&
          (size === 0 ||
            (base > 0 &&
              stolen.end <= limit &&
              !(base < FOUR_GIB && stolen.end > FOUR_GIB) &&
              !touches(stolen, [...others, ...reserved])));
        if (!possible) {
          expect(() => planStolenMemory(request)).toThrow(TraplineError);
          return;
        }
        const result = planStolenMemory(request);
        if (size > 0) made++;
        let at = base;
        for (const part of result.backing) {
          expect(part.start).toBe(at);
          at = part.end;
          // A slice of RAM is RAM, what is allocated is not, nor is it anything else's.
          const within = banks.some(({ start, end }) => start <= part.start && part.end <= end);
          expect(part.source === 'ram' ? within : !touches(part, banks)).toBe(true);
          expect(touches(part, [...others, ...reserved])).toBe(false);
        }
        expect(at).toBe(size === 0 ? base : stolen.end);
        expect(result.wasted + result.allocated).toBe(size);
        for (const [index, entry] of result.e820.entries()) {
          expect(entry.start).toBeGreaterThanOrEqual(result.e820[index - 1]?.end ?? 0);
          if (entry.type === 'ram') {
            expect(touches(entry, [stolen, ...reserved])).toBe(false);
            expect(banks.some(({ start, end }) => start <= entry.start && entry.end <= end)).toBe(true);
          }
        }
        const total = (type: string) =>
          result.e820.reduce((sum, entry) => sum + (entry.type === type ? entry.end - entry.start : 0), 0);
        const reservedBytes = new Set<number>();
        for (const { start, end } of [...reserved, stolen]) {
          for (let byte = start; byte < end; byte += MIB) reservedBytes.add(byte);
        }
        const inRam = [...reservedBytes].filter((byte) => touches({ start: byte, end: byte + 1 }, banks));
        expect(total('reserved')).toBe(reservedBytes.size * MIB);
        expect(total('ram')).toBe(ram.low + ram.high - inRam.length * MIB);
      },
    ),
    { numRuns: 500 },
  );
  expect(made).toBeGreaterThan(50);
});
