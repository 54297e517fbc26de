import { entryAt, inEntry, kindOf } from './dispatch';
import { leafOf } from './page-map';
import { trap_read, trap_write } from './trap';

// The doors for v86: its MMIO imports, by their names and signatures. It has no other widths: of 16 bits a read arrives as
// two bytes, of 64 and 128 bits as words. Its addresses have 32 bits.

export function mmap_read8(address: u32): i32 {
  return trap_read(address, 0, 1);
}

export function mmap_read32(address: u32): i32 {
  const leaf = leafOf(address);
  const kind = kindOf(leaf, address);
  if (inEntry(kind, address)) return load<i32>(entryAt(leaf, address));
  return trap_read(address, 0, 4);
}

export function mmap_write8(address: u32, data: u32): void {
  trap_write(address, 0, 1, data, 0);
}

export function mmap_write16(address: u32, data: u32): void {
  trap_write(address, 0, 2, data, 0);
}

export function mmap_write32(address: u32, data: u32): void {
  trap_write(address, 0, 4, data, 0);
}

export function mmap_write64(address: u32, low: u32, high: u32): void {
  trap_write(address, 0, 8, low, high);
}

export function mmap_write128(address: u32, data0: u32, data1: u32, data2: u32, data3: u32): void {
  trap_write(address, 0, 8, data0, data1);
  trap_write(address + 8, 0, 8, data2, data3);
}
