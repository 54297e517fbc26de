import fc from 'fast-check';
import { PAGE_SIZE } from '../src/access.js';
import type { BarDescription, FunctionDescription, MsixLayout } from '../src/function.js';
import { BASE } from './layouts.js';
import type { Action } from './subject.js';

/** All BARs lie in a few pages, so that they meet. */
const ARENA = 8 * PAGE_SIZE;
const WIDTHS = [1, 2, 4, 8];

const near = (edges: readonly number[]): fc.Arbitrary<number> =>
  fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -9, max: 9 })).map(([edge, delta]) => edge + delta);

/** A naturally aligned place of a size. */
const place = (size: number): fc.Arbitrary<number> =>
  fc.nat(Math.max(0, ARENA / size - 1)).map((slot) => BASE + slot * size);

const size = fc.integer({ min: 4, max: 14 }).map((bits) => 2 ** bits);

/** Host addresses keep the offset in the page for BARs of a page or more, as mapping them would need. */
const apart = (bar: BarDescription): fc.Arbitrary<BarDescription> =>
  fc.nat(0xfff).map((shift) => ({
    ...bar,
    hostAddress: bar.address + 0x1000000 + (bar.size < PAGE_SIZE ? shift * 16 : 0),
  }));

function bar(index: number, domain: 'guest' | 'hardware'): fc.Arbitrary<BarDescription> {
  return size
    .chain((bytes) =>
      fc.record({
        index: fc.constant(index),
        type: index === 6 ? fc.constant('rom' as const) : fc.constantFrom('mem32', 'mem32', 'mem32', 'io'),
        address: place(bytes),
        size: fc.constant(bytes),
        enabled: fc.constantFrom(true, true, false),
      }),
    )
    .chain((one) =>
      domain === 'guest' && one.type !== 'io' ? fc.oneof(fc.constant(one), apart(one)) : fc.constant(one),
    );
}

function msix(bars: readonly BarDescription[]): fc.Arbitrary<MsixLayout> {
  return fc
    .record({
      count: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(63, 64, 65, 128, 129, 300)),
      tableBar: fc.constantFrom(...bars),
      pbaBar: fc.constantFrom(...bars),
      astray: fc.nat(19),
    })
    .chain(({ count, tableBar, pbaBar, astray }) => {
      const pbaSize = 8 * Math.ceil(count / 64);
      // Now and then a capability that does not fit.
      const within = (bytes: number, length: number) =>
        astray === 0 ? fc.nat(0x800) : fc.nat(Math.max(0, (bytes - length) / 8));
      return fc.record({
        count: fc.constant(count),
        table: within(tableBar.size, 16 * count).map((units) => ({ bir: tableBar.index, offset: units * 8 })),
        pba: within(pbaBar.size, pbaSize).map((units) => ({ bir: pbaBar.index, offset: units * 8 })),
      });
    });
}

function description(sbdf: number, domain: 'guest' | 'hardware'): fc.Arbitrary<FunctionDescription> {
  return fc
    .uniqueArray(fc.constantFrom(0, 1, 2, 3, 6), { minLength: 1, maxLength: 3 })
    .chain((indices) => fc.tuple(...indices.map((index) => bar(index, domain))))
    .chain((bars) =>
      fc.record(
        { sbdf: fc.constant(sbdf), bars: fc.constant(bars), msix: msix(bars) },
        { requiredKeys: ['sbdf', 'bars'] },
      ),
    );
}

/** Places where what an address belongs to may change. */
function edgesOf(functions: readonly FunctionDescription[]): number[] {
  const pages = Array.from({ length: ARENA / PAGE_SIZE + 1 }, (_, number) => BASE + number * PAGE_SIZE);
  const ofFunctions = functions.flatMap(({ bars, msix: layout }) => {
    const start = (bir: number) => bars.find(({ index }) => index === bir)?.address ?? 0;
    const structures = layout
      ? [
          start(layout.table.bir) + layout.table.offset,
          start(layout.table.bir) + layout.table.offset + 16 * layout.count,
          start(layout.pba.bir) + layout.pba.offset,
          start(layout.pba.bir) + layout.pba.offset + 8 * Math.ceil(layout.count / 64),
        ]
      : [];
    return [...bars.flatMap(({ address, size: bytes }) => [address, address + bytes]), ...structures];
  });
  return [...pages, ...ofFunctions];
}

function action(
  functions: readonly FunctionDescription[],
  domain: 'guest' | 'hardware',
): fc.Arbitrary<Action> {
  const sbdf = fc.constantFrom(...functions.map((f) => Number(f.sbdf)));
  const word = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 0xffffffff }));
  const tables = functions.flatMap(({ bars, msix: layout }) =>
    layout
      ? [(bars.find(({ index }) => index === layout.table.bir)?.address ?? 0) + layout.table.offset]
      : [],
  );
  const entry = fc
    .tuple(fc.constantFrom(...tables, BASE), fc.nat(12), fc.constantFrom(0, 4, 8, 12))
    .map(([table, index, field]) => table + 16 * index + field);
  const address = fc.oneof(
    near(edgesOf(functions)),
    entry,
    fc.nat(ARENA).map((offset) => BASE + offset),
  );
  const page = fc.nat(ARENA / PAGE_SIZE).map((number) => BASE + number * PAGE_SIZE);
  const newPlace = size.chain(place);
  const described = fc.oneof(
    fc.constantFrom(...functions),
    sbdf.chain((one) => description(one, domain)),
  );
  return fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({ do: fc.constant('read' as const), address, width: fc.constantFrom(...WIDTHS) }),
    },
    {
      weight: 30,
      arbitrary: fc
        .record({
          do: fc.constant('write' as const),
          address,
          width: fc.constantFrom(...WIDTHS),
          low: word,
          high: word,
        })
        .map((write) => ({
          ...write,
          low: write.width < 4 ? write.low % 2 ** (8 * write.width) : write.low,
          high: write.width < 8 ? 0 : write.high,
        })),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('control' as const),
        sbdf,
        value: fc.constantFrom(0, 0x4000, 0x8000, 0x8000, 0xc000, 0x8123),
      }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('decode' as const), sbdf, on: fc.boolean() }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('move' as const),
        sbdf,
        index: fc.constantFrom(0, 1, 2, 3, 6),
        address: newPlace,
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('assign' as const), description: described }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('deassign' as const), sbdf }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('mapping' as const), page, works: fc.boolean() }) },
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

/** Up to four functions, then whatever can happen to them. */
export function history(domain: 'guest' | 'hardware'): fc.Arbitrary<Action[]> {
  return fc
    .integer({ min: 1, max: 4 })
    .chain((count) =>
      fc.tuple(...Array.from({ length: count }, (_, number) => description(8 + number, domain))),
    )
    .chain((functions) => {
      const assigned: Action[] = functions.map((one) => ({ do: 'assign', description: one }));
      return fc
        .array(action(functions, domain), { minLength: 20, maxLength: 120, size: 'max' })
        .map((actions) => [...assigned, ...actions]);
    });
}
