import { expect, test } from 'vitest';
import { MOST_ENTRIES, pbaSize, tableSize } from '../src/msix-layout.js';

test.each([
  [1, 16, 8],
  [64, 1024, 8],
  [65, 1040, 16],
  [MOST_ENTRIES, 32768, 256],
])('%i entries have a table of %i bytes and a PBA of %i', (count, table, pba) => {
  expect([tableSize(count), pbaSize(count)]).toEqual([table, pba]);
});
