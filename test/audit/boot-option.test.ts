import { expect, test } from 'vitest';
import { resourceAlignment } from '../../src/audit/boot-option.js';
import { parseSbdf } from '../../src/sbdf.js';
import { fn, machine } from './machines.js';

const model = (device: number) => ({ vendor: 0x8086, device });
const subject = machine([
  fn('01:00.0', [], model(0x9c22)),
  fn('01:00.1', [], model(0x9c22)),
  fn('02:00.0', [], model(0x1533)),
  fn('0001:03:1f.7', []),
]);
const option = (functions: string[], pageSize = 4096) =>
  resourceAlignment(subject, functions.map(parseSbdf), pageSize);

test('all of a model are one entry, where there are several', () => {
  expect(option(['01:00.1', '01:00.0'])).toBe('pci=resource_alignment=12@pci:8086:9c22');
});

test('a part of a model, and the only one of a model, go by address', () => {
  expect(option(['02:00.0', '01:00.1'])).toBe('pci=resource_alignment=12@01:00.1;12@02:00.0');
});

test('the segment is there where it is not 0', () => {
  expect(option(['0001:03:1f.7'])).toBe('pci=resource_alignment=12@0001:03:1f.7');
});

test.each([
  [16384, 14],
  [65536, 16],
])('the order of pages of %i bytes is %i', (pageSize, order) => {
  expect(option(['02:00.0'], pageSize)).toBe(`pci=resource_alignment=${order}@02:00.0`);
});

test('nothing to align is no option', () => {
  expect(option([])).toBe('');
});
