import { expect, it } from 'vitest';
import { Rates } from '../../../src/inspect/page/rates.js';

function rates(...totals: number[]): Rates {
  const made = new Rates(3);
  for (const total of totals) made.add(total);
  return made;
}

it.each([
  [[], [0, 0, 0]],
  // What was before the first is nobody's second.
  [[100], [0, 0, 0]],
  [
    [100, 107],
    [0, 0, 7],
  ],
  [
    [100, 107, 107, 110],
    [7, 0, 3],
  ],
  [
    [0, 1, 3, 6, 10],
    [2, 3, 4],
  ],
  // The total began again.
  [
    [100, 5],
    [0, 0, 5],
  ],
  [
    [100, 0, 2],
    [0, 0, 2],
  ],
])('after totals %j: %j', (totals, values) => {
  const made = rates(...totals);
  expect(made.values).toEqual(values);
  expect(made.last).toBe(values[2]);
  expect(made.seconds).toEqual([-2, -1, 0]);
});
