import { describe, expect, test } from 'vitest';
import { edgesWithout, passthroughGroups, type Reason } from '../../src/audit/groups.js';
import type { InventoryFunction } from '../../src/inventory/machine.js';
import { formatSbdf, parseSbdf } from '../../src/sbdf.js';
import { bar, fn, machine } from './machines.js';

const groups = (functions: readonly InventoryFunction[], together: readonly Reason[] = []) =>
  passthroughGroups(machine(functions), 4096, together).map((group) =>
    group.functions.map((sbdf) => formatSbdf(sbdf).slice(5)).join(' '),
  );

const line = (irq: number) => ({ interrupt: { pin: 1, irq, intxDisabled: false, msiEnabled: false } });
const resets = (more: object) => ({
  capabilities: { functionLevelReset: false, noSoftReset: false, ...more },
});

test('functions of an IOMMU group go together, others alone', () => {
  expect(
    groups([
      fn('01:00.0', [], { iommuGroup: 3 }),
      fn('01:00.1', [], { iommuGroup: 3 }),
      fn('02:00.0', [], { iommuGroup: 4 }),
      fn('03:00.0', []),
    ]),
  ).toEqual(['01:00.0 01:00.1', '02:00.0', '03:00.0']);
});

test('a shared page joins IOMMU groups', () => {
  expect(
    groups([
      fn('01:00.0', [bar(0, 0x80000000, 256)], { iommuGroup: 1 }),
      fn('02:00.0', [bar(0, 0x80000100, 256)], { iommuGroup: 2 }),
      fn('03:00.0', [], { iommuGroup: 2 }),
      fn('04:00.0', [], { iommuGroup: 4 }),
    ]),
  ).toEqual(['01:00.0 02:00.0 03:00.0', '04:00.0']);
});

test('each edge says why', () => {
  const subject = machine([
    fn('01:00.0', [bar(0, 0x80000000, 256)], { iommuGroup: 1 }),
    fn('02:00.0', [bar(0, 0x80000100, 256)], { iommuGroup: 1 }),
  ]);
  const [{ edges }] = passthroughGroups(subject, 4096);
  expect(edges.map(({ reason, detail }) => `${reason}: ${detail}`)).toEqual([
    'iommu-group: IOMMU group 1',
    'shared-page: page 0x80000000-0x80000fff',
  ]);
});

test('edges lead from a function to the next one, wherever their BARs lie', () => {
  const subject = machine([
    fn('01:00.0', [bar(0, 0x80000200, 256)]),
    fn('02:00.0', [bar(0, 0x80000100, 256)]),
    fn('03:00.0', [bar(0, 0x80000000, 256)]),
  ]);
  const [{ edges }] = passthroughGroups(subject, 4096);
  expect(edges.map(({ from, to }) => [from, to])).toEqual([
    [0x100, 0x200],
    [0x200, 0x300],
  ]);
});

test('bridges are in no group and join none', () => {
  const bridge = { secondary: 1, subordinate: 1, windows: [] };
  expect(
    groups([
      fn('00:00.0', [], { name: 'Host bridge [0600]: Intel', iommuGroup: 1 }),
      fn('00:01.0', [], { bridge, iommuGroup: 1 }),
      fn('01:00.0', [], { iommuGroup: 1 }),
    ]),
  ).toEqual(['01:00.0']);
});

describe('reasons that are asked for', () => {
  test('the interrupt line', () => {
    const functions = [fn('01:00.0', [], line(16)), fn('02:00.0', [], line(16)), fn('03:00.0', [], line(17))];
    expect(groups(functions)).toEqual(['01:00.0', '02:00.0', '03:00.0']);
    expect(groups(functions, ['intx'])).toEqual(['01:00.0 02:00.0', '03:00.0']);
  });

  test('the bus, where one on it cannot be reset alone', () => {
    const functions = [
      fn('00:02.0', []),
      fn('00:03.0', []),
      fn('01:00.0', [], resets({ functionLevelReset: true })),
      fn('01:01.0', [], resets({ powerManagement: 0x40 })),
      fn('02:00.0', [], resets({ functionLevelReset: true })),
      fn('02:01.0', [], resets({ powerManagement: 0x40, noSoftReset: true })),
    ];
    expect(groups(functions, ['reset'])).toEqual([
      '00:02.0',
      '00:03.0',
      '01:00.0',
      '01:01.0',
      '02:00.0 02:01.0',
    ]);
  });

  test('virtual functions and their physical one', () => {
    const functions = [
      fn('01:00.0', []),
      fn('01:10.0', [], { physicalFunction: parseSbdf('01:00.0') }),
      fn('01:10.1', [], { physicalFunction: parseSbdf('09:00.0') }),
    ];
    expect(groups(functions, ['sriov'])).toEqual(['01:00.0 01:10.0', '01:10.1']);
  });
});

test('edges that vanish are those that the later groups lack', () => {
  const shared = [fn('01:00.0', [bar(0, 0x80000000, 256)]), fn('02:00.0', [bar(0, 0x80000100, 256)])];
  const apart = [shared[0], fn('02:00.0', [bar(0, 0x80001000, 256)])];
  const before = passthroughGroups(machine(shared), 4096);
  expect(edgesWithout(before, passthroughGroups(machine(apart), 4096))).toHaveLength(1);
  expect(edgesWithout(before, before)).toEqual([]);
});
