import { classify, DONE, IN_SPAN, span } from './classify';
import { readEntry, writeEntry, writeWord } from './entry';
import { DATA, EMPTY_LEAF, FORWARD, FORWARDED, HIGH, KINDS, PAGE, STATUS, TABLE } from './layout';
import { leafOf } from './page-map';

// From JavaScript an address is a number: any, and unclaimed unless an integer in [0, 2^52).

/**
 * One guest read of 4 bytes, what drivers do nearly always. -1 with STATUS 0 is a value or all ones; -1 with another
 * STATUS is an outcome that TypeScript finishes.
 */
export function read4(address: f64): i32 {
  const bits = <i64>address;
  const leaf = <f64>bits === address ? leafOf(bits) : EMPTY_LEAF;
  const low = <u32>bits;
  const kind = kindOf(leaf, low);
  if (inEntry(kind, low)) return load<i32>(entryAt(leaf, low));
  if (((kind ^ FORWARD) | (low & 3)) === 0) {
    store<i32>(STATUS, FORWARDED | (load<u32>(leaf, PAGE) << 8));
    return -1;
  }
  return readRest(leaf, kind, low, 4);
}

/** The same for any width. Returns the value's low lane, the high lane of 8 bytes in HIGH. */
export function read(address: f64, width: u32): i32 {
  const bits = <i64>address;
  const leaf = <f64>bits === address ? leafOf(bits) : EMPTY_LEAF;
  return readRest(leaf, kindOf(leaf, <u32>bits), <u32>bits, width);
}

/** One guest write of 4 bytes. Returns 0 when all is done, else an outcome that TypeScript finishes. */
export function write4(address: f64, data: u32): i32 {
  const bits = <i64>address;
  const leaf = <f64>bits === address ? leafOf(bits) : EMPTY_LEAF;
  const low = <u32>bits;
  const kind = kindOf(leaf, low);
  return inEntry(kind, low) ? writeWord(leaf, kind, low, data) : writeRest(leaf, kind, low, 4, data, 0);
}

/** The same for any width. */
export function write(address: f64, width: u32, data: u32, dataHigh: u32): i32 {
  const bits = <i64>address;
  const leaf = <f64>bits === address ? leafOf(bits) : EMPTY_LEAF;
  return writeRest(leaf, kindOf(leaf, <u32>bits), <u32>bits, width, data, dataHigh);
}

/** Kind byte of an address's cell. */
export function kindOf(leaf: usize, low: u32): u32 {
  return load<u8>(load<u32>(leaf, KINDS) + ((low >> 3) & 0x1ff));
}

/** A 4-byte access that a table allows, the case that all doors answer first. */
export function inEntry(kind: u32, low: u32): bool {
  return ((kind & TABLE) | (low & 3)) === TABLE;
}

/** Where the storage of an address in a table is. */
export function entryAt(leaf: usize, low: u32): usize {
  return load<u32>(leaf, DATA) + low;
}

/** A read that is not the first case. Returns as `read` does. */
export function readRest(leaf: usize, kind: u32, low: u32, width: u32): i32 {
  if (isEntryAccess(kind, low, width)) return readEntry(leaf, low, width);
  const outcome = classify(leaf, kind, low & 0xfff, width, false);
  if (outcome === IN_SPAN) return readEntry(span, low, width);
  if (outcome === DONE) store<i32>(HIGH, -1);
  store<i32>(STATUS, outcome);
  return -1;
}

/** A write that is not the first case. Returns as `write` does. */
export function writeRest(leaf: usize, kind: u32, low: u32, width: u32, data: u32, dataHigh: u32): i32 {
  if (width === 4 && ((kind ^ FORWARD) | (low & 3)) === 0) return FORWARDED | (load<u32>(leaf, PAGE) << 8);
  if (isEntryAccess(kind, low, width)) return writeEntry(leaf, kind, low, width, data, dataHigh);
  const outcome = classify(leaf, kind, low & 0xfff, width, true);
  if (outcome === IN_SPAN) return writeEntry(span, load<u32>(span, KINDS), low, width, data, dataHigh);
  return outcome;
}

function isEntryAccess(kind: u32, low: u32, width: u32): bool {
  return (width === 4 || width === 8) && ((kind & TABLE) | (low & (width - 1))) === TABLE;
}
