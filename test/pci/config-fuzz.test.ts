import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDRESS_LIMIT, PAGE_SIZE, UNCLAIMED } from '../../src/access.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import type { AssignedFunction, FunctionDescription } from '../../src/function.js';
import type { Bar, GuestMapping, Host, HostPage } from '../../src/host.js';
import { type Policy, policies } from '../../src/policy.js';
import type { Sbdf } from '../../src/sbdf.js';

const RUNS = Number(process.env.RUNS ?? 50);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`configuration cycles: SEED=${SEED} RUNS=${RUNS}`);

const BASE = 0xf000_0000;
const HOST = 0x10_0000_0000;

/** Two functions whose BARs a guest can put onto one another and into one page. */
const functions = (domain: 'guest' | 'hardware'): FunctionDescription[] => {
  const host = (address: number) => (domain === 'guest' ? address + HOST : address);
  const bar = (index: number, type: 'mem32' | 'mem64' | 'rom', address: number, size: number) => ({
    index,
    type,
    address,
    size,
    hostAddress: host(address),
    enabled: false,
  });
  return [
    {
      sbdf: 8,
      bars: [
        bar(0, 'mem64', BASE, 0x4000),
        bar(2, 'mem32', BASE + 0x8000, 0x200),
        bar(6, 'rom', BASE + 0x1_0000, 0x1000),
      ],
      msix: { count: 40, table: { bir: 0, offset: 0x1f80 }, pba: { bir: 2, offset: 0x80 } },
    },
    {
      sbdf: 16,
      bars: [bar(0, 'mem32', BASE + 0x8400, 0x400), bar(1, 'mem32', BASE + 0xa000, 0x1000)],
      msix: { count: 2, table: { bir: 1, offset: 0x100 }, pba: { bir: 1, offset: 0x200 } },
    },
  ];
};

/** A guest's memory map, kept by what the dispatcher says; when told to, it refuses what is to be enabled. */
class GuestMap implements Host {
  readonly direct = new Map<number, number>();
  /** Function and host page: two functions on one page have it mapped each. */
  readonly mapped = new Set<string>();
  readonly occupied = new Set<number>();
  /** The next mapping is refused, if a function is being enabled. */
  refuses = false;
  enabling = false;

  mapPage(address: number, sbdf: Sbdf): HostPage {
    const page = `${sbdf} ${address}`;
    expect(this.mapped.has(page), 'mapped twice').toBe(false);
    this.mapped.add(page);
    return new Uint8Array(PAGE_SIZE);
  }

  unmapPage(address: number, sbdf: Sbdf): void {
    expect(this.mapped.delete(`${sbdf} ${address}`)).toBe(true);
  }

  guestMapping(page: number): GuestMapping {
    return this.occupied.has(page) ? 'other' : 'none';
  }

  mapGuestPages(guest: number, host: number, length: number): void {
    if (this.refuses && this.enabling) {
      this.refuses = false;
      throw new Error('refused');
    }
    for (let at = 0; at < length; at += PAGE_SIZE) {
      expect(this.direct.has(guest + at), 'mapped twice').toBe(false);
      this.direct.set(guest + at, host + at);
    }
  }

  unmapGuestPages(guest: number, length: number): void {
    for (let at = 0; at < length; at += PAGE_SIZE) {
      expect(this.direct.delete(guest + at), 'unmapped without need').toBe(true);
    }
  }
}

type Step =
  | {
      readonly do: 'config';
      readonly fn: number;
      readonly offset: number;
      readonly width: number;
      readonly value: number;
    }
  | { readonly do: 'read' | 'write'; readonly address: number; readonly width: 1 | 2 | 4 | 8 }
  | { readonly do: 'refuse' | 'free' | 'restore' }
  | { readonly do: 'occupy'; readonly page: number }
  | { readonly do: 'reset'; readonly fn: number };

const registers = fc.constantFrom(0x04, 0x10, 0x14, 0x18, 0x30, 0x60, 0x62);
const values = fc.oneof(
  fc.constantFrom(0, 2, 6, 0xffffffff, 0x8000, 0xc000, 0x4000, 0x8000_0000, 1),
  fc.integer({ min: 0, max: 0x1ff }).map((grain) => BASE + grain * 0x100),
  fc.integer({ min: 0, max: 0x1ff }).map((grain) => BASE + grain * 0x100 + 1),
);
const addresses = fc.integer({ min: 0, max: 0x1_1000 }).map((offset) => BASE + offset);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('config' as const),
      fn: fc.nat(1),
      offset: registers,
      width: fc.constantFrom(1, 2, 4),
      value: values,
    }),
  },
  {
    // A decode switch, so that most histories have something enabled.
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('config' as const),
      fn: fc.nat(1),
      offset: fc.constant(4),
      width: fc.constant(2),
      value: fc.constantFrom(0, 2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('read' as const, 'write' as const),
      address: addresses,
      width: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('occupy' as const),
      page: fc.integer({ min: 0, max: 17 }).map((page) => BASE + page * PAGE_SIZE),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('refuse' as const, 'free' as const, 'restore' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), fn: fc.nat(1) }) },
);

function carryOut(
  step: Step,
  dispatcher: Dispatcher,
  assigned: readonly AssignedFunction[],
  host: GuestMap,
): void {
  switch (step.do) {
    case 'config':
      host.enabling = !assigned[step.fn].decoding;
      assigned[step.fn].config.write(step.offset, step.width, step.value);
      host.enabling = false;
      return;
    case 'read':
      dispatcher.read(step.address, step.width);
      return;
    case 'write':
      dispatcher.write(step.address, step.width, 0x12345678, 0x9abcdef0);
      return;
    case 'restore':
      host.enabling = true;
      dispatcher.restore(JSON.parse(JSON.stringify(dispatcher.save())));
      host.enabling = false;
      return;
    case 'refuse':
      host.refuses = true;
      return;
    case 'occupy':
      host.occupied.add(step.page);
      return;
    case 'free':
      host.occupied.clear();
      host.refuses = false;
      return;
    default:
      assigned[step.fn].reset();
  }
}

interface PageView {
  /** BARs with bytes on the page. */
  readonly bars: readonly Bar[];
  /** Some of table or PBA of an enabled BAR lies on it. */
  readonly structure: boolean;
}

/** Page by page, from nothing but what the functions show: enabled BARs, addresses, MSI-X layouts. */
function pagesNow(assigned: readonly AssignedFunction[]): Map<number, PageView> {
  const pages = new Map<number, { bars: Bar[]; structure: boolean }>();
  const at = (page: number) => {
    const view = pages.get(page) ?? { bars: [], structure: false };
    pages.set(page, view);
    return view;
  };
  for (const fn of assigned) {
    for (const bar of fn.bars.filter(({ enabled, address }) => enabled && address < ADDRESS_LIMIT)) {
      for (let byte = bar.address; byte < bar.address + bar.size; byte += 16) {
        const view = at(byte - (byte % PAGE_SIZE));
        if (view.bars.at(-1) !== bar) view.bars.push(bar);
      }
      const { msix } = fn;
      if (!msix) continue;
      for (const [{ bir, offset }, length] of [
        [msix.table, 16 * msix.count],
        [msix.pba, 8 * Math.ceil(msix.count / 64)],
      ] as const) {
        if (bir !== bar.index) continue;
        for (let byte = bar.address + offset; byte < bar.address + offset + length; byte += 8) {
          at(byte - (byte % PAGE_SIZE)).structure = true;
        }
      }
    }
  }
  return pages;
}

/** Policy strict: by its page offset, and a ROM never. */
const isMappable = ({ type, address, hostAddress }: Bar): boolean =>
  type !== 'rom' && (address - hostAddress) % PAGE_SIZE === 0;

function check(
  policy: Policy,
  dispatcher: Dispatcher,
  assigned: readonly AssignedFunction[],
  host: GuestMap,
): void {
  const strict = policy === policies.strict;
  const direct: number[] = [];
  for (const [page, { bars, structure }] of pagesNow(assigned)) {
    const traps = structure || (strict && (bars.length > 1 || !bars.every(isMappable)));
    const hosts = bars.map((bar) => bar.hostAddress - bar.address + page);
    if (traps) {
      expect(dispatcher.read(page, 1), `page ${page.toString(16)} traps`).not.toBe(UNCLAIMED);
      continue;
    }
    expect(dispatcher.read(page, 1), `page ${page.toString(16)} does not trap`).toBe(UNCLAIMED);
    expect(hosts, `page ${page.toString(16)}`).toContain(host.direct.get(page));
    direct.push(page);
  }
  expect([...host.direct.keys()].sort((a, b) => a - b)).toEqual(direct.sort((a, b) => a - b));

  for (const fn of assigned) {
    expect((fn.config.read(4, 2) & 2) !== 0).toBe(fn.decoding);
    const planned = fn.mapping.filter((range) => range.kind === 'direct');
    for (const range of planned) expect(host.direct.get(range.guest)).toBe(range.host);
    for (const bar of fn.bars.filter(({ index }) => index < 6)) {
      const low = fn.config.read(0x10 + 4 * bar.index, 4);
      const high = bar.type === 'mem64' ? fn.config.read(0x14 + 4 * bar.index, 4) : 0;
      expect(high * 2 ** 32 + ((low & ~15) >>> 0)).toBe(bar.address);
      expect(bar.address % bar.size).toBe(0);
    }
    // Nothing is enabled while decoding is off; Xen leaves BARs enabled when the hole cannot be made.
    if (strict && !fn.decoding) expect(fn.bars.some(({ enabled }) => enabled)).toBe(false);
  }
  if (strict) {
    const enabled = assigned.flatMap((fn) => fn.bars).filter((bar) => bar.enabled);
    for (const [index, bar] of enabled.entries()) {
      for (const other of enabled.slice(index + 1)) {
        expect(bar.address + bar.size <= other.address || other.address + other.size <= bar.address).toBe(
          true,
        );
      }
    }
  }
}

describe.each(
  [policies.strict, policies.xen, policies.xenV3].map((policy) => [policy.name, policy] as const),
)('%s: after any configuration cycles, accesses and host failures', (_name, policy) => {
  it.each(['guest', 'hardware'] as const)(
    'the guest map of a %s domain is what a fresh computation gives',
    (domain) => {
      const property = fc.property(fc.array(steps, { minLength: 1, maxLength: 60 }), (history) => {
        const host = new GuestMap();
        const unexpected: unknown[] = [];
        const onError = (error: unknown) => {
          if ((error as Error).message !== 'refused') unexpected.push(error);
        };
        const dispatcher = createDispatcher({ host, policy, domain, onError });
        const assigned = functions(domain).map((description) => dispatcher.assign(description));
        for (const step of history) {
          carryOut(step, dispatcher, assigned, host);
          check(policy, dispatcher, assigned, host);
          expect(unexpected).toEqual([]);
        }
        for (const fn of assigned) dispatcher.deassign(fn.sbdf);
        expect([host.direct.size, host.mapped.size, dispatcher.trappedPages]).toEqual([0, 0, 0]);
      });
      fc.assert(property, { seed: SEED, numRuns: RUNS });
    },
  );
});
