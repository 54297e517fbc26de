import { cells } from './cells';
import { EMPTY_ENTRY, RECENT, RECENT_LEAF, RECENT_SIZE, SEEN } from './layout';

// Shared build: the leaf entries that this worker's accesses found at the EPOCH of this one, by page number. A lock makes the loads
// of an access wait for the one before: one is there sooner than the page map's three. What was found at an earlier
// EPOCH may be something else by now, and is not taken.

function slotOf(address: u64): usize {
  return cells() + RECENT + (<usize>(address >> 8) & (RECENT_SIZE - 16));
}

/** The EPOCH, and the bits of the page number that do not tell the slot. */
function keyOf(address: u64): u64 {
  return ((<u64>load<u32>(cells(), SEEN)) << 32) | <u64>(<u32>(address >> 20));
}

/** Of an address below 2^52. EMPTY_ENTRY: it was not found at this EPOCH. */
export function recentLeafOf(address: u64): usize {
  const slot = slotOf(address);
  return load<u64>(slot) === keyOf(address) ? load<u32>(slot, RECENT_LEAF) : EMPTY_ENTRY;
}

export function remember(address: u64, leaf: usize): void {
  const slot = slotOf(address);
  store<u64>(slot, keyOf(address));
  store<u32>(slot, <u32>leaf, RECENT_LEAF);
}
