import { expect, it } from 'vitest';
import { LOCKED_SIZE, lockCosts } from '../../bench/lock.js';
import { merge } from '../../bench/merge.js';
import { measured, processOf } from './rows.js';

const CASES = ['table-read', 'table-write', 'adjacent-read', 'adjacent-write', 'unaligned-read'] as const;

const built = (ns: number, slow = 1) =>
  merge(
    LOCKED_SIZE,
    [
      processOf(
        CASES.map((access) => measured({ access }, ns)),
        1,
        slow,
      ),
    ],
    1,
  );

it('a lock adds what its build takes more, times the floor of the other build', () => {
  const added = { 'table-read': 2.5, 'table-write': 1.5, 'adjacent-read': 2.5, 'adjacent-write': 1.5 };
  expect(lockCosts(built(6), built(13.5, 4))).toEqual(
    Object.entries({ ...added, 'unaligned-read': 2.5 }).map(([access, times]) => ({
      access,
      without: 6,
      locked: 13.5,
      added: times,
    })),
  );
});
