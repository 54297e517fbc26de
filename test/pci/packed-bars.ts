import fc from 'fast-check';
import { PAGE_SIZE } from '../../src/access.js';
import type { BarDescription, FunctionDescription, MsixLayout } from '../../src/function.js';

/** Where guests find memory BARs. */
export const ARENA = 0xe000_0000;
const PORTS = 0xc000;
const HOST = 0x10_0000_0000;

export interface Wishes {
  readonly domain: 'guest' | 'hardware';
  /** How many functions. */
  readonly count?: { readonly min: number; readonly max: number };
  /** Sizes of the memory BARs, as powers of two. Default: 16 bytes to 64 KiB, most of them small. */
  readonly bits?: fc.Arbitrary<number>;
  /** At most so many BARs a function. Default: 3. */
  readonly bars?: number;
  /** Each function has MSI-X; its first BAR then has 32 bytes at least. Default: some. */
  readonly msix?: boolean;
  /** Some small BARs of a guest domain have another page offset than their host address. Default: none. */
  readonly odd?: boolean;
}

const SIZES = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 4, max: 11 }) },
  { weight: 3, arbitrary: fc.integer({ min: 12, max: 14 }) },
  { weight: 1, arbitrary: fc.integer({ min: 15, max: 16 }) },
);

/** A BAR before it is placed. */
interface Part {
  readonly index: number;
  readonly type: 'mem32' | 'mem64' | 'io';
  readonly size: number;
  readonly prefetchable: boolean;
  /** What its host address adds to its page offset, in units of its size; 0: nothing. */
  readonly shift: number;
}

interface Parts {
  readonly bars: readonly Part[];
  readonly msix: MsixLayout | undefined;
}

const isMemory = (bar: { readonly type: string }): boolean => bar.type !== 'io';

function part(wishes: Wishes, first: boolean): fc.Arbitrary<Omit<Part, 'index'>> {
  const least = first && wishes.msix ? 5 : 4;
  const bits = (wishes.bits ?? SIZES).map((wanted) => Math.max(wanted, least));
  const memory = fc.record({
    type: fc.constantFrom('mem32' as const, 'mem64' as const),
    size: bits.map((wanted) => 2 ** wanted),
    prefetchable: fc.boolean(),
    shift: wishes.odd ? fc.constantFrom(0, 0, 0, 0, 0, 1, 3) : fc.constant(0),
  });
  if (first) return memory;
  const ports = fc.record({
    type: fc.constant('io' as const),
    size: fc.constantFrom(4, 32, 256),
    prefetchable: fc.constant(false),
    shift: fc.constant(0),
  });
  return fc.oneof({ weight: 5, arbitrary: memory }, { weight: 1, arbitrary: ports });
}

/** Table and PBA in halves of one BAR, or in two BARs: they do not overlap. */
function layout(bars: readonly Part[], always: boolean): fc.Arbitrary<MsixLayout | undefined> {
  const memory = bars.filter(isMemory);
  // `slack`: how far into its room, in eighths of what is free.
  const wish = fc.record({
    present: always ? fc.constant(true) : fc.boolean(),
    tableBar: fc.constantFrom(...(always ? memory.slice(0, 1) : memory)),
    pbaBar: fc.constantFrom(...(always ? memory.slice(0, 1) : memory)),
    count: fc.constantFrom(1, 2, 3, 8, 65, 300),
    swapped: fc.boolean(),
    slack: fc.nat(8),
  });
  return wish.map(({ present, tableBar, pbaBar, count: wanted, swapped, slack }) => {
    const same = tableBar === pbaBar;
    const room = (bar: Part) => (same ? bar.size / 2 : bar.size);
    const count = Math.min(wanted, room(tableBar) / 16, 8 * room(pbaBar));
    if (!present || count < 1) return undefined;
    const place = (bar: Part, length: number, upper: boolean) => {
      const words = Math.floor((((room(bar) - length) / 8) * slack) / 8);
      return { bir: bar.index, offset: (same && upper ? bar.size / 2 : 0) + 8 * words };
    };
    const table = place(tableBar, 16 * count, swapped);
    return { count, table, pba: place(pbaBar, 8 * Math.ceil(count / 64), !swapped) };
  });
}

function parts(wishes: Wishes): fc.Arbitrary<Parts> {
  return fc
    .tuple(part(wishes, true), fc.array(part(wishes, false), { maxLength: (wishes.bars ?? 3) - 1 }))
    .chain(([first, rest]) => {
      let index = 0;
      const bars = [first, ...rest].map((one) => {
        const bar = { ...one, index };
        index += one.type === 'mem64' ? 2 : 1;
        return bar;
      });
      return layout(bars, wishes.msix ?? false).map((msix) => ({ bars, msix }));
    });
}

/** As hvmloader places BARs: the largest first, each aligned to its size only, so that small ones share pages. */
function pack(
  functions: readonly Parts[],
  { domain }: Wishes,
  identity: boolean,
): readonly FunctionDescription[] {
  const all = functions.flatMap((fn) => fn.bars);
  const addresses = new Map<Part, number>();
  let memory = ARENA;
  let ports = PORTS;
  for (const bar of all.sort((a, b) => b.size - a.size)) {
    addresses.set(bar, isMemory(bar) ? memory : ports);
    if (isMemory(bar)) memory += bar.size;
    else ports += bar.size;
  }
  return functions.map(({ bars, msix }, number) => ({
    sbdf: 8 * (number + 1),
    ...(msix && { msix }),
    decode: false,
    bars: bars.map((bar): BarDescription => {
      const { index, type, size, prefetchable, shift } = bar;
      const address = addresses.get(bar) as number;
      const offset = (address + shift * size) % PAGE_SIZE;
      const elsewhere = HOST + number * 0x1000_0000 + index * 0x100_0000 + offset;
      const moved = domain === 'guest' && isMemory(bar) && (!identity || shift > 0);
      return {
        index,
        type,
        size,
        prefetchable,
        address,
        enabled: false,
        ...(moved && { hostAddress: elsewhere }),
      };
    }),
  }));
}

/** Functions whose memory BARs a guest finds packed, disabled, host addresses being the same or elsewhere. */
export function packed(wishes: Wishes): fc.Arbitrary<readonly FunctionDescription[]> {
  const { min, max } = wishes.count ?? { min: 1, max: 4 };
  const functions = fc.array(parts(wishes), { minLength: min, maxLength: max });
  return fc.tuple(functions, fc.boolean()).map(([some, identity]) => pack(some, wishes, identity));
}
