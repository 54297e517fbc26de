/** Bytes of one access. Any other number is answered as unclaimed. */
export type Width = 1 | 2 | 4 | 8;

/** What `read` returns when no function claims the address: not the value of any access. */
export const UNCLAIMED = -1;

export const PAGE_SIZE = 4096;

/** Guest-physical addresses are integers in [0, 2^52). */
export const ADDRESS_LIMIT = 2 ** 52;

/** The page that holds an address. Plain arithmetic: addresses do not fit 32-bit operators. */
export const pageOf = (address: number): number => address - (address % PAGE_SIZE);
