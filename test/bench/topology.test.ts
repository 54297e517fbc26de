import { describe, expect, it } from 'vitest';
import { ACCESSES, addresses, addressOf, cases, layoutOf, USUAL } from '../../bench/topology.js';

describe.each([1, 8, 32, 64, 127, 128, 129, 255, 256, 257, 384, 385, 512, 2048])('%i vectors', (vectors) => {
  const layout = layoutOf(vectors);
  const { barSize, table, pba, registers } = layout;

  it('have table, PBA and registers one after the other in the BAR', () => {
    expect(table + 16 * vectors).toBeLessThanOrEqual(pba);
    expect(pba + 8 * Math.ceil(vectors / 64)).toBeLessThanOrEqual(registers);
    expect(registers + 0x400).toBeLessThanOrEqual(barSize);
    expect(Math.log2(barSize) % 1).toBe(0);
  });

  it('have registers and PBA on a page that traps, and no such page before the table', () => {
    expect(Math.floor(registers / 4096)).toBe(Math.floor(pba / 4096));
    expect(table % 4096).toBe(0);
    expect(table).toBeGreaterThanOrEqual(0x2000);
  });

  it('are accessed inside of what each case names', () => {
    const limits = {
      'table-read': [table, table + 16 * vectors],
      'table-write': [table, table + 16 * vectors],
      'adjacent-read': [registers, registers + 0x400],
      'adjacent-write': [registers, registers + 0x400],
      'unaligned-read': [registers, registers + 0x400],
      'pba-read': [pba, pba + 8],
      'unclaimed-read': [0, table],
    } as const;
    for (const what of cases) {
      const [low, high] = limits[what];
      const offsets = addresses(what, 3, layout).map((address) => (address - addressOf(0, layout)) % barSize);
      expect(offsets).toHaveLength(ACCESSES);
      expect(offsets.every((offset) => offset >= low && offset + 4 <= high)).toBe(true);
    }
  });
});

it('the usual function is a page of a BAR of 16 KiB', () => {
  expect(USUAL).toEqual({ vectors: 32, barSize: 0x4000, table: 0x2000, pba: 0x2800, registers: 0x2c00 });
});
