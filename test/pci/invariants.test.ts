import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDRESS_LIMIT, PAGE_SIZE, pageOf, UNCLAIMED, type Width } from '../../src/access.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import type { AssignedFunction, BarDescription, FunctionDescription } from '../../src/function.js';
import type { Bar, PageHandler } from '../../src/host.js';
import { type Policy, policies } from '../../src/policy.js';
import type { Sbdf } from '../../src/sbdf.js';
import { MemoryHost } from '../memory-host.js';
import { RecordingHost } from '../recording-host.js';
import { ARENA, packed, type Wishes } from './packed-bars.js';

const RUNS = Number(process.env.RUNS ?? 10);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`BAR invariants: SEED=${SEED} RUNS=${RUNS}`);

const COMMAND = 4;
const MEMORY = 2;
const ROM = 0x30;
const BAR = (index: number) => 0x10 + 4 * index;

interface Setting {
  readonly name: string;
  readonly policy: Policy;
  readonly domain: 'guest' | 'hardware';
}

const settings: readonly Setting[] = Object.values(policies).flatMap((policy) =>
  (['guest', 'hardware'] as const).map((domain) => ({
    name: `${policy.name}, ${domain} domain`,
    policy,
    domain,
  })),
);
const isStrict = ({ policy }: Setting): boolean => policy === policies.strict;
const strict = settings.filter(isStrict);
const xens = settings.filter((setting) => !isStrict(setting));
/** Xen gives no guest domain a ROM. */
const withRom = settings.filter(({ policy, domain }) => policy.rom === 'copy' || domain === 'hardware');
const inGuest = ({ domain }: Setting): boolean => domain === 'guest';

/** What callbacks of the host threw: the dispatcher keeps it from the guest. */
const thrown: unknown[] = [];

function always<T>(values: fc.Arbitrary<T>, property: (value: T) => void): void {
  const checked = fc.property(values, (value) => {
    thrown.length = 0;
    property(value);
    if (thrown.length > 0) throw thrown[0];
  });
  fc.assert(checked, { seed: SEED, numRuns: RUNS });
}

/** An access of a mapped host page. */
interface Touch {
  readonly sbdf: Sbdf;
  /** Number of the mapping that it went through. */
  readonly mapping: number;
  readonly address: number;
  readonly width: number;
}

/** Hardware, and a guest's memory map kept by what the dispatcher says. */
class Machine extends RecordingHost {
  readonly direct = new Map<number, number>();
  touches: Touch[] = [];
  /** Runs inside every callback that a change of decoding brings, and inside every page access. */
  during: (call: 'page' | 'map' | 'unmap' | 'config') => void = () => {};
  /** Mapped host pages; one of the Xen policies may be mapped several times, for table and PBA. */
  private readonly live: string[] = [];
  private mappings = 0;

  override mapPage(address: number, sbdf: Sbdf): PageHandler {
    const page = super.mapPage(address, sbdf) as PageHandler;
    const mapping = ++this.mappings;
    this.live.push(`${sbdf} ${address}`);
    const touch = (offset: number, width: number) => {
      this.touches.push({ sbdf, mapping, address: address + offset, width });
      this.during('page');
    };
    return {
      read: (offset, width, high) => {
        touch(offset, width);
        return page.read(offset, width, high);
      },
      write: (offset, width, low, high) => {
        touch(offset, width);
        page.write(offset, width, low, high);
      },
    };
  }

  override unmapPage(address: number, sbdf: Sbdf): void {
    super.unmapPage(address, sbdf);
    const index = this.live.indexOf(`${sbdf} ${address}`);
    expect(index, 'unmapped without need').not.toBe(-1);
    this.live.splice(index, 1);
    this.during('unmap');
  }

  mapGuestPages(guest: number, host: number, length: number): void {
    this.note(`direct ${guest.toString(16)} ${host.toString(16)} ${length}`);
    for (let at = 0; at < length; at += PAGE_SIZE) {
      expect(this.direct.has(guest + at), 'mapped for the guest once').toBe(false);
      this.direct.set(guest + at, host + at);
    }
    this.during('map');
  }

  unmapGuestPages(guest: number, length: number): void {
    this.note(`undirect ${guest.toString(16)} ${length}`);
    for (let at = 0; at < length; at += PAGE_SIZE) {
      expect(this.direct.delete(guest + at), 'unmapped for the guest once').toBe(true);
    }
    this.during('unmap');
  }

  override writeConfig(sbdf: Sbdf, register: number, value: number): void {
    super.writeConfig(sbdf, register, value);
    this.during('config');
  }

  /** Mappings of host pages that were not unmapped. */
  get mapped(): number {
    return this.live.length;
  }

  takeTouches(): Touch[] {
    const { touches } = this;
    this.touches = [];
    return touches;
  }
}

const fits = (bar: Bar): boolean => (bar.address - bar.hostAddress) % PAGE_SIZE === 0;

/** The host byte behind a byte of a BAR. */
const hostOf = (bar: Bar, address: number): number => bar.hostAddress + (address - bar.address);

const has = (bar: Bar, address: number): boolean =>
  bar.enabled && address >= bar.address && address < bar.address + bar.size;

function pagesIn(start: number, length: number): number[] {
  const pages: number[] = [];
  for (let page = pageOf(start); page < Math.min(start + length, ADDRESS_LIMIT); page += PAGE_SIZE)
    pages.push(page);
  return pages;
}

const pagesOf = (bar: Bar): number[] => pagesIn(bar.address, bar.size);

const memoryBars = (fn: AssignedFunction): readonly Bar[] => fn.bars.filter((bar) => bar.type !== 'io');

/** Guest pages with bytes of a BAR's table or PBA. */
function structurePages(fn: AssignedFunction, bar: Bar): number[] {
  if (!fn.msix) return [];
  const { count, table, pba } = fn.msix;
  const pages = (at: typeof table, length: number) =>
    at.bir === bar.index ? pagesIn(bar.address + at.offset, length) : [];
  return [...pages(table, 16 * count), ...pages(pba, 8 * Math.ceil(count / 64))];
}

/** In place of a host address. */
const TRAPS = -1;

/** A guest's functions, driven by configuration cycles. */
class World {
  readonly host = new Machine();
  readonly dispatcher: Dispatcher;
  readonly functions: readonly AssignedFunction[];
  /** Memory BARs in the order of enabling. */
  readonly enabled: Bar[] = [];
  private readonly setting: Setting;

  constructor(setting: Setting, descriptions: readonly FunctionDescription[]) {
    this.setting = setting;
    const { policy, domain } = setting;
    const onError = (error: unknown) => thrown.push(error);
    this.dispatcher = createDispatcher({ host: this.host, policy, domain, onError });
    this.functions = descriptions.map((description) => this.dispatcher.assign(description));
  }

  fn(number: number): AssignedFunction {
    return this.functions[number % this.functions.length];
  }

  write(fn: AssignedFunction, offset: number, width: number, value: number): void {
    fn.config.write(offset, width, value);
    this.noteEnabled();
  }

  reset(fn: AssignedFunction): void {
    fn.reset();
    this.noteEnabled();
  }

  private noteEnabled(): void {
    const now = this.functions.flatMap(memoryBars).filter((bar) => bar.enabled);
    const kept = this.enabled.filter((bar) => now.includes(bar));
    this.enabled.splice(0, Infinity, ...kept, ...now.filter((bar) => !kept.includes(bar)));
  }

  decode(fn: AssignedFunction, on: boolean, width = 2): boolean {
    this.write(fn, COMMAND, width, on ? MEMORY : 0);
    return fn.decoding;
  }

  /** As a driver moves a BAR, whatever decoding is. */
  place(fn: AssignedFunction, bar: Bar, address: number): void {
    this.write(fn, BAR(bar.index), 4, address % 2 ** 32);
    if (bar.type === 'mem64') this.write(fn, BAR(bar.index + 1), 4, Math.floor(address / 2 ** 32));
  }

  /** Page by page, from nothing but enabled BARs, addresses and MSI-X layouts. */
  expected(): { readonly direct: Map<number, Bar>; readonly trapping: Set<number> } {
    const pages = new Map<number, Bar[]>();
    for (const bar of this.enabled) {
      for (const page of pagesOf(bar)) pages.set(page, [...(pages.get(page) ?? []), bar]);
    }
    const structures = new Set(
      this.functions.flatMap((fn) =>
        fn.bars.filter(({ enabled }) => enabled).flatMap((bar) => structurePages(fn, bar)),
      ),
    );
    const direct = new Map<number, Bar>();
    const trapping = new Set<number>();
    for (const [page, bars] of pages) {
      // Strict traps what no single BAR can have whole; Xen leaves a shared page to the BAR enabled first.
      const odd = isStrict(this.setting) && (bars.length > 1 || !fits(bars[0]));
      if (odd || structures.has(page)) trapping.add(page);
      else direct.set(page, bars[0]);
    }
    return { direct, trapping };
  }

  /** What the function's `mapping` says of each page. */
  planned(fn: AssignedFunction): { readonly bar: number; readonly page: number; readonly host: number }[] {
    return fn.mapping.flatMap((range) =>
      pagesIn(range.guest, range.length).map((page) => ({
        bar: range.bar,
        page,
        host: range.kind === 'direct' ? range.host + page - range.guest : TRAPS,
      })),
    );
  }

  /** The guest's map and what the functions say of it. */
  map(): string {
    const direct = sorted(this.host.direct);
    const { trappedPages } = this.dispatcher;
    return JSON.stringify({ direct, trappedPages, mapping: this.functions.map((fn) => fn.mapping) });
  }

  /** Everything a guest reads in configuration space, and where the BARs are. */
  registers(): string {
    return JSON.stringify(
      this.functions.map((fn) => ({
        dwords: Array.from({ length: 64 }, (_, index) => fn.config.read(4 * index, 4)),
        bars: fn.bars.map(({ address, hostAddress, enabled }) => [address, hostAddress, enabled]),
      })),
    );
  }

  /** The host byte that a guest's byte is, mapped directly or forwarded; undefined: none. */
  reach(address: number): { readonly host: number; readonly sbdf?: Sbdf } | undefined {
    const page = this.host.direct.get(pageOf(address));
    if (page !== undefined) return { host: page + (address % PAGE_SIZE) };
    this.host.takeTouches();
    this.dispatcher.read(address, 1);
    const [touch] = this.host.takeTouches();
    return touch && { host: touch.address, sbdf: touch.sbdf };
  }
}

const sorted = (map: ReadonlyMap<number, number>): [number, number][] => [...map].sort(([a], [b]) => a - b);

/** What a guest does to its functions. */
type Step =
  | { readonly do: 'decode'; readonly fn: number; readonly on: boolean; readonly width: number }
  | { readonly do: 'reset'; readonly fn: number }
  | {
      readonly do: 'move';
      readonly fn: number;
      readonly bar: number;
      readonly page: number;
      readonly slot: number;
      readonly high: boolean;
    }
  | {
      readonly do: 'write';
      readonly fn: number;
      readonly offset: number;
      readonly width: number;
      readonly value: number;
    };

/** Picks a function, a BAR or a byte of a register. */
const few = fc.nat(3);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('decode' as const),
      fn: few,
      on: fc.constantFrom(true, true, false),
      width: fc.constantFrom(1, 2, 4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), fn: few }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      fn: few,
      bar: few,
      page: fc.nat(31),
      slot: fc.oneof(fc.constant(0), fc.nat(255)),
      high: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ fn: few, slot: fc.nat(5), lane: few, width: fc.constantFrom(1, 2, 4), value: fc.nat() })
      .map(({ fn, slot, lane, width, value }) => ({
        do: 'write' as const,
        fn,
        offset: BAR(slot) + lane - (lane % width),
        width,
        value: value % 7 === 0 ? 0xffffffff : value,
      })),
  },
);

function carryOut(world: World, step: Step): void {
  const fn = world.fn(step.fn);
  if (step.do === 'decode') {
    world.decode(fn, step.on, step.width);
  } else if (step.do === 'reset') {
    world.reset(fn);
  } else if (step.do === 'write') {
    world.write(fn, step.offset, step.width, step.value);
  } else {
    const bars = memoryBars(fn);
    const bar = bars[step.bar % bars.length];
    // In its page as the host address is, so that Xen takes it; or anywhere in it.
    const inPage = (step.slot === 0 ? bar.hostAddress : step.slot * bar.size) % PAGE_SIZE;
    const base = bar.type === 'mem64' && step.high ? 0x38_0000_0000 : ARENA;
    const address = base + step.page * PAGE_SIZE + inPage;
    const was = world.decode(fn, false);
    world.place(fn, bar, address - (address % bar.size));
    if (was || step.high) world.decode(fn, true);
  }
}

const histories = (wishes: Wishes) =>
  fc.record({ functions: packed(wishes), history: fc.array(steps, { maxLength: 25 }) });

/** Decoding is on for all functions, then anything happens. */
function started(
  setting: Setting,
  functions: readonly FunctionDescription[],
  history: readonly Step[],
): World {
  const world = new World(setting, functions);
  for (const fn of world.functions) world.decode(fn, true);
  for (const step of history) carryOut(world, step);
  return world;
}

/** Function, BAR and offset of a guest's byte, as `locate` has it. */
function found(dispatcher: Dispatcher, address: number): [Sbdf, number, number] | undefined {
  const location = dispatcher.locate(address);
  return location && [location.fn.sbdf, location.bar.index, location.offset];
}

const pick = <T>(some: readonly T[], number: number): T => some[number % some.length];

describe("I1 the guest has the enabled BARs' pages mapped, but those that trap", () => {
  it.each(settings)('each to its host page: $name', (setting) => {
    always(histories({ domain: setting.domain, odd: true }), ({ functions, history }) => {
      const world = new World(setting, functions);
      const { host, dispatcher } = world;
      const seen = new Set<number>();
      const enabling = functions.map((_, fn) => ({ do: 'decode', fn, on: true, width: 2 }) as const);
      for (const step of [...enabling, ...history]) {
        carryOut(world, step);
        const { direct, trapping } = world.expected();
        const wanted = [...direct].map(([page, bar]) => [page, hostOf(bar, page)] as const);
        expect(sorted(host.direct)).toEqual(sorted(new Map(wanted)));
        expect(dispatcher.trappedPages).toBe(trapping.size);
        for (const page of [...direct.keys(), ...trapping]) seen.add(page);
      }
      const { trapping } = world.expected();
      for (const page of seen) {
        expect(dispatcher.read(page, 1) !== UNCLAIMED, `${page.toString(16)} traps`).toBe(trapping.has(page));
      }
    });
  });

  it.each(settings)('and `mapping` says so: $name', (setting) => {
    always(histories({ domain: setting.domain, odd: true }), ({ functions, history }) => {
      const world = started(setting, functions, history);
      const { direct, trapping } = world.expected();
      for (const fn of world.functions) {
        const wanted = memoryBars(fn)
          .filter(({ enabled }) => enabled)
          .flatMap((bar) => pagesOf(bar).map((page) => ({ bar, page })))
          .filter(({ bar, page }) => trapping.has(page) || direct.get(page) === bar)
          .map(({ bar, page }) => ({
            bar: bar.index,
            page,
            host: trapping.has(page) ? TRAPS : hostOf(bar, page),
          }));
        expect(world.planned(fn)).toEqual(wanted);
      }
    });
  });
});

describe('I2 enable, then disable, is the identity on the map', () => {
  it.each(settings)('whatever else is enabled: $name', (setting) => {
    always(
      fc.tuple(histories({ domain: setting.domain, odd: true }), few),
      ([{ functions, history }, number]) => {
        const world = started(setting, functions, history);
        const fn = world.fn(number);
        world.decode(fn, false);
        const before = [world.map(), world.registers()];
        world.decode(fn, true);
        world.decode(fn, false);
        expect([world.map(), world.registers()]).toEqual(before);
      },
    );
  });

  it.each(settings)('and so is disable, then enable: $name', (setting) => {
    always(fc.tuple(histories({ domain: setting.domain }), few), ([{ functions, history }, number]) => {
      const world = started(setting, functions, history);
      const fn = world.fn(number);
      if (!fn.decoding) return;
      const before = [world.map(), world.registers()];
      const pages = new Map(world.host.direct);
      const others = world.enabled.filter((bar) => !fn.bars.includes(bar)).flatMap(pagesOf);
      world.decode(fn, false);
      world.decode(fn, true);
      if (isStrict(setting)) {
        expect([world.map(), world.registers()]).toEqual(before);
        return;
      }
      // Xen: a page that another BAR shares is that BAR's meanwhile, and stays so.
      expect([...world.host.direct.keys()].sort()).toEqual([...pages.keys()].sort());
      for (const [page, host] of pages) {
        if (!others.includes(page)) expect(world.host.direct.get(page)).toBe(host);
      }
    });
  });

  it.each(settings)("of an enable that fails as well, but for xen's order of enabling: $name", (setting) => {
    const wishes = { domain: setting.domain, msix: true };
    always(fc.tuple(histories(wishes), few, few), ([{ functions, history }, number, page]) => {
      const world = started(setting, functions, history);
      const fn = world.fn(number);
      world.decode(fn, false);
      const before = [world.map(), world.registers()];
      const bars = memoryBars(fn);
      const holes = bars.flatMap((bar) => structurePages(fn, bar));
      // Past every address there is nothing to make a hole in.
      if (holes.length === 0) return;
      world.host.guestPages.set(pick(holes, page), 'other');
      expect(world.decode(fn, true)).toBe(false);
      if (setting.policy === policies.xen && bars.every(fits)) {
        // Xen: `enabled` is set before the hole is made, and left set.
        expect(bars.map(({ enabled }) => enabled)).toEqual(bars.map(() => true));
      } else {
        expect([world.map(), world.registers()]).toEqual(before);
      }
      world.host.guestPages.clear();
      world.decode(fn, true);
      world.decode(fn, false);
      expect([world.map(), world.registers()]).toEqual(before);
    });
  });
});

/** A write into one of the BAR registers. */
const registerWrites = fc.array(
  fc.record({
    slot: fc.nat(5),
    lane: few,
    width: fc.constantFrom(1, 2, 4),
    value: fc.oneof(fc.constantFrom(0, 0xffffffff), fc.nat()),
  }),
  { minLength: 1, maxLength: 12 },
);

/** BAR registers of a function by what they belong to. */
function slotsOf(fn: AssignedFunction, which: (bar: Bar) => boolean): number[] {
  return fn.bars
    .filter(which)
    .flatMap(({ index, type }) => (type === 'mem64' ? [index, index + 1] : [index]));
}

describe('I3 a write of an enabled BAR changes nothing', () => {
  it.each(settings)('neither map nor registers, nor anything at the host: $name', (setting) => {
    always(
      fc.tuple(histories({ domain: setting.domain, odd: true }), registerWrites),
      ([{ functions, history }, writes]) => {
        const world = started(setting, functions, history);
        for (const fn of world.functions) {
          world.decode(fn, true);
          const slots = slotsOf(fn, (bar) => bar.type !== 'io' && bar.enabled);
          if (slots.length === 0) continue;
          const before = [world.map(), world.registers()];
          world.host.take();
          for (const { slot, lane, width, value } of writes) {
            world.write(fn, BAR(pick(slots, slot)) + lane - (lane % width), width, value);
            expect([world.map(), world.registers()]).toEqual(before);
          }
          for (const bar of world.enabled.filter((one) => fn.bars.includes(one))) {
            expect(fn.moveBar(bar.index, ARENA)).toBe(false);
          }
          expect([world.map(), world.registers()]).toEqual(before);
          expect(world.host.take()).toEqual([]);
        }
      },
    );
  });

  it.each(settings)(
    'memory decoding does not hold an I/O BAR, and that is not in the map: $name',
    (setting) => {
      always(fc.tuple(packed({ domain: setting.domain }), fc.nat(0xff)), ([functions, place]) => {
        const world = started(setting, functions, []);
        const before = world.map();
        for (const fn of world.functions) {
          for (const bar of fn.bars.filter(({ type }) => type === 'io')) {
            const port = place * bar.size;
            world.write(fn, BAR(bar.index), 4, port);
            expect([bar.address, fn.config.read(BAR(bar.index), 4), world.map()]).toEqual([
              port,
              port | 1,
              before,
            ]);
          }
        }
      });
    },
  );
});

interface Sized {
  readonly bar: BarDescription;
  /** Bits of the register that tell the type. */
  readonly type: number;
}

function sized(type: 'mem32' | 'mem64' | 'io' | 'rom'): fc.Arbitrary<Sized> {
  const limits = { mem32: [4, 31, 32], mem64: [4, 51, 52], io: [2, 8, 16], rom: [11, 24, 32] } as const;
  const [least, most, width] = limits[type];
  return fc
    .record({
      bits: fc.integer({ min: least, max: most }),
      place: fc.maxSafeNat(),
      host: fc.maxSafeNat(),
      index: fc.nat(4),
      prefetchable: fc.boolean(),
    })
    .map(({ bits, place, host, index, prefetchable }) => {
      const size = 2 ** bits;
      const address = (place % 2 ** (width - bits)) * size;
      const hostPage = (host % 2 ** (52 - Math.max(bits, 12))) * Math.max(size, PAGE_SIZE);
      const memory = type === 'mem32' || type === 'mem64';
      const bar = {
        index: type === 'rom' ? 6 : index,
        type,
        size,
        address,
        enabled: false,
        prefetchable: memory && prefetchable,
        hostAddress: type === 'io' ? address : hostPage + (address % PAGE_SIZE),
      };
      return { bar, type: type === 'io' ? 1 : (type === 'mem64' ? 4 : 0) + (memory && prefetchable ? 8 : 0) };
    });
}

/** One function whose pages nobody counts: its BAR may have 2^51 bytes. */
function alone({ policy, domain }: Setting, { hostAddress, ...bar }: BarDescription) {
  const host = new MemoryHost();
  const dispatcher = createDispatcher({ host, policy, domain });
  const place = domain === 'guest' ? { hostAddress } : {};
  const fn = dispatcher.assign({ sbdf: 8, bars: [{ ...bar, ...place }] });
  return { dispatcher, fn, bar: fn.bars[0] };
}

describe('I4 sizing tells size and type, and leaves the address', () => {
  const drivers = fc.record({
    width: fc.constantFrom(1, 2, 4),
    highFirst: fc.boolean(),
    /** Both halves are written before one is read. */
    together: fc.boolean(),
    romEnable: fc.boolean(),
  });

  describe.each(['mem32', 'mem64', 'io', 'rom'] as const)('of a BAR of type %s', (type) => {
    it.each(type === 'rom' ? withRom : settings)('$name', (setting) => {
      always(fc.tuple(sized(type), drivers), ([{ bar: description, type: typeBits }, driver]) => {
        const { dispatcher, fn, bar } = alone(setting, description);
        const { address, hostAddress, size } = bar;
        const low = type === 'rom' ? ROM : BAR(bar.index);
        const registers = type === 'mem64' ? [low, low + 4] : [low];
        if (driver.highFirst) registers.reverse();
        const saved = new Map(registers.map((register) => [register, fn.config.read(register, 4)]));
        const writeOnes = (register: number) => {
          for (let at = 0; at < 4; at += driver.width) {
            const kept = type === 'rom' && at === 0 && !driver.romEnable ? 1 : 0;
            fn.config.write(register + at, driver.width, 2 ** (8 * driver.width) - 1 - kept);
          }
        };
        const read = new Map<number, number>();
        if (driver.together) registers.forEach(writeOnes);
        for (const register of registers) {
          if (!driver.together) writeOnes(register);
          read.set(register, fn.config.read(register, 4));
          if (!driver.together) fn.config.write(register, 4, saved.get(register) as number);
        }
        for (const [register, value] of saved) fn.config.write(register, 4, value);

        const mask = type === 'io' ? 3 : type === 'rom' ? 0x7ff : 15;
        const lower = read.get(low) as number;
        const upper = type === 'mem64' ? (read.get(low + 4) as number) : 0xffffffff;
        const all = (BigInt(upper) << 32n) | BigInt((lower & ~mask) >>> 0);
        expect(Number(2n ** 64n - all)).toBe(size);
        expect(lower & mask).toBe(type === 'rom' ? Number(driver.romEnable) : typeBits);

        for (const [register, value] of saved) expect(fn.config.read(register, 4)).toBe(value);
        expect([bar.address, bar.hostAddress]).toEqual([address, hostAddress]);
        if (type === 'io') return;
        if (type === 'rom') fn.config.write(ROM, 4, address + 1);
        fn.config.write(COMMAND, 2, MEMORY);
        for (const offset of [0, size - 1]) {
          expect(found(dispatcher, address + offset)).toEqual([8, bar.index, offset]);
        }
      });
    });
  });
});

describe('I5 a 64-bit BAR moves by its halves in any order', () => {
  /** The eight bytes of both registers, in pieces. */
  const pieces = fc
    .tuple(fc.constantFrom(1, 2, 4), fc.constantFrom(1, 2, 4))
    .map(([low, high]) => [
      ...Array.from({ length: 4 / low }, (_, index) => ({ at: index * low, width: low })),
      ...Array.from({ length: 4 / high }, (_, index) => ({ at: 4 + index * high, width: high })),
    ])
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

  it.each(settings)('and pieces, each of them seen at once: $name', (setting) => {
    always(
      fc.tuple(sized('mem64'), fc.maxSafeNat(), pieces),
      ([{ bar: description, type }, place, order]) => {
        const { dispatcher, fn, bar } = alone(setting, description);
        const { size, hostAddress } = bar;
        const page = Math.max(size, PAGE_SIZE);
        const target = (place % (ADDRESS_LIMIT / page)) * page + (bar.address % page);
        const register = BAR(bar.index);
        let now = BigInt(bar.address);
        for (const { at, width } of order) {
          const mask = (2n ** BigInt(8 * width) - 1n) << BigInt(8 * at);
          now = (now & ~mask) | (BigInt(target) & mask);
          fn.config.write(register + at, width, Number((BigInt(target) & mask) >> BigInt(8 * at)));
          expect([fn.config.read(register, 4), fn.config.read(register + 4, 4)]).toEqual([
            Number(now & 0xffffffffn) + type,
            Number(now >> 32n),
          ]);
          expect(fn.mapping).toEqual([]);
        }
        expect([bar.address, bar.hostAddress]).toEqual([
          target,
          setting.domain === 'hardware' ? target : hostAddress,
        ]);
        fn.config.write(COMMAND, 2, MEMORY);
        expect(found(dispatcher, target + size - 1)).toEqual([8, bar.index, size - 1]);
      },
    );
  });
});

describe('I6 COMMAND is written by one, two or four bytes', () => {
  // PCI 3.0 6.2.2, 6.2.3.
  const WRITABLE = 0x077f;
  const CLEARABLE = 0xf900;
  const writes = fc.array(
    fc.record({
      lane: few,
      width: fc.constantFrom(1, 1, 2, 4),
      value: fc.oneof(fc.constantFrom(0, 2, 6, 0xff, 0xffff, 0xffffffff, 0xf9000000), fc.nat()),
    }),
    { minLength: 1, maxLength: 20 },
  );

  it.each(settings)('by its bytes alone, with STATUS written 1 to clear: $name', (setting) => {
    always(fc.tuple(fc.nat(0xffff), writes), ([initial, history]) => {
      const config = new Uint8Array(256);
      let status = initial & (CLEARABLE | 0x20);
      new DataView(config.buffer).setUint16(6, status, true);
      const world = new World(setting, [
        { sbdf: 8, bars: [{ index: 0, type: 'mem32', address: ARENA, size: PAGE_SIZE }], config },
      ]);
      const { host } = world;
      const [fn] = world.functions;
      let command = 0;
      for (const { lane, width, value } of history) {
        const at = lane - (lane % width);
        host.take();
        world.write(fn, COMMAND + at, width, value);
        const mask = (2 ** (8 * width) - 1) * 2 ** (8 * at);
        const written = (value * 2 ** (8 * at)) % 2 ** 32;
        command = ((command & ~mask) | (written & mask)) & WRITABLE;
        status &= ~(((written & mask) >>> 16) & CLEARABLE);
        expect([fn.config.read(4, 4), fn.config.read(4, 2), fn.config.read(6, 2)]).toEqual([
          ((status << 16) | command) >>> 0,
          command,
          status,
        ]);
        expect([fn.config.read(4, 1), fn.config.read(5, 1)]).toEqual([command & 0xff, command >>> 8]);
        const on = (command & MEMORY) !== 0;
        expect([fn.decoding, host.direct.get(ARENA)]).toEqual([on, on ? ARENA : undefined]);
        const told = host.take().filter((call) => call.startsWith('config'));
        expect(told).toEqual(at < 2 ? [`config 8 4 ${command.toString(16)}`] : []);
      }
    });
  });
});

describe('I7 a page that BARs share keeps answering for those that stay enabled', () => {
  const small = (domain: 'guest' | 'hardware'): Wishes => ({
    domain,
    count: { min: 2, max: 4 },
    bits: fc.integer({ min: 5, max: 10 }),
    bars: 1,
  });
  const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });

  it.each(settings)('while the others go off and on: $name', (setting) => {
    always(
      fc.tuple(packed(small(setting.domain)), order, fc.array(few, { maxLength: 6 })),
      ([functions, enabling, toggles]) => {
        const world = new World(setting, functions);
        const { dispatcher, host } = world;
        for (const number of enabling) world.decode(world.fn(number), true);
        for (const number of [...toggles, ...enabling]) {
          const toggled = world.fn(number);
          expect(world.decode(toggled, !toggled.decoding)).toBe(toggled.bars[0].enabled);
          const on = world.functions.filter((fn) => fn.decoding);
          const [owner] = [
            ...on.filter((fn) => fn.msix).reverse(),
            ...on.filter((fn) => fn.bars[0] === world.enabled[0]),
          ];
          for (const fn of world.functions) {
            const [bar] = fn.bars;
            const step = Math.max(8, bar.size / 8);
            for (let address = bar.address; address < bar.address + bar.size; address += step) {
              const place = fn.decoding ? [fn.sbdf, bar.index, address - bar.address] : undefined;
              expect(found(dispatcher, address)).toEqual(place);
              const kind = dispatcher.locate(address)?.owner;
              const isStructure = kind === 'table' || kind === 'pba';
              if (isStructure && (isStrict(setting) || fn === owner)) {
                expect(dispatcher.read(address, 4)).not.toBe(UNCLAIMED);
              } else if (isStrict(setting) && !host.direct.has(pageOf(address))) {
                const own = { host: hostOf(bar, address), sbdf: fn.sbdf };
                expect(world.reach(address)).toEqual(fn.decoding ? own : undefined);
              } else if (!owner) {
                expect(world.reach(address)).toBe(undefined);
              } else if (fn.decoding || isStrict(setting)) {
                // Under Xen all of a page is the newest function's with MSI-X there, else the one enabled first.
                expect(world.reach(address)?.host).toBe(
                  pageOf(owner.bars[0].hostAddress) + (address % PAGE_SIZE),
                );
              }
            }
          }
        }
      },
    );
  });
});

describe('I8 no access reaches the host once its BAR is disabled', () => {
  const accesses = fc.array(
    fc.record({
      fn: few,
      bar: few,
      /** Where the BAR is now, or where it was at first. */
      moved: fc.boolean(),
      offset: fc.oneof(fc.integer({ min: -8, max: 0x200 }), fc.nat(0x10000)),
      width: fc.constantFrom<Width[]>(1, 2, 4, 8),
      writes: fc.boolean(),
    }),
    { minLength: 4, maxLength: 12 },
  );

  /** Host bytes of a function that an access of the guest's byte may reach. */
  function allowed(setting: Setting, fn: AssignedFunction, address: number): number[] {
    const bars = memoryBars(fn).filter((bar) => bar.enabled);
    if (isStrict(setting)) return bars.filter((bar) => has(bar, address)).map((bar) => hostOf(bar, address));
    // Xen: any byte of a page with table or PBA.
    return bars
      .filter((bar) => structurePages(fn, bar).includes(pageOf(address)))
      .map((bar) => hostOf(bar, address));
  }

  it.each(settings)('after any configuration cycles: $name', (setting) => {
    always(
      fc.tuple(histories({ domain: setting.domain, odd: true }), accesses),
      ([{ functions, history }, tries]) => {
        const world = started(setting, functions, []);
        const { host, dispatcher } = world;
        for (const step of history) {
          carryOut(world, step);
          host.takeTouches();
          for (const { fn: number, bar: which, moved, offset, width, writes } of tries) {
            const bars = memoryBars(world.fn(number));
            const bar = bars[which % bars.length];
            const first =
              functions[number % functions.length].bars.find(({ index }) => index === bar.index) ?? bar;
            const address = (moved ? bar : first).address + offset;
            if (writes) dispatcher.write(address, width, 1, 2);
            else dispatcher.read(address, width);
            for (const { sbdf, address: touched, width: wide } of host.takeTouches()) {
              const fn = world.functions.find((one) => one.sbdf === sbdf) as AssignedFunction;
              const bytes = Array.from({ length: width }, (_, index) =>
                allowed(setting, fn, address + index),
              ).flat();
              expect(bytes).toEqual(
                expect.arrayContaining(Array.from({ length: wide }, (_, at) => touched + at)),
              );
            }
          }
        }
        for (const fn of world.functions) dispatcher.deassign(fn.sbdf);
        expect([host.direct.size, host.mapped, dispatcher.trappedPages]).toEqual([0, 0, 0]);
      },
    );
  });

  it.each(settings)('nor while it is being disabled: $name', (setting) => {
    always(fc.tuple(packed({ domain: setting.domain, msix: true }), few), ([functions, number]) => {
      const world = started(setting, functions, []);
      const { host, dispatcher } = world;
      const fn = world.fn(number);
      const probe = () => {
        for (const bar of memoryBars(fn)) {
          for (let at = 0; at < bar.size; at += Math.max(16, bar.size / 64))
            dispatcher.read(bar.address + at, 4);
        }
      };
      probe();
      host.takeTouches();
      let calls = 0;
      host.during = (call) => {
        if (call === 'page') return;
        calls++;
        for (const bar of memoryBars(fn)) expect(bar.enabled).toBe(false);
        probe();
        expect(host.touches.filter(({ sbdf }) => sbdf === fn.sbdf)).toEqual([]);
      };
      world.decode(fn, false);
      expect(calls).toBeGreaterThan(0);
    });
  });

  it.each(settings)('nor what is left of an access that disables it: $name', (setting) => {
    const wishes = { domain: setting.domain, count: { min: 1, max: 1 }, bars: 1, msix: true };
    const ways = fc.record({ writes: fc.boolean(), mapped: fc.boolean() });
    always(fc.tuple(packed(wishes), fc.nat(), ways), ([functions, place, { writes, mapped }]) => {
      const world = started(setting, functions, []);
      const { host, dispatcher } = world;
      const [fn] = world.functions;
      const [bar] = fn.bars;
      const free = adjacent(world, fn, bar);
      if (free.length === 0) return;
      const address = pick(free, place) + 1;
      if (mapped) dispatcher.read(address, 1);
      host.takeTouches();
      host.during = (call) => {
        if (call === 'page') world.decode(fn, false);
      };
      if (writes) dispatcher.write(address, 4, 0);
      else dispatcher.read(address, 4);
      // Xen does not look at `enabled` again after the lookup.
      const touched = host.takeTouches().map(({ address: at }) => at);
      const bytes = isStrict(setting) ? [0] : [0, 1, 2, 3];
      expect(touched).toEqual(bytes.map((at) => hostOf(bar, address) + at));
    });
  });
});

/** Eight-byte cells beside table and PBA, on their pages. */
function adjacent(world: World, fn: AssignedFunction, bar: Bar): number[] {
  const cells: number[] = [];
  for (const page of new Set(structurePages(fn, bar))) {
    for (
      let cell = Math.max(page, bar.address);
      cell < Math.min(page + PAGE_SIZE, bar.address + bar.size);
      cell += 8
    ) {
      if (world.dispatcher.locate(cell)?.owner === 'adjacent') cells.push(cell);
    }
  }
  return cells;
}

describe('I9 after a BAR was toggled or moved, its adjacent bytes are those of its host page now', () => {
  const wishes = (domain: 'guest' | 'hardware'): Wishes => ({
    domain,
    count: { min: 1, max: 1 },
    bits: fc.integer({ min: 8, max: 15 }),
    bars: 1,
    msix: true,
  });
  const acts = fc.array(
    fc.oneof(
      fc.record({ do: fc.constantFrom('read' as const, 'write' as const), place: fc.nat() }),
      fc.record({ do: fc.constantFrom('off' as const, 'on' as const), place: fc.constant(0) }),
      fc.record({ do: fc.constantFrom('move' as const), place: fc.nat(63) }),
    ),
    { minLength: 4, maxLength: 30 },
  );

  it.each(settings)('mapped anew as the policy has it: $name', (setting) => {
    always(fc.tuple(packed(wishes(setting.domain)), acts), ([functions, history]) => {
      const world = started(setting, functions, []);
      const { host, dispatcher } = world;
      const [fn] = world.functions;
      const [bar] = fn.bars;
      /** The mapping of each host page in use. */
      const mappings = new Map<number, number>();
      let mapped = 0;
      for (const { do: act, place } of history) {
        const before = fn.decoding;
        if (act === 'move') {
          const step = Math.max(bar.size, PAGE_SIZE);
          world.place(fn, bar, ARENA + place * step + (bar.address % step));
        } else if (act === 'off' || act === 'on') {
          world.decode(fn, act === 'on');
          // Strict: when decoding goes off. Xen: when it goes on, hardware domain only.
          const drops = isStrict(setting)
            ? before && act === 'off'
            : setting.domain === 'hardware' && !before && act === 'on';
          if (drops) mappings.clear();
        } else if (fn.decoding) {
          const address = pick(adjacent(world, fn, bar), place);
          if (act === 'read') dispatcher.read(address, 4);
          else dispatcher.write(address, 8, 1, 2);
          const page = pageOf(hostOf(bar, address));
          const known = mappings.get(page);
          if (known === undefined) mappings.set(page, ++mapped);
          expect(host.takeTouches()).toEqual([
            {
              sbdf: fn.sbdf,
              mapping: mappings.get(page),
              address: hostOf(bar, address),
              width: act === 'read' ? 4 : 8,
            },
          ]);
        }
        expect(host.mapped).toBe(mappings.size);
        if (setting.domain === 'hardware') expect(bar.hostAddress).toBe(bar.address);
      }
    });
  });
});

describe('I10 a BAR whose page offset differs between guest and host', () => {
  // A guest domain's only: in the hardware domain the host address follows the guest's.
  const offsets = fc.array(fc.nat(), { minLength: 8, maxLength: 8 });

  interface Odd {
    readonly functions: readonly FunctionDescription[];
    /** Whose BAR is odd, and which. */
    readonly number: number;
    readonly index: number;
  }

  /** Only a BAR smaller than a page can differ. */
  const odd: fc.Arbitrary<Odd> = fc
    .tuple(packed({ domain: 'guest', bits: fc.integer({ min: 4, max: 11 }) }), fc.nat(), fc.nat())
    .map(([functions, which, place]) => {
      const number = which % functions.length;
      const { bars, ...rest } = functions[number];
      const bar = pick(
        bars.filter(({ type }) => type !== 'io'),
        place,
      );
      const host = bar.hostAddress ?? bar.address;
      const there = pageOf(host) + ((host + bar.size) % PAGE_SIZE);
      const changed = bars.map((one) => (one === bar ? { ...bar, hostAddress: there } : one));
      return {
        functions: functions.map((fn) => (fn === functions[number] ? { ...rest, bars: changed } : fn)),
        number,
        index: bar.index,
      };
    });

  function prepared(setting: Setting, { functions, number, index }: Odd, neighbours: boolean) {
    const world = new World(setting, functions);
    const fn = world.fn(number);
    const bar = fn.bars.find((one) => one.index === index) as Bar;
    for (const other of world.functions) if (neighbours && other !== fn) world.decode(other, true);
    return { world, fn, bar };
  }

  it.each(xens.filter(inGuest))('keeps decoding off, and nothing happens: $name', (setting) => {
    always(fc.tuple(odd, fc.boolean()), ([some, neighbours]) => {
      const { world, fn, bar } = prepared(setting, some, neighbours);
      const { host, dispatcher } = world;
      const before = [world.map(), world.registers()];
      host.take();
      expect(world.decode(fn, true)).toBe(false);
      expect([world.map(), world.registers()]).toEqual(before);
      expect(host.take()).toEqual([]);
      expect(dispatcher.counts['page-offset']).toBe(1);
      world.place(fn, bar, ARENA + 0x100_0000 + (bar.hostAddress % PAGE_SIZE));
      expect(world.decode(fn, true)).toBe(true);
      expect(found(dispatcher, bar.address)).toEqual([fn.sbdf, bar.index, 0]);
    });
  });

  it.each(xens.filter(inGuest))('keeps it off at assign too: $name', (setting) => {
    always(packed({ domain: 'guest', odd: true }), (functions) => {
      const world = new World(
        setting,
        functions.map((fn) => ({
          ...fn,
          decode: true,
          bars: fn.bars.map(({ enabled, ...bar }) => bar),
        })),
      );
      for (const fn of world.functions) {
        const on = memoryBars(fn).every(fits);
        expect(fn.decoding).toBe(on);
        for (const bar of memoryBars(fn)) expect(bar.enabled).toBe(on);
        if (!on) expect(fn.mapping).toEqual([]);
      }
    });
  });

  it.each(strict.filter(inGuest))("traps whole, and each byte is the host's: $name", (setting) => {
    always(fc.tuple(odd, fc.boolean(), offsets), ([some, neighbours, places]) => {
      const { world, fn, bar } = prepared(setting, some, neighbours);
      const { host, dispatcher } = world;
      expect(world.decode(fn, true)).toBe(true);
      for (const page of pagesOf(bar)) {
        expect(host.direct.has(page)).toBe(false);
        expect(dispatcher.read(page, 1)).not.toBe(UNCLAIMED);
      }
      host.takeTouches();
      const pages = pagesOf(bar).map((page) => page - pageOf(bar.address));
      const boundaries = pages.flatMap((at) => [
        at - (bar.address % PAGE_SIZE),
        at + PAGE_SIZE - (bar.hostAddress % PAGE_SIZE),
      ]);
      const edges = [0, bar.size - 4, ...boundaries.flatMap((at) => [at - 3, at])];
      for (const offset of [...edges, ...places.map((place) => place % bar.size)]) {
        const bytes = [0, 1, 2, 3].map((at) => bar.address + offset + at);
        const owners = bytes.map((address) => dispatcher.locate(address));
        if (owners.some((at) => at?.bar !== bar || at.owner === 'table' || at.owner === 'pba')) continue;
        dispatcher.read(bytes[0], 4);
        const touched = host
          .takeTouches()
          .flatMap(({ address, width }) => Array.from({ length: width }, (_, at) => address + at));
        expect(touched).toEqual(bytes.map((address) => hostOf(bar, address)));
      }
    });
  });
});

describe('I11 the expansion ROM', () => {
  const ROM_ARENA = 0xd000_0000;

  type Act =
    | { readonly do: 'memory'; readonly on: boolean }
    | { readonly do: 'rom'; readonly place: number; readonly enable: boolean }
    | { readonly do: 'piece'; readonly lane: number; readonly width: number; readonly value: number };

  const acts = fc.array(
    fc.oneof<fc.Arbitrary<Act>[]>(
      fc.record({ do: fc.constant('memory' as const), on: fc.boolean() }),
      fc.record({ do: fc.constant('rom' as const), place: fc.nat(255), enable: fc.boolean() }),
      fc.record({
        do: fc.constant('piece' as const),
        lane: few,
        width: fc.constantFrom(1, 2, 4),
        value: fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat()),
      }),
    ),
    { minLength: 1, maxLength: 30 },
  );

  const roms = fc.record({ bits: fc.integer({ min: 11, max: 16 }), elsewhere: fc.boolean() });

  it.each(withRom)(
    'is reached while both enable bits are set, and moves only while it is not: $name',
    (setting) => {
      always(fc.tuple(roms, acts), ([{ bits, elsewhere }, history]) => {
        const size = 2 ** bits;
        const moved = elsewhere && setting.domain === 'guest';
        const world = new World(setting, [
          {
            sbdf: 8,
            bars: [
              // Above 4 GiB, where no ROM comes.
              { index: 0, type: 'mem64', address: 0x38_0000_0000, size: PAGE_SIZE },
              {
                index: 6,
                type: 'rom',
                size,
                address: ROM_ARENA,
                ...(moved && { hostAddress: 0x10_0000_0000 }),
              },
            ],
          },
        ]);
        const { dispatcher } = world;
        const [fn] = world.functions;
        const [bar, rom] = fn.bars;
        const { hostAddress } = rom;
        const model = { memory: false, enable: false, address: ROM_ARENA };
        for (const act of history) {
          const before = model.address;
          if (act.do === 'memory') {
            world.decode(fn, act.on);
            model.memory = act.on;
          } else {
            const at = act.do === 'rom' ? 0 : act.lane - (act.lane % act.width);
            const width = act.do === 'rom' ? 4 : act.width;
            const value = act.do === 'rom' ? ROM_ARENA + act.place * size + Number(act.enable) : act.value;
            world.write(fn, ROM + at, width, value);
            const mask = BigInt(2 ** (8 * width) - 1) << BigInt(8 * at);
            const old = BigInt(model.address + Number(model.enable));
            const register = Number((old & ~mask) | ((BigInt(value) << BigInt(8 * at)) & mask));
            const enable = register % 2 === 1;
            if (!(model.memory && model.enable && enable)) {
              model.address = register - (register % size);
              model.enable = enable;
            }
          }
          const reached = model.memory && model.enable;
          expect(fn.config.read(ROM, 4)).toBe(model.address + Number(model.enable));
          expect([fn.decoding, bar.enabled, rom.enabled, rom.address]).toEqual([
            model.memory,
            model.memory,
            reached,
            model.address,
          ]);
          expect(rom.hostAddress).toBe(setting.domain === 'hardware' ? model.address : hostAddress);
          for (const offset of [0, size - 1]) {
            const wanted = reached ? [fn.sbdf, 6, offset] : undefined;
            expect(found(dispatcher, model.address + offset)).toEqual(wanted);
            if (before !== model.address) expect(found(dispatcher, before + offset)).toBe(undefined);
          }
        }
      });
    },
  );
});
