import fc from 'fast-check';
import { PAGE_SIZE } from '../src/access.js';
import type { BarDescription, FunctionDescription, GuestRegister, MsixLayout } from '../src/function.js';
import { BASE } from './layouts.js';
import type { Action } from './subject.js';

/** All BARs lie in a few pages, so that they meet. */
const ARENA = 8 * PAGE_SIZE;

const near = (edges: fc.Arbitrary<number>): fc.Arbitrary<number> =>
  fc.tuple(edges, fc.integer({ min: -9, max: 9 })).map(([edge, delta]) => edge + delta);

/** A naturally aligned place of a size. */
const place = (size: number): fc.Arbitrary<number> =>
  fc.nat(Math.max(0, ARENA / size - 1)).map((slot) => BASE + slot * size);

const size = fc.oneof(
  fc.integer({ min: 4, max: 14 }).map((bits) => 2 ** bits),
  fc.constantFrom(0x100, 0x400, 0x800, 0x1000, 0x2000),
);

/** Host addresses keep the offset in the page for BARs of a page or more, as mapping them would need. */
const apart = (bar: BarDescription): fc.Arbitrary<BarDescription> =>
  fc.nat(0xfff).map((shift) => ({
    ...bar,
    hostAddress: bar.address + 0x1000000 + (bar.size < PAGE_SIZE ? shift * 16 : 0),
  }));

function bar(index: number, domain: 'guest' | 'hardware'): fc.Arbitrary<BarDescription> {
  return (
    size
      .chain((bytes) =>
        fc.record({
          index: fc.constant(index),
          type:
            index === 6
              ? fc.constant('rom' as const)
              : fc.constantFrom(...Array<'mem32'>(9).fill('mem32'), 'io'),
          address: place(bytes),
          size: fc.constant(bytes),
          enabled: fc.constantFrom(true, true, true, true, false),
        }),
      )
      // I/O decoding is not ours; such a BAR is never enabled here.
      .map((one) => (one.type === 'io' ? { ...one, enabled: false } : one))
      .chain((one) =>
        domain === 'guest' && one.type !== 'io' ? fc.oneof(fc.constant(one), apart(one)) : fc.constant(one),
      )
  );
}

function msix(bars: readonly BarDescription[]): fc.Arbitrary<MsixLayout> {
  // Now and then a capability that does not fit.
  return fc.nat(29).chain((astray) => {
    const memory = bars.filter(({ type }) => type !== 'io' && type !== 'rom');
    const fitting = astray === 0 || memory.length === 0 ? bars : memory;
    return fc
      .record({
        wanted: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(63, 64, 65, 128, 129, 300)),
        tableBar: fc.constantFrom(...fitting),
        pbaBar: fc.constantFrom(...fitting),
      })
      .chain(({ wanted, tableBar, pbaBar }) => {
        const count = astray === 1 ? wanted : Math.min(wanted, tableBar.size / 16, 8 * pbaBar.size);
        const offset = (bar: BarDescription, length: number) => {
          const last = Math.max(0, bar.size - length);
          // At the end, at a page boundary, before one, or anywhere.
          const ends = [0, last, 0x1000, 0x1000 - length, 0x1008 - length].filter(
            (at) => at >= 0 && at <= last,
          );
          return fc.oneof(fc.constantFrom(...ends), fc.nat(last)).map((at) => at - (at % 8));
        };
        const pbaSize = 8 * Math.ceil(count / 64);
        return fc.record({
          count: fc.constant(count),
          table: offset(tableBar, 16 * count).map((at) => ({ bir: tableBar.index, offset: at })),
          pba: offset(pbaBar, pbaSize).map((at) => ({ bir: pbaBar.index, offset: at })),
        });
      });
  });
}

/** Up to three registers in memory BARs, where neither table nor PBA nor another one is. */
function registers({ bars, msix: layout }: FunctionDescription): fc.Arbitrary<readonly GuestRegister[]> {
  const memory = bars.filter(({ type, index }) => type !== 'io' && index < 6);
  if (memory.length === 0) return fc.constant([]);
  const one = fc.constantFrom(...memory).chain((in_) =>
    fc.constantFrom(1, 2, 4, 8 as const).chain((bytes) =>
      fc.record({
        space: fc.constant(`bar${in_.index}` as GuestRegister['space']),
        offset: fc.oneof(fc.nat(in_.size - bytes), fc.constantFrom(0, in_.size - bytes)),
        width: fc.constant(bytes as GuestRegister['width']),
        value: fc.nat(255).map((byte) => (bytes === 1 ? byte : byte * 0x101)),
      }),
    ),
  );
  const apart = (found: readonly GuestRegister[]): GuestRegister[] => {
    const taken = new Set<string>();
    for (const [place, length] of layout
      ? ([
          [layout.table, 16 * layout.count],
          [layout.pba, 8 * Math.ceil(layout.count / 64)],
        ] as const)
      : []) {
      for (let at = place.offset; at < place.offset + length; at++) taken.add(`bar${place.bir} ${at}`);
    }
    return found.filter(({ space, offset, width: bytes }) => {
      const own = Array.from({ length: bytes }, (_, index) => `${space} ${offset + index}`);
      if (own.some((byte) => taken.has(byte))) return false;
      for (const byte of own) taken.add(byte);
      return true;
    });
  };
  return fc.array(one, { maxLength: 3 }).map(apart);
}

export function description(
  sbdf: number,
  domain: 'guest' | 'hardware',
  regions: boolean,
): fc.Arbitrary<FunctionDescription> {
  return fc
    .uniqueArray(fc.constantFrom(0, 1, 2, 3, 6), { minLength: 1, maxLength: 3 })
    .chain((indices) => fc.tuple(...indices.map((index) => bar(index, domain))))
    .chain((bars) =>
      fc.record(
        { sbdf: fc.constant(sbdf), bars: fc.constant(bars), msix: msix(bars) },
        // Most have MSI-X.
        sbdf % 4 === 3 ? { requiredKeys: ['sbdf', 'bars'] } : {},
      ),
    )
    .chain((one) =>
      regions ? registers(one).map((some) => ({ ...one, registers: some })) : fc.constant(one),
    );
}

/** Where table and PBA of a function begin and end. */
function structuresOf({ bars, msix: layout }: FunctionDescription): { table: number[]; pba: number[] } {
  const start = ({ bir, offset }: MsixLayout['table']) =>
    (bars.find(({ index }) => index === bir)?.address ?? 0) + offset;
  if (!layout) return { table: [], pba: [] };
  const [table, pba] = [start(layout.table), start(layout.pba)];
  return {
    table: [table, table + 16 * layout.count],
    pba: [pba, pba + 8 * Math.ceil(layout.count / 64)],
  };
}

/** Addresses where what an access belongs to may change, and others on the pages of functions. */
function address(functions: readonly FunctionDescription[], regions: boolean): fc.Arbitrary<number> {
  const structures = functions.map(structuresOf);
  const bounds = functions.flatMap((f) => f.bars).flatMap((one) => [one.address, one.address + one.size]);
  const edges = structures.flatMap(({ table, pba }) => [...table, ...pba]);
  const given = functions.flatMap(({ bars, registers: some = [] }) =>
    some.flatMap(({ space, offset, width: bytes }) => {
      const start = (bars.find(({ index }) => space === `bar${index}`)?.address ?? 0) + offset;
      return [start, start + bytes];
    }),
  );
  const ends = [0, 0x35, 0x1005, 0x2800];
  const tables = structures.flatMap(({ table }) => table.slice(0, 1));
  const or = (some: number[]) => fc.constantFrom(...(some.length > 0 ? some : bounds));
  const pageOf = (byte: number) => byte - (byte % PAGE_SIZE);
  return fc.oneof(
    { weight: 6, arbitrary: near(or(edges)) },
    { weight: 2, arbitrary: near(or(bounds)) },
    {
      weight: 2,
      arbitrary: near(or([...edges, ...bounds].flatMap((edge) => [pageOf(edge), pageOf(edge) + PAGE_SIZE]))),
    },
    {
      weight: 8,
      arbitrary: fc
        .tuple(or(tables), fc.nat(3), fc.constantFrom(0, 4, 8, 12))
        .map(([table, index, field]) => table + 16 * index + field),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(or(edges), fc.nat(PAGE_SIZE - 1)).map(([edge, offset]) => pageOf(edge) + offset),
    },
    { weight: given.length > 0 ? 4 : 0, arbitrary: near(or(given)) },
    {
      weight: regions ? 3 : 0,
      arbitrary: fc.tuple(page, near(fc.constantFrom(...ends))).map(([start, end]) => start + end),
    },
    { weight: 1, arbitrary: fc.nat(ARENA).map((offset) => BASE + offset) },
  );
}

const page = fc.nat(ARENA / PAGE_SIZE - 1).map((number) => BASE + number * PAGE_SIZE);
const region = fc.nat(2);
const word = fc.oneof(fc.constantFrom(0, 0, 1), fc.integer({ min: 0, max: 0xffffffff }));
const width = fc.constantFrom(1, 2, 4, 4, 8, 8);
/** What is odd about a record of a ring: mostly nothing. */
const odd = fc.constantFrom(
  ...Array<undefined>(12).fill(undefined),
  ...(['pointer', 'count', 'type', 'state', 'descending', 'width'] as const),
);

function action(
  functions: readonly FunctionDescription[],
  domain: 'guest' | 'hardware',
  regions: boolean,
): fc.Arbitrary<Action> {
  const sbdf = fc.constantFrom(...functions.map((f) => Number(f.sbdf)));
  const at = address(functions, regions);
  const read = fc.record({ do: fc.constant('read' as const), address: at, width });
  const write = fc
    .record({ do: fc.constant('write' as const), address: at, width, low: word, high: word })
    .map((one) => ({
      ...one,
      low: one.width < 4 ? one.low % 2 ** (8 * one.width) : one.low,
      high: one.width < 8 ? 0 : one.high,
    }));
  const record = fc
    .tuple(fc.oneof(read, write), odd, fc.constantFrom(3, 5, 12, 16))
    .map(([one, odd, width]) => ({
      low: 0xabcdef01,
      high: 0x23456789,
      ...one,
      reads: one.do === 'read',
      odd: odd === 'width' ? undefined : odd,
      width: odd === 'width' ? width : one.width,
    }));
  const batch = fc.record({
    do: fc.constant('batch' as const),
    records: fc.array(record, { minLength: 1, maxLength: 8 }),
  });
  const control = fc.record({
    do: fc.constant('control' as const),
    sbdf,
    value: fc.constantFrom(0, 0x4000, 0x8000, 0x8000, 0x8000, 0xc000, 0x8123),
  });
  const decode = fc.record({
    do: fc.constant('decode' as const),
    sbdf,
    on: fc.constantFrom(true, true, false),
  });
  const move = fc.constantFrom(...functions).chain((f) =>
    fc.record({
      do: fc.constant('move' as const),
      sbdf: fc.constant(Number(f.sbdf)),
      index: fc.constantFrom(...f.bars.map(({ index }) => index), 5),
      address: size.chain(place),
    }),
  );
  const assign = fc.record({
    do: fc.constant('assign' as const),
    description: fc.oneof(
      fc.constantFrom(...functions),
      sbdf.chain((one) => description(one, domain, regions)),
    ),
  });
  return fc.oneof(
    { weight: 25, arbitrary: read },
    { weight: 35, arbitrary: write },
    { weight: 6, arbitrary: control },
    { weight: 7, arbitrary: decode },
    { weight: 3, arbitrary: batch },
    { weight: 3, arbitrary: move },
    { weight: 4, arbitrary: assign },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('deassign' as const), sbdf }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('reset' as const), sbdf }) },
    {
      weight: regions ? 5 : 0,
      arbitrary: fc.record({ do: fc.constant('place' as const), sbdf, region, address: page }),
    },
    { weight: regions ? 1 : 0, arbitrary: fc.record({ do: fc.constant('remove' as const), sbdf, region }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('mapping' as const),
        page:
          domain === 'guest'
            ? fc.oneof(
                page,
                page.map((one) => one + 0x1000000),
              )
            : page,
        works: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('guest page' as const),
        page,
        holds: fc.constantFrom('none', 'none', 'identity', 'identity', 'other'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('throw' as const), call: fc.integer({ min: 1, max: 6 }) }),
    },
  );
}

/** Up to four functions, with registers and regions of the guest or without, then whatever can happen to them. */
export function history(domain: 'guest' | 'hardware', regions: boolean): fc.Arbitrary<Action[]> {
  return fc
    .integer({ min: 1, max: 4 })
    .chain((count) =>
      fc.tuple(...Array.from({ length: count }, (_, number) => description(8 + number, domain, regions))),
    )
    .chain((functions) => {
      const assigned: Action[] = functions.map((one) => ({ do: 'assign', description: one }));
      return fc
        .array(action(functions, domain, regions), { minLength: 40, maxLength: 160, size: 'max' })
        .map((actions) => [...assigned, ...actions]);
    });
}
