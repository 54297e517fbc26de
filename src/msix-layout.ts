/** Bytes of an entry of an MSI-X table, and where in it vector control is (PCIe 7.7.2). */
export const MSIX_ENTRY = 16;
export const VECTOR_CONTROL = 12;

/** Table Size encodes 1 to so many entries (PCIe 7.7.2.2). */
export const MOST_ENTRIES = 2048;

/** Bytes of a table of so many entries. */
export const tableSize = (count: number): number => MSIX_ENTRY * count;

/** Bytes of its PBA: a bit an entry, in whole 8-byte words. */
export const pbaSize = (count: number): number => 8 * Math.ceil(count / 64);
