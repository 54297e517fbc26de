import { describe, expect, it } from 'vitest';
import { addressBits, barRegister, isWide, romAddress } from '../../src/pci/bar-register.js';

describe('a BAR register', () => {
  it.each([
    ['I/O', 0x0000_e001, 'io', 0xe000, false],
    ['I/O, whose bit 2 is an address bit', 0x0000_e005, 'io', 0xe004, false],
    ['I/O, whose bit 3 is one too', 0x0000_e009, 'io', 0xe008, false],
    ['32-bit memory', 0xfe00_0000, 'mem32', 0xfe00_0000, false],
    ['32-bit memory, prefetchable', 0xfe00_0008, 'mem32', 0xfe00_0000, true],
    ['memory below 1 MiB, a type of PCI 2.1', 0x000c_0002, 'mem32', 0x000c_0000, false],
    ['a reserved type', 0xfe00_0006, 'mem32', 0xfe00_0000, false],
    ['64-bit memory', 0xfe00_0004, 'mem64', 0x12_fe00_0000, false],
    ['64-bit memory, prefetchable', 0xfe00_000c, 'mem64', 0x12_fe00_0000, true],
  ])('of %s', (_, low, type, address, prefetchable) => {
    expect(barRegister(low, 0x12)).toEqual({ type, address, prefetchable });
    expect(isWide(low)).toBe(type === 'mem64');
    expect(addressBits(low)).toBe(address % 2 ** 32);
  });

  it('has an unsigned address at the top', () => {
    expect(barRegister(0xffff_fff4, 0xffff_ffff).address).toBe(0xffff_ffff * 2 ** 32 + 0xffff_fff0);
  });
});

it.each([
  [0x0000_07ff, 0],
  [0x0000_0801, 0x800],
  [0xffff_ffff, 0xffff_f800],
])('the ROM register %i has the address %i', (register, address) => {
  expect(romAddress(register)).toBe(address);
});
