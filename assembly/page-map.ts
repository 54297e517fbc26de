import { EMPTY_LEAF, TOP } from './layout';

/** Leaf entry of the page that holds an address; an unclaimed one where nothing is mapped or past 52 bits. */
export function leafOf(address: u64): usize {
  if (address >> 52) return EMPTY_LEAF;
  const mid = load<u32>(TOP + (<u32>(address >> 36) & 0xfffc));
  const leaf = load<u32>(mid + (<u32>(address >> 22) & 0xfffc));
  return leaf + ((<u32>address >> 8) & 0xfff0);
}
