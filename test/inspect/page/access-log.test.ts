import { describe, expect, it } from 'vitest';
import { AccessLog } from '../../../src/inspect/page/access-log.js';

function log(capacity: number, count: number): AccessLog {
  const made = new AccessLog(capacity);
  for (let index = 0; index < count; index++) {
    made.add(index % 2 === 1, 4, 2 ** 40 + index, 0xffffffff, index, 3, 10 + index, 0.5 * index);
  }
  return made;
}

describe.each([
  [0, 0],
  [1, 0],
  [4, 0],
  [5, 1],
  [11, 7],
])('a log of 4, after %i accesses', (count, first) => {
  it(`keeps those from ${first} on`, () => {
    const made = log(4, count);
    expect([made.total, made.first]).toEqual([count, first]);
    expect(made.at(first - 1)).toBeUndefined();
    expect(made.at(count)).toBeUndefined();
    for (let sequence = first; sequence < count; sequence++) {
      expect(made.at(sequence)).toEqual({
        sequence,
        time: 0.5 * sequence,
        write: sequence % 2 === 1,
        width: 4,
        address: 2 ** 40 + sequence,
        low: 0xffffffff,
        high: sequence,
        kind: 3,
        epoch: 10 + sequence,
      });
    }
  });
});

it.each([1, 2, 4, 8] as const)('keeps the width %i', (width) => {
  const made = new AccessLog(2);
  made.add(true, width, 0, 0, 0, 0, 0, 0);
  made.add(false, width, 0, 0, 0, 0, 0, 0);
  expect([made.at(0), made.at(1)]).toMatchObject([
    { width, write: true },
    { width, write: false },
  ]);
});
