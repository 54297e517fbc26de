import type { BarType } from '../host.js';

/** Bits of a BAR's register (PCI 3.0 6.2.5.1): I/O space; of memory, 64-bit in bits 2..1, prefetchable. */
export const IO_SPACE = 1 << 0;
export const WIDE = 2 << 1;
export const PREFETCHABLE = 1 << 3;
const TYPE = 3 << 1;
/** Bits that are no address. */
const IO_BITS = 3;
const MEMORY_BITS = 15;
/** Address bits of the ROM's register (PCI 3.0 6.2.5.2). */
const ROM_ADDRESS = 0xfffff800;

/** What a BAR has at least, bytes, and as much alignment (PCI 3.0 6.2.5.1, 6.2.5.2): of memory, of I/O, the ROM. */
export const BAR_GRAIN = 16;
export const IO_GRAIN = 4;
export const ROM_GRAIN = 2048;

/** What a BAR's register says. */
export interface BarRegister {
  readonly type: Exclude<BarType, 'rom'>;
  readonly address: number;
  readonly prefetchable: boolean;
}

/** Takes a register apart; `high` is the one behind it, which only a 64-bit BAR has. */
export function barRegister(low: number, high: number): BarRegister {
  if (low & IO_SPACE) return { type: 'io', address: addressBits(low), prefetchable: false };
  const wide = isWide(low);
  return {
    type: wide ? 'mem64' : 'mem32',
    address: (wide ? high * 2 ** 32 : 0) + addressBits(low),
    prefetchable: (low & PREFETCHABLE) !== 0,
  };
}

/** Whether the register is the lower half of a 64-bit BAR's. */
export const isWide = (low: number): boolean => (low & (IO_SPACE | TYPE)) === WIDE;

/** A register without its type bits. */
export const addressBits = (low: number): number => (low & ~(low & IO_SPACE ? IO_BITS : MEMORY_BITS)) >>> 0;

/** The ROM's address. */
export const romAddress = (register: number): number => (register & ROM_ADDRESS) >>> 0;
