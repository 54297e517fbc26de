import { expect, it } from 'vitest';
import { moveTableEntry } from '../../src/regions/graphics-table-entry.js';

it('an entry is moved with its base, and keeps its flags', () => {
  expect(moveTableEntry(0x7c012003, 0x7c000000, 0x5f000000)).toBe(0x5f012003);
  expect(moveTableEntry(0x5f012003, 0x5f000000, 0xdc000000)).toBe(0xdc012003);
});

it('a base of 0 is refused, on either side', () => {
  expect(() => moveTableEntry(0x7c012003, 0, 0x5f000000)).toThrow(
    /hostBase 0x0 is not an integer in \[1, 2\^32\)/,
  );
  expect(() => moveTableEntry(2 ** 32, 0x7c000000, 0)).toThrow(/entry 0x100000000 .*; .*guestBase 0x0/);
});
