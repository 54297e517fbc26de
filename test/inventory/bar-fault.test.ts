import { expect, it } from 'vitest';
import type { BarType } from '../../src/host.js';
import { barFault } from '../../src/inventory/bar-fault.js';

const bar = (index: number, type: BarType, address: number | undefined, size: number | undefined) => ({
  index,
  type,
  address,
  size,
});

it.each([
  [[bar(5, 'mem64', 0, 16)], 'BAR 5: expected an index below 5 of a 64-bit BAR'],
  [[bar(6, 'mem64', 0, 16)], 'BAR 6: expected an index below 5 of a 64-bit BAR'],
  [[bar(0, 'mem64', 0, 16), bar(1, 'mem32', 0, 16)], 'BAR 1: expected nothing beside the 64-bit BAR 0'],
  [[bar(2, 'io', 0, 8), bar(2, 'io', 8, 8)], 'BAR 2: expected it once'],
  [[bar(0, 'mem32', 0, 24)], 'BAR 0: expected a size that is a multiple of 16, got 24'],
  [[bar(0, 'mem32', 0x1008, 16)], 'BAR 0: expected an address that is a multiple of 16'],
  [[bar(0, 'mem64', 2 ** 52 - 16, 32)], 'BAR 0: expected it below 2^52'],
])('what no device has: %j', (bars, fault) => {
  expect(barFault(bars)).toBe(fault);
});

it.each([
  [[]],
  [[bar(4, 'mem64', 2 ** 52 - 16, 16), bar(6, 'rom', 0, 2048)]],
  [[bar(0, 'mem64', undefined, 16), bar(2, 'mem32', 16, undefined)]],
  [[bar(0, 'io', 3, 5), bar(1, 'mem32', 0x1010, 48)]],
])('what one may have: %j', (bars) => {
  expect(barFault(bars)).toBeUndefined();
});
