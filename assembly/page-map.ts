import { EMPTY_LEAF, TOP } from './layout';

/** Leaf entry of the page that holds an address; an unclaimed one where nothing is mapped or past 52 bits. */
export function leafOf(low: u32, high: u32): usize {
  if (high >> 20) return EMPTY_LEAF;
  const mid = load<u32>(TOP + ((high >> 4) & 0xfffc));
  const leaf = load<u32>(mid + (((high & 0x3f) << 10) | ((low >> 22) & 0x3fc)));
  return leaf + ((low >> 8) & 0xfff0);
}
