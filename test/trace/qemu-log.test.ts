import { describe, expect, it } from 'vitest';
import { QemuLogParser, type QemuLogSink } from '../../src/trace/qemu-log.js';
import { feed, recordedCalls } from './recorded-calls.js';

function read(plugin: boolean, ...lines: string[]) {
  const { sink, calls } = recordedCalls<QemuLogSink>({
    portAlias: (port) => (port === 0xc43e ? 0xfd22803e : undefined),
  });
  return { expected: feed(new QemuLogParser(sink, plugin))(...lines).filter((text) => text), calls };
}

const event = (op: string, address: string, value: string, size: number, cpu: number | string = 0) =>
  `31809@1795180929.500000:memory_region_ops_${op} cpu ${cpu} mr 0x55e3a33d48e0 addr ${address} value ${value} size ${size} name 'nvme'`;
const TIME = 1795180929.5;

describe('with P lines', () => {
  it.each([
    [
      'one event, one access',
      [event('read', '0xfe445004', '0x80000000', 4), 'P 0 R 4 va 0xb0000004 pc 0xe97e9'],
      [['access', false, 4, 0xfe445004, 0x80000000, 0, TIME]],
    ],
    [
      'eight bytes in two events',
      [
        event('write', '0xfe445000', '0xfee01004', 4),
        event('write', '0xfe445004', '0x12', 4),
        'P 0 W 8 va 0x7f8b6fae2000 pc 0x4016b5 pa 0xfe445000',
      ],
      [['access', true, 8, 0xfe445000, 0xfee01004, 0x12, TIME]],
    ],
    [
      'unaligned, loaded as two aligned ones',
      [
        event('read', '0xfe440000', '0xfee01004', 4),
        event('read', '0xfe440004', '0xabcd', 4),
        'P 0 R 4 va 0x7f8b6fae2002 pc 0x4016b5',
      ],
      [['access', false, 4, 0xfe440002, 0xabcdfee0, 0, TIME]],
    ],
    [
      'widened by the device model',
      [event('read', '0xfdc40018', '0x1234567890', 8), 'P 0 R 4 va 0x18 pc 0x1'],
      [['access', false, 4, 0xfdc40018, 0x34567890, 0, TIME]],
    ],
    [
      'in bytes',
      [
        ...['0x20', '0x0', '0x0', '0x1'].map((value, index) => event('read', `0xfd22e00${index}`, value, 1)),
        'P 0 R 4 va 0xffa0000000045000 pc 0xffffffffc030628f',
      ],
      [['access', false, 4, 0xfd22e000, 0x01000020, 0, TIME]],
    ],
    [
      'rejected: recorded as 0, its address in pa',
      [
        "Invalid read at addr 0x0, size 1, region 'msix-table', reason: invalid size (min:4 max:8)",
        'P 0 R 1 va 0x7fee22f87000 pc 0x40165c pa 0xfe440001',
      ],
      [['access', false, 1, 0xfe440001, 0, 0, 0]],
    ],
    [
      'rejected in part',
      [
        event('read', '0xfe44000c', '0x1', 4),
        "Invalid read at addr 0xFE440010, size 4, region '(null)', reason: rejected",
        'P 0 R 8 va 0x7fee22f8700c pc 0x40165c pa 0xfe44000c',
      ],
      [['access', false, 8, 0xfe44000c, 1, 0, TIME]],
    ],
    [
      'logged with a port number',
      [event('write', '0xc43e', '0xffff', 2), 'P 0 W 2 va 0xffa000000004503e pc 0xffffffffc0306294'],
      [['access', true, 2, 0xfd22803e, 0xffff, 0, TIME]],
    ],
    [
      'two CPUs at a time',
      [
        event('read', '0xfe445004', '0x1', 4, 0),
        event('read', '0xfe446008', '0x2', 4, 1),
        'P 1 R 4 va 0xb0000008 pc 0xe97e9',
        'P 0 R 4 va 0xb0000004 pc 0xe97e9',
      ],
      [
        ['access', false, 4, 0xfe446008, 2, 0, TIME],
        ['access', false, 4, 0xfe445004, 1, 0, TIME],
      ],
    ],
    ['config space, no BAR', ['P 0 R 4 va 0xb0000004 pc 0xe97e9'], [['elsewhere']]],
    ['made by a device', [event('read', '0xfe445004', '0x1', 4, -1)], [['deviceMade']]],
  ])('%s', (_, lines, calls) => {
    expect(read(true, ...lines)).toEqual({ expected: [], calls });
  });
});

describe('without P lines', () => {
  it('each event of memory_region_ops is an access, with or without time stamps', () => {
    const stamped = event('read', '0xfe445004', '0x1ff', 1);
    expect(read(false, stamped, stamped.replace(/^.*:/, '')).calls).toEqual([
      ['access', false, 1, 0xfe445004, 0xff, 0, TIME],
      ['access', false, 1, 0xfe445004, 0xff, 0, TIME],
    ]);
  });
});

describe('config space', () => {
  it.each([
    [
      '1@2.000003:pci_cfg_write nvme 01:1f.3 @0x42 <- 0xc040',
      [['configWrite', { bus: 1, devfn: 0xfb }, 0x42, 0xc040]],
    ],
    ['pci_cfg_write a name 0a:00.0 @0x4 <- 0x107', [['configWrite', { bus: 10, devfn: 0 }, 4, 0x107]]],
    ['pci_cfg_read nvme 01:00.0 @0x42 -> 0xc040', []],
    [
      '1@2.000003:pci_update_mappings_add nvme 01:00.0 0,0xfe200000+0x4000',
      [['mapping', { bus: 1, devfn: 0 }, true, 0, 0xfe200000, 0x4000]],
    ],
    [
      '1@2.000003:pci_update_mappings_del nvme 01:00.0 4,0x4000000000+0x4000',
      [['mapping', { bus: 1, devfn: 0 }, false, 4, 0x4000000000, 0x4000]],
    ],
  ])('%s', (line, calls) => {
    expect(read(true, line)).toEqual({ expected: [], calls });
  });
});

describe('other lines are not for us', () => {
  it.each([
    '31809@1795180929.302047:memory_region_subpage_read cpu 0 mr 0x7fc4 offset 0x8 value 0x21 size 8',
    '31809@1795180929.302047:msix_write_config dev nvme enabled 1 masked 0',
    'ahci: IRQ#0 level:1',
    '# MARK 1795180977.858910 boot-done',
    '31809@17951809',
    'Program exited',
    '',
  ])('%s', (line) => {
    expect(read(true, line)).toEqual({ expected: [], calls: [] });
  });
});

describe('bad lines', () => {
  it.each([
    [event('read', '0xfe445004', '0x1', 4).slice(0, 100), /^memory_region_ops_read or _write, /],
    [event('read', '0xfe445004', '0x1', 3), /^memory_region_ops/],
    [event('read', '0x10000000000000', '0x1', 4), /^memory_region_ops/],
    ['P 0 R 3 va 0x1 pc 0x2', /^P, cpu, R or W, size/],
    ['P 0 X 4 va 0x1 pc 0x2', /^P, cpu/],
    ['P 0 R 4 va 0x1', /^P, cpu/],
    ['P 0 R 4 va 0x1 pc 0x2 pa ', /^P, cpu/],
    ['P 0 R 4 va 0x1 pc 0x2 pa 0x10000000000000', /below 2\^52$/],
    ['pci_cfg_write nvme 01:00.0 @0x42', /^pci_cfg_write, /],
    ['pci_update_mappings_add nvme 01:00.0 0', /^pci_update_mappings_add or _del, /],
  ])('%s', (line, expected) => {
    const result = read(true, line);
    expect(result.expected[0]).toMatch(expected);
    expect(result.calls).toEqual([]);
  });
});
