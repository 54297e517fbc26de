import { describe, expect, it } from 'vitest';
import { MmiotraceParser, type MmiotraceSink } from '../../src/trace/mmiotrace.js';
import { feed, recordedCalls } from './recorded-calls.js';

function read(...lines: string[]) {
  const { sink, calls } = recordedCalls<MmiotraceSink>();
  return { expected: feed(new MmiotraceParser(sink))(...lines), calls };
}

describe('lines as the kernel writes them', () => {
  it.each([
    ['R 4 12.659562 1 0xfe20001c 0x1 0x0 0', [['access', false, 4, 0xfe20001c, 1, 0, 12.659562]]],
    [
      'W 1 0.000001 12 0xfe20001c 0xff 0xffffffffc0306294 0',
      [['access', true, 1, 0xfe20001c, 0xff, 0, 1e-6]],
    ],
    [
      'W 8 7.000000 3 0xfffffffffffff 0xfedcba9876543210 0x0 17',
      [['access', true, 8, 2 ** 52 - 1, 0x76543210, 0xfedcba98, 7]],
    ],
    ['R 2 7.500000 3 0x4000000000 0xBEEF 0x0 0', [['access', false, 2, 2 ** 38, 0xbeef, 0, 7.5]]],
    ['MAP 12.662645 2 0xfe202000 0xffa0000000055000 0x410 0x0 0', [['map', 2, 0xfe202000, 0x410]]],
    ['UNMAP 30.123456 2 0x0 0', [['unmap', 2]]],
    ['UNKNOWN 59.578494 1 0xfd228000 f3,a5,f6 0x0 0', [['unknown']]],
    ['MARK 12.519813 modprobe nvme', []],
    ['MARK 0.000000 Lost 17 events.', [['lost', 17]]],
    ['MARK 1.000000 trapline policy strict', [['recorded']]],
    ['MARK 1.000000 trapline 0100 reset', [['reset', 0x100]]],
    ['MARK 1.000000 trapline 10300 control c000', [['messageControl', 0x10300, 0xc000]]],
    ['MARK 1.000000 trapline 0100 table 1c fee01000', [['tableWord', 0x100, 0x1c, 0xfee01000]]],
    ['MARK 1.000000 trapline 0100 table 1c 1fee01000', []],
    ['MARK 1.000000 trapline 0100 control 8000 or so', []],
    ['MARK 1.000000 trapline 0100 region fe300000 2800', [['region', 0x100, 0xfe300000, 0x2800]]],
    ['MARK 1.000000 trapline 0100 region fffffffffff000 2800', []],
    ['MARK 1.000000 trapline 0100 region fe300000 100000000', []],
    ['MARK 1.000000 trapline 0100 region fe300000', []],
    ['MARK 1.000000 trapline 0100 bar 6 10000000000000', [['bar', 0x100, 6, 2 ** 52]]],
    ['MARK 1.000000 trapline 0100 bar 7 fe300000', []],
    ['MARK 1.000000 trapline 0100 register 5 fc 4', [['register', 0x100, 5, 0xfc, 4]]],
    ['MARK 1.000000 trapline 0100 register 6 fc 4', []],
    ['MARK 1.000000 trapline 0100 register 5 fc 3', []],
    ['MARK 1.000000 a trapline 0100 reset', []],
    ['CPU:1 [LOST 17 EVENTS]', [['lost', 17]]],
    ['# tracer: mmiotrace', []],
    ['VERSION 20070824', [['version']]],
    ['', []],
  ])('%s', (line, calls) => {
    expect(read(line)).toEqual({ expected: [undefined], calls });
  });

  it('PCIDEV: bus and devfn, flags in the low bits of the BARs', () => {
    const line =
      'PCIDEV 0200 808610d3 16 fe040000 fe060004 0 c001 400000000c 0 fe000000 20000 20000 0 20 4000 0 40000 e1000e';
    expect(read(line).calls).toEqual([
      [
        'device',
        {
          sbdf: 0x200,
          vendor: 0x8086,
          device: 0x10d3,
          driver: 'e1000e',
          bars: [
            { index: 0, type: 'mem32', address: 0xfe040000, size: 0x20000 },
            { index: 1, type: 'mem64', address: 0xfe060000, size: 0x20000 },
            { index: 3, type: 'io', address: 0xc000, size: 0x20 },
            { index: 4, type: 'mem64', address: 0x4000000000, size: 0x4000 },
            { index: 6, type: 'rom', address: 0xfe000000, size: 0x40000 },
          ],
        },
      ],
    ]);
  });

  it('PCIDEV with BARs that have a size and no address, and a segment', () => {
    const line = 'PCIDEV 10300 ffffffff 0 0 4 0 0 0 0 0 1000 4000 0 0 0 0 800 ';
    expect(read(line).calls).toEqual([
      [
        'device',
        {
          ...{ sbdf: 0x10300, vendor: 0xffff, device: 0xffff, driver: '' },
          bars: [
            { index: 0, type: 'mem32', address: 0, size: 0x1000 },
            { index: 1, type: 'mem64', address: 0, size: 0x4000 },
            { index: 6, type: 'rom', address: 0, size: 0x800 },
          ],
        },
      ],
    ]);
  });

  it('PCIDEV without a driver', () => {
    expect(read('PCIDEV 00f8 80862918 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 ').calls).toMatchObject([
      ['device', { sbdf: 0xf8, bars: [], driver: '' }],
    ]);
  });
});

describe('bad lines', () => {
  const access = /^R or W, width 1, 2, 4 or 8, time, map, 0xaddress, 0xvalue, 0xpc, pid$/;

  it.each([
    ['R 3 12.659562 1 0xfe20001c 0x1 0x0 0', access],
    ['R 4 12.659562 1 0xfe20001c 0x1 0x0', access],
    ['R 4 12.659562 1 0xfe20001c 0x1', access],
    ['R 4 12.659562 1 0xfe20001c', access],
    ['R 4 12.659562 1 fe20001c 0x1 0x0 0', access],
    ['R 4 12.659562 1 0x 0x1 0x0 0', access],
    ['R 4 12 1 0xfe20001c 0x1 0x0 0', access],
    ['R 4 x.659562 1 0xfe20001c 0x1 0x0 0', access],
    ['R 4 12.659562 x 0xfe20001c 0x1 0x0 0', access],
    ['R 4 12.659562 1 0x1234567890abcdef0 0x1 0x0 0', access],
    ['R 4 12.659562 1 0xfe20001c 0x1 0x0 x', access],
    ['W ', access],
    ['R 4 12.659562 1 0x10000000000000 0x1 0x0 0', /^a physical address below 2\^52$/],
    ['R 1 12.659562 1 0xfe20001c 0x100 0x0 0', /^a value of 1 byte$/],
    ['W 4 12.659562 1 0xfe20001c 0x100000000 0x0 0', /^a value of 4 bytes$/],
    ['MAP 12.662645 2 0xfe202000', /^MAP, /],
    ['UNMAP 12.662645', /^UNMAP, /],
    ['PCIDEV 00f8 80862918 0 0', /^PCIDEV, /],
    [
      'PCIDEV 0200 808610d3 16 fe040004 fe060000 0 0 0 0 0 20000 20000 0 0 0 0 0 ',
      /^PCIDEV with possible BARs \(BAR 1: expected nothing beside the 64-bit BAR 0\)$/,
    ],
    ['READ 4', /^VERSION, PCIDEV, MAP, UNMAP, R, W, UNKNOWN or MARK$/],
    ['\u0000\u0001', /^VERSION, /],
  ])('%j', (line, expected) => {
    const result = read(line);
    expect(result.expected[0]).toMatch(expected);
    expect(result.calls).toEqual([]);
  });
});
