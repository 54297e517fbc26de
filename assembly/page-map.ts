import { EMPTY_LEAF, TOP } from './layout';

/** 2^52: an integer in [0, 2^52) added to it becomes the sum's low 52 bits, and these the bits above. */
const UNIT: f64 = 4503599627370496.0;
const ABOVE: u64 = 0x433;

/** The low 52 bits are the address, if the number is one. Converting it saturates: a read would be 0.5 ns slower. */
export function bitsOf(address: f64): u64 {
  return reinterpret<u64>(address + UNIT);
}

/** Leaf entry of the page that holds a number's address; an unclaimed one unless it is an integer in [0, 2^52). */
export function leafOfNumber(address: f64): usize {
  const sum = address + UNIT;
  const bits = reinterpret<u64>(sum);
  // Two tests and not one: joined, both would be computed as values.
  if (sum - UNIT !== address) return EMPTY_LEAF;
  if (bits >> 52 !== ABOVE) return EMPTY_LEAF;
  return leafIn(bits);
}

/** The same for an address that is an integer. */
export function leafOf(address: u64): usize {
  if (address >> 52) return EMPTY_LEAF;
  return leafIn(address);
}

/** Of the low 52 bits. */
function leafIn(bits: u64): usize {
  const mid = load<u32>(<u32>(bits >> 36) & 0xfffc, TOP);
  const leaf = load<u32>(mid + (<u32>(bits >> 22) & 0xfffc));
  return leaf + ((<u32>bits >> 8) & 0xfff0);
}
