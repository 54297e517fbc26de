/** Bytes of one access. Any other number is answered as unclaimed. */
export type Width = 1 | 2 | 4 | 8;

/** Any number. */
export const isWidth = (width: number): width is Width =>
  width === 4 || width === 1 || width === 2 || width === 8;

/** What `read` returns when no function claims the address: not the value of any access. */
export const UNCLAIMED = -1;

/** Bytes of a page, the guest's and the host's. */
export const PAGE_SIZE = 4096;

/** Guest-physical addresses are integers in [0, 2^52). */
export const ADDRESS_LIMIT = 2 ** 52;

/** The page that holds an address. Plain arithmetic: addresses do not fit 32-bit operators. */
export const pageOf = (address: number): number => address - (address % PAGE_SIZE);

/** All ones of an access; of 8 bytes one lane. */
export const ones = (width: Width): number => (width < 4 ? 2 ** (8 * width) - 1 : 0xffffffff);

/** The address of two 32-bit lanes, signed or not. */
export const addressOf = (low: number, high: number): number => (low >>> 0) + (high >>> 0) * 0x1_0000_0000;
