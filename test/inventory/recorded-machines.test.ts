import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { InventoryFunction, Machine } from '../../src/inventory/machine.js';
import { readMachine } from '../../src/inventory/read-machine.js';
import { formatSbdf, parseSbdf } from '../../src/sbdf.js';
import { temporaryFolder } from '../temporary.js';
import { dumpsOf, hexdumpOf, lspciOf, MACHINES, machineOf, plant } from './dumps.js';

const folder = temporaryFolder();

const of = ({ functions }: Machine, sbdf: string): InventoryFunction =>
  functions.find((fn) => fn.sbdf === parseSbdf(sbdf)) as InventoryFunction;

/** What all three show, sizes and the system's routing left out. */
function shared(fn: InventoryFunction) {
  const { vendor, device, subsystem, decode, msix, sriov, bridge, capabilities, interrupt } = fn;
  const bars = fn.bars.map(({ size: _, ...bar }) => bar);
  return {
    ...{ vendor, device, subsystem, bars, decode, msix, sriov, bridge, capabilities },
    interrupt: { ...interrupt, irq: undefined },
  };
}

describe.each(MACHINES)('%s', (machine) => {
  it('is the same in lspci -vvv, in lspci -xxxx and in sysfs, in folders and flat', async () => {
    const text = await readMachine({ files: [lspciOf(machine)] });
    const dump = await readMachine({ files: [hexdumpOf(machine)] });
    const dumps = dumpsOf(machine);
    for (const [place, { resource, config }] of dumps) {
      plant(join(folder, machine, 'tree', place), { resource, config });
      plant(join(folder, machine, 'flat'), {
        [`${place}.resource`]: resource,
        [`${place}.config.bin`]: config,
      });
    }
    const tree = machineOf(join(folder, machine, 'tree'));
    const flat = machineOf(join(folder, machine, 'flat'));
    expect(text.functions).toHaveLength(dumps.size);
    const views = [dump, tree, flat];
    for (const view of views) expect(view.functions).toHaveLength(dumps.size);
    for (const [index, fn] of text.functions.entries()) {
      for (const view of views) {
        expect(shared(view.functions[index]), formatSbdf(fn.sbdf)).toEqual(shared(fn));
      }
      expect(tree.functions[index].bars, formatSbdf(fn.sbdf)).toEqual(fn.bars);
    }
  });

  it('is the same from text and hexdump in either order', async () => {
    const first = await readMachine({ files: [lspciOf(machine), hexdumpOf(machine)] });
    const later = await readMachine({ files: [hexdumpOf(machine), lspciOf(machine)] });
    const nameless = ({ functions, ...rest }: Machine) => ({
      ...rest,
      functions: functions.map(({ name: _, ...fn }) => fn),
    });
    expect(nameless(first)).toEqual(nameless(later));
  });

  it('lacks of lspci -vvv nothing but IOMMU groups and memory', async () => {
    const { unseen } = await readMachine({ files: [lspciOf(machine)] });
    expect(unseen).toMatchObject(
      [/^IOMMU groups of \d+ functions: /, /^memory that is no BAR: /].map((form) =>
        expect.stringMatching(form),
      ),
    );
  });
});

describe('m1', () => {
  it('has bridge windows, interrupts, subsystems and drivers', async () => {
    const machine = await readMachine({ files: [lspciOf('m1'), 'test/fixtures/m1/iomem.txt'] });
    expect(of(machine, '00:02.0')).toMatchObject({
      bridge: {
        secondary: 1,
        subordinate: 1,
        windows: [
          { start: 0xfe200000, end: 0xfe400000, prefetchable: false },
          { start: 0xfe800000, end: 0xfea00000, prefetchable: true },
        ],
      },
      interrupt: { pin: 1, irq: 22, intxDisabled: true, msiEnabled: false },
      subsystem: { vendor: 0x1b36, device: 0 },
      driver: 'pcieport',
      decode: true,
      barsGuessed: false,
    });
    expect(of(machine, '00:1f.2').interrupt).toMatchObject({ pin: 1, msiEnabled: true });
    expect(of(machine, '00:00.0')).toMatchObject({ interrupt: { pin: 0 }, driver: undefined });
    expect(machine.memory).toHaveLength(51);
    expect(machine.memory.find(({ start }) => start === 0xfe200000)).toEqual({
      start: 0xfe200000,
      end: 0xfe400000,
      name: 'PCI Bus 0000:01',
      depth: 1,
    });
    expect(machine.memory.find(({ name }) => name === 'nvme')).toMatchObject({ depth: 3 });
    expect(machine.unseen).toEqual([expect.stringMatching(/^IOMMU groups/)]);
  });
});

describe('the machines of a mail', () => {
  const EXAMPLE = 'test/fixtures/small-bars/';
  const one = {
    bars: [
      [0, 0xd1924600, 256],
      [1, 0xd1924400, 512],
      [2, 0xd1924000, 1024],
      [3, 0xd1920000, 2 ** 14],
      [4, 0xd1900000, 2 ** 17],
      [5, 0xd1800000, 2 ** 20],
    ].map(([index, address, size]) => ({
      ...{ index, address, size, type: 'mem32', prefetchable: false, disabled: false, virtual: false },
    })),
    msix: {
      enabled: false,
      masked: false,
      count: 2,
      capability: 0xb0,
      table: { bir: 0, offset: 0x80 },
      pba: { bir: 0, offset: 0x90 },
    },
    sriov: {
      enabled: false,
      numVfs: 0,
      totalVfs: 4,
      offset: 6,
      stride: 1,
      systemPageSize: 4096,
      supportedPageSizes: [12, 13, 16, 18, 20, 22].map((bits) => 2 ** bits),
      bars: [
        {
          ...{ index: 0, type: 'mem64', address: 0xd0800000, size: undefined },
          ...{ prefetchable: false, disabled: false, virtual: false },
        },
      ],
    },
    driver: 'pci-endpoint-test',
    barsGuessed: false,
  };
  const two = [0x7050000000, 0x7050000020, 0x7050000040, 0x7040000000].map((address, device) => ({
    barsGuessed: true,
    decode: true,
    msix: undefined,
    bars: [
      { index: 0, type: 'mem32', address: 0xfe800000 + 0x1000 * device, size: 4096 },
      { index: 1, type: 'io', address: 0xc000 + 0x100 * device, size: 256 },
      { index: 2, type: 'mem64', address, size: device < 3 ? 32 : 2 ** 28, prefetchable: true },
    ],
  }));

  it('example 1, of lspci -vv', async () => {
    const machine = await readMachine({ files: [`${EXAMPLE}example1.txt`] });
    expect(machine.functions).toHaveLength(1);
    expect(of(machine, '01:00.0')).toMatchObject(one);
    expect(machine.unseen[0]).toMatch(/^sizes of the virtual functions' BARs of 0000:01:00\.0: /);
  });

  it('example 2, of lspci -v', async () => {
    const machine = await readMachine({ files: [`${EXAMPLE}example2.txt`] });
    expect(machine.functions).toMatchObject(two);
    expect(machine.unseen[0]).toBe(
      'BAR indices of 4 functions are guessed from lspci -v; lspci -vv prints them',
    );
  });

  it('both, as the mail quotes them', async () => {
    const machine = await readMachine({ files: [`${EXAMPLE}quoted.txt`] });
    expect(machine.functions).toHaveLength(5);
    expect(machine.functions.slice(0, 4)).toMatchObject(two);
    expect(of(machine, '02:00.0')).toMatchObject(one);
  });
});
