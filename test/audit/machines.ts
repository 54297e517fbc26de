import type { BarType } from '../../src/host.js';
import type { InventoryBar, InventoryFunction, Machine } from '../../src/inventory/machine.js';
import { parseSbdf } from '../../src/sbdf.js';

/** A BAR with an address; a size of `undefined` is not shown. */
export const bar = (
  index: number,
  address: number | undefined,
  size: number | undefined,
  more: Partial<InventoryBar> = {},
): InventoryBar => ({
  index,
  type: (index === 6 ? 'rom' : 'mem32') as BarType,
  address,
  size,
  prefetchable: false,
  disabled: false,
  virtual: false,
  ...more,
});

export const wide = { type: 'mem64', prefetchable: true } as const;

export const fn = (
  sbdf: string,
  bars: readonly InventoryBar[],
  more: Partial<InventoryFunction> = {},
): InventoryFunction => ({
  sbdf: parseSbdf(sbdf),
  name: 'Device',
  vendor: undefined,
  device: undefined,
  subsystem: undefined,
  bars,
  barsGuessed: false,
  decode: true,
  msix: undefined,
  sriov: undefined,
  bridge: undefined,
  capabilities: { functionLevelReset: false, noSoftReset: false },
  interrupt: { pin: 0, irq: undefined, intxDisabled: false, msiEnabled: false },
  physicalFunction: undefined,
  iommuGroup: undefined,
  driver: undefined,
  ...more,
});

export const machine = (functions: readonly InventoryFunction[], more: Partial<Machine> = {}): Machine => ({
  functions: [...functions].sort((a, b) => a.sbdf - b.sbdf),
  memory: [],
  unseen: [],
  ...more,
});

export const msix = (
  count: number,
  table: readonly [bir: number, offset: number],
  pba: readonly [bir: number, offset: number],
  enabled = false,
) => ({
  enabled,
  masked: false,
  count,
  capability: 0xb0,
  table: { bir: table[0], offset: table[1] },
  pba: { bir: pba[0], offset: pba[1] },
});

/** Source: the small BARs thread, example 1: one page of three BARs, table and PBA over each other. */
export const example1 = machine([
  fn(
    '01:00.0',
    [
      bar(0, 0xd1924600, 256),
      bar(1, 0xd1924400, 512),
      bar(2, 0xd1924000, 1024),
      bar(3, 0xd1920000, 0x4000),
      bar(4, 0xd1900000, 0x20000),
      bar(5, 0xd1800000, 0x100000),
    ],
    {
      msix: msix(2, [0, 0x80], [0, 0x90]),
      sriov: {
        enabled: false,
        numVfs: 0,
        totalVfs: 4,
        offset: 6,
        stride: 1,
        systemPageSize: 4096,
        supportedPageSizes: [0, 1, 4, 6, 8, 10].map((bit) => 4096 * 2 ** bit),
        bars: [bar(0, 0xd0800000, undefined, { type: 'mem64' })],
      },
    },
  ),
]);

/** Example 2: three functions in one page, a fourth that ends just below. */
export const example2 = machine([
  fn('01:00.0', [bar(0, 0xfe800000, 4096), bar(2, 0x7050000000, 32, wide)]),
  fn('01:01.0', [bar(0, 0xfe801000, 4096), bar(2, 0x7050000020, 32, wide)]),
  fn('01:02.0', [bar(0, 0xfe802000, 4096), bar(2, 0x7050000040, 32, wide)]),
  fn('01:03.0', [bar(0, 0xfe803000, 4096), bar(2, 0x7040000000, 2 ** 28, wide)]),
]);
