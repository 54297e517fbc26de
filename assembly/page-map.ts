import { EMPTY_ENTRY, EMPTY_LEAF, TOP } from './layout';

/** 2^52: an integer in [0, 2^52) added to it becomes the low 52 bits of the sum. */
const UNIT: f64 = 4503599627370496.0;
/** The sum's bits from 36 on, but for the integer's. */
const UNIT_TOP: u32 = 0x433 << 16;

/** The low 52 bits are the address, if the number is one. Converting it saturates: a read would be 0.5 ns slower. */
export function bitsOf(address: f64): u64 {
  return reinterpret<u64>(address + UNIT);
}

/** Of the low 52. */
export const ADDRESS_BITS: u64 = 0xfffffffffffff;

/** An integer in [0, 2^52). */
export function isNumberOfAddress(address: f64): bool {
  const sum = address + UNIT;
  return sum - UNIT === address && <u32>(reinterpret<u64>(sum) >> 36) - UNIT_TOP <= 0xffff;
}

/** Leaf entry of the page that holds a number's address; an unclaimed one unless it is an integer in [0, 2^52). */
export function leafOfNumber(address: f64): usize {
  const sum = address + UNIT;
  if (sum - UNIT !== address) return EMPTY_LEAF;
  const bits = reinterpret<u64>(sum);
  return leafIn(bits, <u32>(bits >> 36) - UNIT_TOP);
}

/** The same for an address that is an integer. */
export function leafOf(address: u64): usize {
  return leafIn(address, <u32>(address >> 36));
}

/** `top`: the bits from 36 on. An address has 16 of them. */
function leafIn(bits: u64, top: u32): usize {
  if (ASC_FEATURE_THREADS) return sharedLeafIn(bits, top);
  if (top > 0xffff) return EMPTY_LEAF;
  const mid = load<u32>(top & 0xfffc, TOP);
  const leaf = load<u32>(mid + (<u32>(bits >> 22) & 0xfffc));
  return leaf + ((<u32>bits >> 8) & 0xfff0);
}

/** What another worker writes meanwhile is one pointer, to what it wrote before. */
function sharedLeafIn(bits: u64, top: u32): usize {
  if (top > 0xffff) return EMPTY_ENTRY;
  const mid: usize = atomic.load<u32>(top & 0xfffc, TOP);
  const leaves: usize = atomic.load<u32>(mid + (<u32>(bits >> 22) & 0xfffc));
  return atomic.load<u32>(leaves + ((<u32>bits >> 10) & 0x3ffc));
}
