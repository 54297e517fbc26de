import { beforeEach, expect, it } from 'vitest';
import { memoryCycles, portCycles } from '../../../src/hosts/qtest/config-cycles.js';
import { type Qtest, QtestHost } from '../../../src/hosts/qtest.js';

/** A connection that notes what goes over it; each value read is 0x5a. */
let sent: string[];
const hex = (...numbers: number[]): string => numbers.map((one) => one.toString(16)).join(' ');
const qtest = {
  readPort: (port: number, width: number) => sent.push(`in ${hex(port, width)}`) && 0x5a,
  writePort: (port: number, width: number, value: number) => sent.push(`out ${hex(port, width, value)}`),
  read: (address: number, width: number) => sent.push(`read ${hex(address, width)}`) && 0x5a,
  write: (address: number, width: number, value: number) => sent.push(`write ${hex(address, width, value)}`),
} as unknown as Qtest;
beforeEach(() => {
  sent = [];
});

it.each<[number, number, 1 | 2 | 4, string, string]>([
  [0, 0, 4, 'out cf8 4 80000000', 'cfc 4'],
  [0x08, 0x10, 4, 'out cf8 4 80000810', 'cfc 4'],
  [0x08, 0x12, 2, 'out cf8 4 80000810', 'cfe 2'],
  [0xff, 0xff, 1, 'out cf8 4 8000fffc', 'cff 1'],
  [0xff07, 0x3d, 1, 'out cf8 4 80ff073c', 'cfd 1'],
  // Segments are beyond it.
  [0x1_0008, 4, 2, 'out cf8 4 80000804', 'cfc 2'],
])('by ports: function %i, offset %i, %i bytes', (sbdf, offset, width, select, data) => {
  const cycles = portCycles(qtest);
  expect(cycles.size).toBe(256);
  expect(cycles.read(sbdf, offset, width)).toBe(0x5a);
  cycles.write(sbdf, offset, width, 0x21);
  expect(sent).toEqual([select, `in ${data}`, select, `out ${data} 21`]);
});

it.each<[number, number, 1 | 2 | 4, string]>([
  [0, 0, 4, 'b0000000 4'],
  [0x08, 0x12, 2, 'b0008012 2'],
  [0xffff, 0xfff, 1, 'bfffffff 1'],
])('by memory: function %i, offset %i, %i bytes', (sbdf, offset, width, place) => {
  const cycles = memoryCycles(qtest, 0xb0000000);
  expect(cycles.size).toBe(4096);
  expect(cycles.read(sbdf, offset, width)).toBe(0x5a);
  cycles.write(sbdf, offset, width, 0x21);
  expect(sent).toEqual([`read ${place}`, `write ${place} 21`]);
});

it('a host without an ECAM has its configuration cycles by ports, and its ports are the machine’s', () => {
  const host = new QtestHost({ qtest, mailbox: 0x1000 });
  host.describe('00:01.0');
  expect(sent.slice(0, 2)).toEqual(['out cf8 4 80000800', 'in cfc 2']);
  sent = [];
  expect(host.readPort(0xc000, 2)).toBe(0x5a);
  host.writePort(0xc004, 4, 0x12345678);
  expect(sent).toEqual(['in c000 2', 'out c004 4 12345678']);
});
