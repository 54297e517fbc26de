import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import { Inventory, SharedPageError } from '../../src/audit/inventory.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import type { FunctionDescription } from '../../src/function.js';
import type { Host } from '../../src/host.js';
import { policies } from '../../src/policy.js';
import { formatSbdf, parseSbdf } from '../../src/sbdf.js';
import { bar, example2, fn, machine } from './machines.js';

/** Hardware whose bytes say where they are, and that notes which bytes are accessed and which pages a guest is given. */
class Machine implements Host {
  readonly touched: { address: number; sbdf: number; write: boolean }[] = [];
  readonly mapped = new Map<number, number>();

  static byteAt(address: number): number {
    return (address * 7 + Math.floor(address / 256) * 13 + 5) & 0xff;
  }

  mapPage(page: number, sbdf: number) {
    const note = (offset: number, width: number, write: boolean) => {
      for (let byte = 0; byte < width; byte++)
        this.touched.push({ address: page + offset + byte, sbdf, write });
    };
    return {
      read: (offset: number, width: Width, high: Uint32Array) => {
        note(offset, width, false);
        const word = (at: number, bytes: number) =>
          Array.from({ length: bytes }, (_, index) => Machine.byteAt(page + at + index)).reduceRight(
            (sum, byte) => sum * 256 + byte,
            0,
          );
        if (width === 8) high[0] = word(offset + 4, 4);
        return word(offset, Math.min(width, 4));
      },
      write: (offset: number, width: Width) => note(offset, width, true),
    };
  }

  mapGuestPages(guest: number, host: number, length: number): void {
    for (let at = 0; at < length; at += 4096) this.mapped.set(guest + at, host + at);
  }

  unmapGuestPages(guest: number, length: number): void {
    for (let at = 0; at < length; at += 4096) this.mapped.delete(guest + at);
  }
}

const describeBars = (
  sbdf: string,
  bars: readonly [address: number, size: number][],
  more: Partial<FunctionDescription> = {},
): FunctionDescription => ({
  sbdf,
  decode: true,
  bars: bars.map(([address, size], index) => ({ index: 2 * index, type: 'mem64' as const, address, size })),
  ...more,
});

const description = (sbdf: string, more: Partial<FunctionDescription> = {}) => {
  const found = example2.functions.find((one) => one.sbdf === parseSbdf(sbdf));
  return describeBars(
    sbdf,
    (found?.bars ?? []).map(({ address, size }) => [address as number, size as number]),
    more,
  );
};

const all = example2.functions.map(({ sbdf }) => formatSbdf(sbdf));
const PAGE = 0x7050000000;

describe('example 2 of the small BARs thread, live', () => {
  const ownerAt = (offset: number) => (offset < 0x60 ? all[Math.floor(offset / 0x20)] : undefined);

  test('in one domain each byte of the page is answered by its function, what is behind them by nobody', () => {
    const host = new Machine();
    const dispatcher = createDispatcher({ host, inventory: new Inventory(example2) });
    for (const sbdf of all) dispatcher.assign(description(sbdf));
    for (let offset = 0; offset < 4096; offset++) {
      const owner = ownerAt(offset);
      host.touched.length = 0;
      expect(dispatcher.read(PAGE + offset, 1)).toBe(owner ? Machine.byteAt(PAGE + offset) : 0xff);
      dispatcher.write(PAGE + offset, 1, 0);
      const sbdf = owner && parseSbdf(owner);
      const expected = owner ? [false, true].map((write) => ({ address: PAGE + offset, sbdf, write })) : [];
      expect(host.touched).toEqual(expected);
    }
    expect(host.mapped.has(PAGE)).toBe(false);
    expect([...host.mapped.keys()].filter((page) => page >= 0x7040000000)).toHaveLength(2 ** 28 / 4096);
  });

  test.each(all)('%s alone in its guest: its own bytes and no others, in any width', (sbdf) => {
    const host = new Machine();
    const inventory = new Inventory(example2);
    const dispatcher = createDispatcher({ host, inventory });
    dispatcher.assign(description(sbdf));
    const own = (offset: number) => ownerAt(offset) === sbdf;
    for (const width of [1, 2, 4, 8] as const) {
      for (let offset = 0; offset < 4096; offset++) {
        host.touched.length = 0;
        const low = dispatcher.read(PAGE + offset, width);
        const { high } = dispatcher;
        dispatcher.write(PAGE + offset, width, 0, 0);
        expect(host.touched.every(({ address }) => own(address - PAGE))).toBe(true);
        if (sbdf === '0000:01:03.0') continue;
        for (let byte = 0; byte < width && offset + byte < 4096; byte++) {
          const value = (byte < 4 ? low >>> (8 * byte) : high >>> (8 * (byte - 4))) & 0xff;
          expect(value).toBe(own(offset + byte) ? Machine.byteAt(PAGE + offset + byte) : 0xff);
        }
      }
    }
    expect(host.mapped.has(PAGE)).toBe(false);
  });

  test('a function of the page is refused to a second guest, with its peers and the plan', () => {
    const inventory = new Inventory(example2);
    const first = createDispatcher({ host: new Machine(), inventory });
    const second = createDispatcher({ host: new Machine(), inventory });
    first.assign(description('01:00.0'));
    first.assign(description('01:02.0'));
    let error: unknown;
    try {
      second.assign(description('01:01.0'));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SharedPageError);
    expect(error).toMatchObject({
      code: 'shared-page',
      message:
        'assign: function 0000:01:01.0 shares page 0x7050000000-0x7050000fff with 0000:01:00.0, 0x7050000000-0x7050000fff with 0000:01:02.0 of another dispatcher: assign them to one, or each with trapOnly, or accept what they see of each other with shareUnsafe',
      peers: [
        { sbdf: parseSbdf('01:00.0'), pages: [{ start: PAGE, end: PAGE + 4096 }] },
        { sbdf: parseSbdf('01:02.0'), pages: [{ start: PAGE, end: PAGE + 4096 }] },
      ],
      plan: { option: 'pci=resource_alignment=12@01:00.0;12@01:01.0;12@01:02.0' },
    });
    expect(second.functions).toEqual([]);
    expect(second.read(PAGE + 0x20, 4)).toBe(-1);
    second.assign(description('01:03.0'));
    first.assign(description('01:01.0'));
  });

  test('with trapOnly each guest has its own bytes', () => {
    const inventory = new Inventory(example2);
    const hosts = all.map(() => new Machine());
    const dispatchers = all.map((sbdf, index) => {
      const dispatcher = createDispatcher({ host: hosts[index], inventory });
      dispatcher.assign(description(sbdf, { trapOnly: true }));
      return dispatcher;
    });
    dispatchers.slice(0, 3).forEach((dispatcher, index) => {
      for (let offset = 0; offset < 0x80; offset++) {
        const own = Math.floor(offset / 0x20) === index;
        expect(dispatcher.read(PAGE + offset, 1)).toBe(own ? Machine.byteAt(PAGE + offset) : 0xff);
      }
    });
    for (const host of hosts) expect(host.mapped.has(PAGE)).toBe(false);
  });

  test('with shareUnsafe the page is mapped, whoever is on it', () => {
    const inventory = new Inventory(example2);
    const hosts = [new Machine(), new Machine()];
    const [first, second] = hosts.map((host) => createDispatcher({ host, inventory }));
    first.assign(description('01:00.0', { shareUnsafe: true }));
    second.assign(description('01:01.0', { shareUnsafe: true }));
    expect(hosts.map(({ mapped }) => mapped.get(PAGE))).toEqual([PAGE, PAGE]);
  });
});

describe('an inventory that knows only what is assigned', () => {
  const small = (sbdf: string, address: number, more: Partial<FunctionDescription> = {}) =>
    describeBars(sbdf, [[address, 256]], more);
  const codeOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return (error as SharedPageError).code;
    }
    return undefined;
  };
  const pair = (policy = policies.strict) => {
    const inventory = new Inventory();
    const hosts = [new Machine(), new Machine()];
    return { hosts, dispatchers: hosts.map((host) => createDispatcher({ host, inventory, policy })) };
  };

  test('a page that a guest has mapped is refused to another, trapOnly or not', () => {
    const { hosts, dispatchers } = pair();
    dispatchers[0].assign(small('01:00.0', 0x80000000));
    expect(hosts[0].mapped.get(0x80000000)).toBe(0x80000000);
    expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100)))).toBe('shared-page');
    expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100, { trapOnly: true })))).toBe(
      'shared-page',
    );
    expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80001000)))).toBeUndefined();
  });

  test('one that both trap is not', () => {
    const { dispatchers } = pair();
    dispatchers[0].assign(small('01:00.0', 0x80000000, { trapOnly: true }));
    expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100)))).toBe('shared-page');
    expect(
      codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100, { trapOnly: true }))),
    ).toBeUndefined();
  });

  test('a function is one dispatcher’s at a time', () => {
    const { dispatchers } = pair();
    dispatchers[0].assign(small('01:00.0', 0x80000000));
    expect(codeOf(() => dispatchers[1].assign(small('01:00.0', 0x80000000)))).toBe('duplicate-function');
    dispatchers[0].deassign('01:00.0');
    expect(codeOf(() => dispatchers[1].assign(small('01:00.0', 0x80000000)))).toBeUndefined();
  });

  test('one that was refused leaves nothing behind', () => {
    const { dispatchers } = pair();
    dispatchers[0].assign(small('01:00.0', 0x80000000));
    codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100)));
    dispatchers[0].deassign('01:00.0');
    expect(codeOf(() => dispatchers[1].assign(small('01:00.0', 0x80000000)))).toBeUndefined();
  });

  test('what a guest gave back is still there: its page is trapped for the next', () => {
    const { hosts, dispatchers } = pair();
    dispatchers[0].assign(small('01:00.0', 0x80000000));
    dispatchers[0].deassign('01:00.0');
    dispatchers[1].assign(small('02:00.0', 0x80000100));
    expect(hosts[1].mapped.size).toBe(0);
    expect(dispatchers[1].read(0x80000000, 1)).toBe(0xff);
    expect(dispatchers[1].read(0x80000100, 1)).toBe(Machine.byteAt(0x80000100));
  });

  test('host addresses count, not those of the guest', () => {
    const { dispatchers } = pair();
    const at = (sbdf: string, address: number, hostAddress: number): FunctionDescription => ({
      sbdf,
      decode: true,
      bars: [{ index: 0, type: 'mem32', address, size: 256, hostAddress }],
    });
    dispatchers[0].assign(at('01:00.0', 0x10000000, 0x80000000));
    expect(codeOf(() => dispatchers[1].assign(at('02:00.0', 0x10000100, 0x90000100)))).toBeUndefined();
    expect(codeOf(() => dispatchers[1].assign(at('03:00.0', 0x20000000, 0x80000100)))).toBe('shared-page');
  });

  test('software functions have no hardware to share', () => {
    const { dispatchers } = pair();
    dispatchers[0].assign(small('01:00.0', 0x80000000));
    const software = { send: () => {} };
    expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100, { software })))).toBeUndefined();
  });

  test.each([policies.xen, policies.xenV3])(
    '$name forwards whole pages: refused, and trapOnly is no way',
    (policy) => {
      const { dispatchers } = pair(policy);
      dispatchers[0].assign(small('01:00.0', 0x80000000));
      expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100)))).toBe('shared-page');
      expect(codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100, { trapOnly: true })))).toBe(
        'bad-argument',
      );
      expect(
        codeOf(() => dispatchers[1].assign(small('02:00.0', 0x80000100, { shareUnsafe: true }))),
      ).toBeUndefined();
    },
  );
});

test('a physical BAR that is moved onto another guest’s page stays off until it is moved away', () => {
  const inventory = new Inventory();
  const guest = createDispatcher({ host: new Machine(), inventory });
  const host = new Machine();
  const hardware = createDispatcher({ host, inventory, domain: 'hardware' });
  guest.assign(describeBars('01:00.0', [[0x80000000, 256]]));
  const moved = hardware.assign(describeBars('02:00.0', [[0x90000000, 256]]));
  moved.setDecode(false);
  moved.moveBar(0, 0x80000100);
  expect(moved.setDecode(true)).toBe('fail');
  expect(hardware.counts['shared-page']).toBe(1);
  moved.moveBar(0, 0x90000100);
  expect(moved.setDecode(true)).toBe('okay');
  expect([...host.mapped]).toEqual([[0x90000000, 0x90000000]]);
});

test('a snapshot in which it is there leaves it off, and reports it', () => {
  const inventory = new Inventory();
  const guest = createDispatcher({ host: new Machine(), inventory });
  const hardware = createDispatcher({ host: new Machine(), inventory, domain: 'hardware' });
  const moved = hardware.assign(describeBars('02:00.0', [[0x80000100, 256]]));
  const snapshot = hardware.save();
  moved.setDecode(false);
  moved.moveBar(0, 0x90000000);
  guest.assign(describeBars('01:00.0', [[0x80000000, 256]]));
  hardware.restore(snapshot);
  expect([moved.bars[0].address, moved.decoding, hardware.counts['shared-page']]).toEqual([
    0x80000100,
    false,
    1,
  ]);
  expect(hardware.read(0x80000100, 4)).toBe(UNCLAIMED);
});

test('what is no PCI function keeps its bytes too', () => {
  const memory = [{ start: 0x80000800, end: 0x80000900, name: 'HPET 0', depth: 0 }];
  const host = new Machine();
  const inventory = new Inventory(machine([fn('01:00.0', [bar(0, 0x80000000, 256)])], { memory }));
  const dispatcher = createDispatcher({ host, inventory });
  dispatcher.assign(describeBars('01:00.0', [[0x80000000, 256]]));
  expect(host.mapped.size).toBe(0);
  expect(dispatcher.read(0x80000800, 4)).toBe(0xffffffff);
});

test('random machines split among guests: no guest touches, or is given, a byte of a function that it does not have', () => {
  const place = fc.record({
    page: fc.nat(3),
    slot: fc.nat(15),
    size: fc.constantFrom(16, 64, 256, 1024, 4096),
  });
  const width = fc.constantFrom<Width>(1, 2, 4, 8);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.array(place, { minLength: 1, maxLength: 2 }), fc.nat(2), fc.boolean()), {
        minLength: 2,
        maxLength: 8,
      }),
      fc.array(fc.tuple(fc.nat(2), fc.nat(4 * 4096 - 1), width, fc.boolean()), { maxLength: 200 }),
      (functions, accesses) => {
        const used: { start: number; end: number }[] = [];
        const listed = functions.map(([places, user, trapOnly], index) => {
          const bars = places.flatMap(({ page, slot, size }): [number, number][] => {
            const start = 0x80000000 + page * 4096 + ((slot * size) % 4096);
            if (used.some((other) => other.start < start + size && start < other.end)) return [];
            used.push({ start, end: start + size });
            return [[start, size]];
          });
          return { sbdf: formatSbdf(index * 8), bars, user, trapOnly };
        });
        const inventory = new Inventory(
          machine(
            listed.map(({ sbdf, bars }) =>
              fn(
                sbdf,
                bars.map(([at, size], index) => bar(2 * index, at, size)),
              ),
            ),
          ),
        );
        const hosts = [0, 1, 2].map(() => new Machine());
        const dispatchers: Dispatcher[] = hosts.map((host) => createDispatcher({ host, inventory }));
        const ranges = hosts.map((): { start: number; end: number }[] => []);
        for (const { sbdf, bars, user, trapOnly } of listed) {
          try {
            dispatchers[user].assign(describeBars(sbdf, bars, { trapOnly }));
            ranges[user].push(...bars.map(([start, size]) => ({ start, end: start + size })));
          } catch (error) {
            expect(error).toBeInstanceOf(SharedPageError);
          }
        }
        const owns = (user: number, address: number) =>
          ranges[user].some(({ start, end }) => address >= start && address < end);
        const foreign = (user: number, address: number) =>
          !owns(user, address) && used.some(({ start, end }) => address >= start && address < end);
        for (const [user, offset, size, write] of accesses) {
          if (write) dispatchers[user].write(0x80000000 + offset, size, 0);
          else dispatchers[user].read(0x80000000 + offset, size);
        }
        hosts.forEach((host, user) => {
          expect(host.touched.filter(({ address }) => !owns(user, address))).toEqual([]);
          for (const page of host.mapped.values()) {
            for (let byte = 0; byte < 4096; byte += 16) expect(foreign(user, page + byte)).toBe(false);
          }
        });
      },
    ),
  );
});
