import type { GuestRegister } from '../function.js';

/** The bytes that a register gives to the guest, by offset in its space. */
export const registerBytes = ({ offset, width, value }: GuestRegister): [offset: number, byte: number][] =>
  value === 'hardware'
    ? []
    : Array.from({ length: width }, (_, index) => [offset + index, Math.floor(value / 256 ** index) & 0xff]);
