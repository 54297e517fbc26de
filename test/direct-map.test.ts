import { expect, test } from 'vitest';
import { DirectMap } from '../src/direct-map.js';
import type { FunctionBar } from '../src/pci/bar.js';

/** Enabled BARs of two pages each, side by side; returns how often the plan was asked for one more. */
function askedForOneMore(bars: number): number {
  let asked = 0;
  const plan = {
    traps: () => false,
    candidates: () => {
      asked++;
      return [];
    },
  };
  const map = new DirectMap(plan);
  const bar = (index: number) => {
    const address = 0x8000_0000 + index * 0x2000;
    return { address, hostAddress: address, end: address + 0x2000, fn: { host: {}, sbdf: index } };
  };
  const all = Array.from({ length: bars }, (_, index) => bar(index)) as unknown as FunctionBar[];
  map.add(all);
  asked = 0;
  map.add([bar(bars) as unknown as FunctionBar]);
  return asked;
}

test('enabling a BAR costs the same among many as among few', () => {
  expect(askedForOneMore(1000)).toBe(askedForOneMore(10));
});
