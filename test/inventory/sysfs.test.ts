import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import { temporaryFolder } from '../temporary.js';
import { machineOf, plant } from './dumps.js';
import { dword, imageOf } from './paste.js';

const folder = temporaryFolder();

let trees = 0;
const tree = () => join(folder, `${trees++}`);

/** Lines of `resource`; what is not said is zero. */
function resource(count: number, lines: Readonly<Record<number, readonly [number, number, number]>>): string {
  const hex = (value: number) => `0x${value.toString(16).padStart(16, '0')}`;
  return Array.from(
    { length: count },
    (_, index) => `${(lines[index] ?? [0, 0, 0]).map(hex).join(' ')}\n`,
  ).join('');
}

const HEADER = { 0: [0x86, 0x80, 0x34, 0x12], 4: [2, 0, 0x10, 0] };
const MEM64 = 0x140204;

describe('resource', () => {
  it.each([7, 13])('of a function, %i lines', (count) => {
    const path = tree();
    const lines: Record<number, [number, number, number]> = {
      0: [0xfe200000, 0xfe203fff, MEM64],
      2: [0xc000, 0xc01f, 0x40101],
      3: [0, 0xfff, 0x20040200],
      4: [0xd0000000, 0xdfffffff, 0x42208],
      6: [0xfe400000, 0xfe43ffff, 0x46200],
    };
    plant(join(path, '0000:00:05.0'), { resource: resource(count, lines) });
    expect(machineOf(path).functions[0]).toMatchObject({
      bars: [
        { index: 0, type: 'mem64', address: 0xfe200000, size: 2 ** 14, prefetchable: false },
        { index: 2, type: 'io', address: 0xc000, size: 32 },
        { index: 3, type: 'mem32', address: undefined, size: 4096 },
        { index: 4, type: 'mem32', size: 2 ** 28, prefetchable: true },
        { index: 6, type: 'rom', size: 2 ** 18, prefetchable: false },
      ],
      bridge: undefined,
      sriov: undefined,
    });
  });

  it.each([11, 17])('of a bridge, %i lines', (count) => {
    const path = tree();
    const first = count - 4;
    const lines: Record<number, [number, number, number]> = {
      [first]: [0x1000, 0x1fff, 0x100],
      [first + 1]: [0xfe200000, 0xfe3fffff, 0x200],
      [first + 2]: [0x4000000000, 0x40ffffffff, 0x102201],
    };
    const files = {
      resource: resource(count, lines),
      secondary_bus_number: '3\n',
      subordinate_bus_number: '7\n',
    };
    plant(join(path, '0000:00:02.0'), files);
    const { functions, unseen } = machineOf(path);
    expect(functions[0].bridge).toEqual({
      secondary: 3,
      subordinate: 7,
      windows: [
        { start: 0xfe200000, end: 0xfe400000, prefetchable: false },
        { start: 2 ** 38, end: 2 ** 38 + 2 ** 32, prefetchable: true },
      ],
    });
    expect(unseen.join()).not.toContain('bridge windows');
  });
});

describe('SR-IOV', () => {
  const lines: Record<number, [number, number, number]> = {
    0: [0xfe200000, 0xfe203fff, MEM64],
    7: [0xd0800000, 0xd0807fff, MEM64],
  };
  const files = {
    resource: resource(13, lines),
    sriov_totalvfs: '8\n',
    sriov_numvfs: '2\n',
    sriov_offset: '128\n',
    sriov_stride: '2\n',
  };
  const sriov = {
    ...{ enabled: true, numVfs: 2, totalVfs: 8, offset: 128, stride: 2 },
    bars: [{ index: 0, type: 'mem64', address: 0xd0800000, size: 4096 }],
  };

  it('without privilege: the size of one of all, System Page Size assumed', () => {
    const path = tree();
    plant(join(path, '0000:01:00.0'), { ...files, config: imageOf(64, HEADER) });
    const { functions, unseen } = machineOf(path);
    expect(functions[0].sriov).toMatchObject({ ...sriov, systemPageSize: 4096, supportedPageSizes: [] });
    expect(unseen).toContain('System Page Size of 0000:01:00.0: 4096 is assumed; sudo lspci -vv shows it');
    expect(unseen).toContain('MSI-X of 0000:01:00.0: where its table is needs root: sudo lspci -vv');
  });

  it('with it, and with virtual functions', () => {
    const path = tree();
    const config = imageOf(4096, {
      ...HEADER,
      16: dword(0xfe200004),
      52: [0x40],
      64: [0x10],
      256: [0x10, 0, 1, 0],
      264: dword(9),
      268: [8, 0, 8, 0, 2, 0, 0, 0, 128, 0, 2, 0],
      284: [...dword(0x553), ...dword(4), ...dword(0xd0800004)],
    });
    plant(join(path, '0000:01:00.0'), { ...files, config });
    plant(join(path, '0000:01:10.0'), {
      resource: resource(13, { 0: [0xd0800000, 0xd0800fff, MEM64] }),
      config: imageOf(256, { 0: [0xff, 0xff, 0xff, 0xff] }),
      vendor: '0x8086\n',
      device: '0x1515\n',
      physfn: '-> ../0000:01:00.0',
    });
    const { functions, unseen } = machineOf(path);
    expect(functions[0].sriov).toMatchObject({ ...sriov, systemPageSize: 16384 });
    expect(functions[1]).toMatchObject({
      ...{ physicalFunction: 0x100, vendor: 0x8086, device: 0x1515 },
      bars: [{ address: 0xd0800000, virtual: true }],
    });
    expect(unseen.join()).not.toMatch(/System Page Size|SR-IOV/);
  });
});

describe('the attributes of a function', () => {
  it('as the kernel names them', () => {
    const path = tree();
    plant(join(path, '0000:00:05.0'), {
      ...{ vendor: '0x8086\n', device: '0x1234\n', class: '0x010802\n', irq: '22\n' },
      ...{ subsystem_vendor: '0x1af4\n', subsystem_device: '0x1100\n' },
      driver: '-> ../../../bus/pci/drivers/nvme',
      iommu_group: '-> ../../../kernel/iommu_groups/7',
    });
    expect(machineOf(path).functions[0]).toMatchObject({
      ...{ name: 'Class [0108]: Device [8086:1234]', vendor: 0x8086, device: 0x1234 },
      ...{ subsystem: { vendor: 0x1af4, device: 0x1100 }, driver: 'nvme', iommuGroup: 7 },
      interrupt: { irq: 22 },
    });
  });

  it('as files beside each other', () => {
    const path = tree();
    plant(path, {
      '0000:00:05.0.ids': 'vendor=0x8086 device=0x1234 class=0x010802 irq=22 driver=nvme enable=1 numa=-1\n',
      '0000:00:05.0.resource': resource(13, { 0: [0xfe200000, 0xfe203fff, MEM64] }),
      '0000:00:05.0.config.bin': imageOf(64, { ...HEADER, 16: dword(0xfe200004), 61: [1] }),
      '0000:00:06.0.ids': 'vendor=0x8086 device=0x1235 class=0x010802 irq=0 driver= enable=0 numa=-1\n',
    });
    const { functions } = machineOf(path);
    expect(functions).toMatchObject([
      {
        driver: 'nvme',
        decode: true,
        interrupt: { pin: 1, irq: 22 },
        bars: [{ size: 2 ** 14, virtual: false }],
      },
      { driver: undefined, device: 0x1235, bars: [] },
    ]);
  });

  it('may all be missing, or nonsense', () => {
    const path = tree();
    mkdirSync(join(path, '0000:00:05.0', 'resource'), { recursive: true });
    plant(join(path, '0000:00:06.0'), {
      resource: 'x y\n\n-',
      config: '',
      vendor: 'x',
      irq: '-1',
      class: '',
    });
    plant(join(path, '10000:e1:00.0'), {});
    const { functions, unseen } = machineOf(path);
    expect(functions).toMatchObject([
      { sbdf: 0x28, bars: [], msix: undefined },
      { sbdf: 0x30, bars: [], vendor: undefined, interrupt: { irq: undefined } },
    ]);
    expect(unseen).toContain('MSI-X and SR-IOV of 2 functions: capabilities need root: sudo lspci -vv');
    expect(unseen[0]).toMatch(/^BARs of 2 functions, /);
    expect(unseen).toContain('1 function in domains above ffff, which have no SBDF');
  });
});

describe('a copy of /sys', () => {
  const path = join(tree(), 'sys');
  plant(join(path, 'bus', 'pci', 'devices', '0000:00:05.0'), { irq: '22\n' });
  plant(join(path, 'kernel', 'iommu_groups', '3', 'devices', '0000:00:05.0'), {});
  plant(join(path, '..', 'proc'), {
    iomem: 'fe200000-fe3fffff : PCI Bus 0000:01\n  fe200000-fe203fff : nvme\n',
  });

  it('has groups, and /proc/iomem beside it', () => {
    const { functions, memory } = machineOf(path);
    expect(functions).toMatchObject([{ sbdf: 0x28, iommuGroup: 3 }]);
    expect(memory).toMatchObject([{ depth: 0 }, { depth: 1, name: 'nvme' }]);
  });

  it('is read from its folder of devices too', () => {
    for (const inner of [join('bus', 'pci'), join('bus', 'pci', 'devices')]) {
      expect(machineOf(join(path, inner)).functions).toMatchObject([{ sbdf: 0x28 }]);
    }
  });
});

describe('bad input', () => {
  it('no folder, or one without functions', () => {
    const path = tree();
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'x');
    for (const bad of [join(path, 'none'), join(path, 'file')]) {
      expect(() => machineOf(bad)).toThrow(InputError);
      expect(() => machineOf(bad)).toThrow(/: expected a folder that can be read$/);
    }
    expect(() => machineOf(path)).toThrow(/: expected \/sys, or a copy .*, found no function$/);
  });
});
