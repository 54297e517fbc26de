import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { audit, hasFinding } from '../../src/audit/audit.js';
import { plan } from '../../src/audit/plan.js';
import { pagesAround } from '../../src/audit/ranges.js';
import { resourcesOf } from '../../src/audit/resource.js';
import type { BridgeWindow, InventoryFunction, Machine } from '../../src/inventory/machine.js';
import { overlap } from '../../src/regions/address-range.js';
import { formatSbdf, parseSbdf } from '../../src/sbdf.js';
import { bar, example1, example2, fn, machine, wide } from './machines.js';

const moves = (subject: Machine, pageSize = 4096) =>
  plan(subject, pageSize).moves.map(
    ({ sbdf, index, from, to }) => `${formatSbdf(sbdf)} ${index} ${from.toString(16)} -> ${to.toString(16)}`,
  );

/** A bridge to bus 1 with these windows. */
const bridge = (...windows: BridgeWindow[]) =>
  fn('00:01.0', [], { bridge: { secondary: 1, subordinate: 1, windows } });

const window = (start: number, end: number, prefetchable = false) => ({ start, end, prefetchable });

describe('the two machines of the small BARs thread', () => {
  test('example 1: the BAR at the start of the page stays, the others go behind it, the larger first', () => {
    expect(moves(example1)).toEqual([
      '0000:01:00.0 0 d1924600 -> d1926000',
      '0000:01:00.0 1 d1924400 -> d1925000',
    ]);
    const { option, assumed, unplaced, left, sideEffects } = plan(example1, 4096);
    expect(option).toBe('pci=resource_alignment=12@01:00.0');
    expect(assumed).toEqual([{ start: 0xd1800000, end: 0xd1a00000 }]);
    expect(unplaced).toEqual([]);
    expect(left.filter(({ severity }) => severity !== 'info').map(({ what }) => what)).toEqual([
      '0000:01:00.0: the MSI-X table and PBA overlap',
    ]);
    expect(sideEffects[0]).toMatch(
      /4096 bytes.*: 0000:01:00.0 BAR 2, 0000:01:00.0 BAR 1, 0000:01:00.0 BAR 0$/,
    );
    expect(sideEffects.join()).toMatch(/pcitest/);
    expect(sideEffects.join()).not.toMatch(/semicolons/);
  });

  test('example 2: four that can go alone', () => {
    expect(moves(example2)).toEqual([
      '0000:01:01.0 2 7050000020 -> 7050001000',
      '0000:01:02.0 2 7050000040 -> 7050002000',
    ]);
    const result = audit(example2);
    expect(result.plan.option).toBe('pci=resource_alignment=12@01:00.0;12@01:01.0;12@01:02.0');
    expect(result.plan.left.filter(({ severity }) => severity !== 'info')).toEqual([]);
    const names = (groups: typeof result.groups) => groups.map(({ functions }) => functions.map(formatSbdf));
    expect(names(result.groups)).toEqual([
      ['0000:01:00.0', '0000:01:01.0', '0000:01:02.0'],
      ['0000:01:03.0'],
    ]);
    expect(names(result.groupsAfter)).toEqual([
      ['0000:01:00.0'],
      ['0000:01:01.0'],
      ['0000:01:02.0'],
      ['0000:01:03.0'],
    ]);
    expect([hasFinding(result, 'high'), hasFinding(result, 'warning')]).toEqual([true, true]);
  });

  test('resource_alignment=all would have moved the same BARs and left their sizes', () => {
    const { alignAll } = plan(example2, 4096);
    expect(alignAll).toMatchObject({ moved: 2, functions: 2 });
    expect(alignAll.left.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });
});

test('a BAR at the start of a page moves away from what is no PCI function; resource_alignment=all would not have', () => {
  const memory = [{ start: 0x80000800, end: 0x80000900, name: 'HPET 0', depth: 0 }];
  const subject = machine([fn('01:00.0', [bar(0, 0x80000000, 256)])], { memory });
  expect(moves(subject)).toEqual(['0000:01:00.0 0 80000000 -> 80001000']);
  const { left, alignAll } = plan(subject, 4096);
  expect(left.map(({ code }) => code)).not.toContain('F7');
  expect(alignAll.moved).toBe(0);
  expect(alignAll.left.map(({ code }) => code)).toContain('F7');
});

describe('where there is room', () => {
  const pair = (...more: InventoryFunction[]) =>
    machine([fn('01:00.0', [bar(0, 0x80000000, 256)]), fn('01:01.0', [bar(0, 0x80000100, 256)]), ...more]);

  test('behind the bridge, in the window that it is in', () => {
    expect(moves(pair(bridge(window(0x80000000, 0x80100000))))).toEqual([
      '0000:01:01.0 0 80000100 -> 80001000',
    ]);
  });

  test('not on pages of others, nor of what is no PCI function, nor of what is behind another bridge', () => {
    const subject = pair(
      bridge(window(0x80000000, 0x80100000)),
      fn('01:02.0', [bar(0, 0x80001000, 0x1000), bar(1, 0x80003f00, 0x100)]),
      fn('01:03.0', [], {
        bridge: { secondary: 2, subordinate: 2, windows: [window(0x80004000, 0x80005000)] },
      }),
    );
    const memory = [{ start: 0x80002800, end: 0x80002900, name: 'HPET 0', depth: 0 }];
    expect(moves({ ...subject, memory })).toEqual([
      '0000:01:01.0 0 80000100 -> 80003000',
      '0000:01:02.0 1 80003f00 -> 80005000',
    ]);
  });

  test('in another window when its own is full', () => {
    const full = fn('01:02.0', [bar(0, 0x80001000, 0x1000)]);
    const windows = [window(0x80000000, 0x80002000), window(0x90000000, 0x90100000)];
    expect(moves(pair(bridge(...windows), full))).toEqual(['0000:01:01.0 0 80000100 -> 90000000']);
  });

  test('a prefetchable window takes prefetchable memory only, and above 4 GiB only 64-bit BARs', () => {
    const small = (more: object) =>
      machine([
        bridge(window(0x80000000, 0x80001000), window(0x9000000000, 0x9000100000, true)),
        fn('01:00.0', [bar(0, 0x80000000, 256), bar(2, 0x80000100, 256, more)]),
      ]);
    expect(moves(small({ type: 'mem64' }))).toEqual([]);
    expect(moves(small({ prefetchable: true }))).toEqual([]);
    expect(moves(small(wide))).toEqual(['0000:01:00.0 2 80000100 -> 9000000000']);
  });

  test('a page of 64 KiB each where pages are so large', () => {
    const subject = pair(bridge(window(0x80000000, 0x80100000)));
    expect(moves(subject, 65536)).toEqual(['0000:01:01.0 0 80000100 -> 80010000']);
    expect(plan(subject, 65536).option).toBe('pci=resource_alignment=16@01:00.0;16@01:01.0');
  });

  test('a window that /proc/iomem names is prefetchable if all in it is, and not behind a host bridge', () => {
    const bus = (start: number, end: number, number: number) => ({
      start,
      end,
      name: `PCI Bus 0000:0${number}`,
      depth: 0,
    });
    const subject = (number: number, more: object) => {
      const memory = [bus(0x80000000, 0x80001000, number), bus(0x90000000, 0x90100000, number)];
      const place = (device: number) => `0${number}:0${device}.0`;
      const functions = [
        fn(place(0), [bar(0, 0x80000000, 256)]),
        fn(place(1), [bar(0, 0x80000100, 256)]),
        fn(place(2), [bar(0, 0x90000000, 4096, more)]),
      ];
      return machine(functions, { memory });
    };
    expect(moves(subject(1, {}))).toEqual(['0000:01:01.0 0 80000100 -> 90001000']);
    expect(moves(subject(1, wide))).toEqual([]);
    expect(moves(subject(0, wide))).toEqual(['0000:00:01.0 0 80000100 -> 90001000']);
  });

  test('the host bridge passes on what /proc/iomem says', () => {
    const memory = [{ start: 0x80000000, end: 0x80003000, name: 'PCI Bus 0000:00', depth: 0 }];
    const small = [0, 1, 2].map((index) => fn(`00:0${index + 1}.0`, [bar(0, 0x80000000 + 256 * index, 256)]));
    const { moves: moved, assumed } = plan(machine(small, { memory }), 4096);
    expect(moved.map(({ to }) => to)).toEqual([0x80001000, 0x80002000]);
    expect(assumed).toEqual([]);
  });
});

describe('where there is none', () => {
  const crowd = Array.from({ length: 3 }, (_, index) =>
    fn(`01:0${index}.0`, [bar(0, 0x80000000 + 256 * index, 256)]),
  );

  test('the bridge must pass on more, in whole MiB, and is in the option', () => {
    const subject = machine([bridge(window(0x80000000, 0x80001000)), ...crowd]);
    const { growth, option, unplaced, left } = plan(subject, 4096);
    expect(growth).toEqual([
      { bridge: parseSbdf('00:01.0'), window: { start: 0x80000000, end: 0x80001000 }, by: 0x100000 },
    ]);
    expect(unplaced).toHaveLength(2);
    expect(option).toBe('pci=resource_alignment=12@00:01.0;12@01:00.0;12@01:01.0;12@01:02.0');
    expect(left).toEqual([]);
  });

  test('the rest of a page at the end of a window is none', () => {
    const memory = [{ start: 0x80000000, end: 0x80001800, name: 'PCI Bus 0000:01', depth: 0 }];
    expect(plan(machine(crowd, { memory }), 4096).moves).toEqual([]);
  });

  test('a host bridge cannot', () => {
    const memory = [{ start: 0x80000000, end: 0x80001000, name: 'PCI Bus 0000:01', depth: 0 }];
    const { growth, unplaced, left } = plan(machine(crowd, { memory }), 4096);
    expect(growth).toEqual([]);
    expect(unplaced.map(({ bridge: grows }) => grows)).toEqual([undefined, undefined]);
    expect(left.map(({ code }) => code)).toContain('F3');
  });
});

test('what Enhanced Allocation, a VF BAR or an unknown size fixes is named', () => {
  const enhanced = {
    capabilities: { functionLevelReset: false, noSoftReset: false, enhancedAllocation: 0x40 },
  };
  const subject = machine([
    fn('01:00.0', [bar(0, 0x80000100, 256)], enhanced),
    fn('01:01.0', [bar(0, 0x80000200, 256, { virtual: true })]),
    fn('01:02.0', [bar(0, 0x80000300, undefined)]),
    fn('01:03.0', [bar(0, 0x80000800, 0x1000)]),
  ]);
  expect(plan(subject, 4096).moves).toEqual([]);
  expect(plan(subject, 4096).fixed).toEqual([
    '0000:01:00.0 BAR 0: Enhanced Allocation fixes it',
    "0000:01:01.0 BAR 0: it is a virtual function's, placed by its physical function's VF BAR",
    '0000:01:02.0 BAR 0: its size is not known',
    '0000:01:03.0 BAR 0: its size is a page or more, and it is not moved',
  ]);
});

describe('random machines', () => {
  const small = fc.record({
    size: fc.integer({ min: 4, max: 14 }).map((bits) => 2 ** bits),
    place: fc.nat(40),
    type: fc.constantFrom('mem32' as const, 'mem64' as const),
    prefetchable: fc.boolean(),
  });
  /** Buses with a plain and a prefetchable window each, BARs at multiples of their size in them, none over another. */
  const machines = fc
    .tuple(
      fc.array(fc.array(fc.array(small, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.constantFrom(0x20000, 0x100000),
    )
    .map(([buses, windowSize]) => {
      const functions: InventoryFunction[] = [];
      buses.forEach((devices, busIndex) => {
        const plain = 0x80000000 + busIndex * 0x1000000;
        const high = 0x9000000000 + busIndex * 0x1000000;
        const windows = [window(plain, plain + windowSize), window(high, high + windowSize, true)];
        functions.push(
          fn(`00:0${busIndex + 1}.0`, [], {
            bridge: { secondary: busIndex + 1, subordinate: busIndex + 1, windows },
          }),
        );
        const used: { start: number; end: number }[] = [];
        devices.forEach((bars, device) => {
          const listed = bars.flatMap(({ size, place, type, prefetchable }, index) => {
            const above = type === 'mem64' && prefetchable;
            const start = (above ? high : plain) + ((place * size) % windowSize);
            const range = { start, end: start + size };
            if (used.some((other) => overlap(other, range))) return [];
            used.push(range);
            return [bar(2 * index, start, size, { type, prefetchable })];
          });
          functions.push(fn(`0${busIndex + 1}:${device.toString(16).padStart(2, '0')}.0`, listed));
        });
      });
      return machine(functions);
    });

  test.each([4096, 16384, 65536])(
    'with pages of %i: what is planned shares no page, stays in its windows and audits clean',
    (pageSize) => {
      fc.assert(
        fc.property(machines, (subject) => {
          const planned = plan(subject, pageSize);
          const after = resourcesOf(planned.after, pageSize);
          const key = (sbdf: number, index: number) => `${sbdf} ${index}`;
          const movedTo = new Map(planned.moves.map((move) => [key(move.sbdf, move.index), move]));
          for (const resource of after) {
            const move = movedTo.get(key(resource.sbdf, resource.bar.index));
            if (!move) continue;
            expect(move.to % pageSize).toBe(0);
            const pages = pagesAround(resource, pageSize);
            const others = after.filter(
              (other) => other !== resource && overlap(pagesAround(other, pageSize), pages),
            );
            expect(others).toEqual([]);
            const to = subject.functions.find(
              ({ bridge: found }) => found?.secondary === resource.sbdf >>> 8,
            );
            const inside = to?.bridge?.windows.find(
              ({ start, end }) => pages.start >= start && pages.end <= end,
            );
            expect(inside).toBeDefined();
            expect(inside?.prefetchable && !resource.bar.prefetchable).toBe(false);
            expect(resource.bar.type === 'mem64' || pages.end <= 2 ** 32).toBe(true);
          }
          const placed = planned.unplaced.every(({ bridge: grows }) => grows !== undefined);
          if (planned.fixed.length > 0 || !placed) return;
          expect(planned.left.filter(({ code }) => ['F1', 'F2', 'F3'].includes(code))).toEqual([]);
        }),
      );
    },
  );
});

test.each([0, 1, 4095, 8192, 65537, Number.NaN])('a page size of %d is refused', (pageSize) => {
  expect(() => audit(machine([]), { pageSize: pageSize as 4096 })).toThrow(
    `audit: pageSize ${pageSize} is not 4096, 16384 or 65536`,
  );
});
