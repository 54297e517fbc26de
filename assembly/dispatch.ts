import { cells } from './cells';
import { classify, DONE, IN_SPAN, span } from './classify';
import {
  enterAtOnce,
  enterNumber,
  enterNumberInTurn,
  hold,
  leaveOrHold,
  leaveUnlessHeld,
  leaveWith,
  nearLeafOf,
  pass,
} from './enter';
import { readEntry, writeEntry, writeWord } from './entry';
import {
  DATA,
  FORWARD,
  FORWARDED,
  HIGH,
  HOST,
  KINDS,
  OTHER,
  PAGE,
  SPLIT,
  STATUS,
  TABLE,
  UNCLAIMED_ACCESS,
  UNCLAIMED_CELL,
} from './layout';
import { bitsOf } from './page-map';

// From JavaScript an address is a number: any, and unclaimed unless an integer in [0, 2^52).

/**
 * One guest read of 4 bytes, what drivers do nearly always. -1 with STATUS 0 is a value or all ones; -1 with another
 * STATUS is an outcome that TypeScript finishes. Calls nothing but what is inlined: V8 then leaves out the check of the
 * stack, 0.3 ns.
 */
export function read4(address: f64): i32 {
  pass();
  let leaf = nearLeafOf(address);
  if (ASC_FEATURE_THREADS && !enterAtOnce(leaf)) leaf = enterNumberInTurn(address);
  const low = <u32>bitsOf(address);
  const kind = kindOf(leaf, low);
  if (inEntry(kind, low)) return leaveWith(leaf, low, load<i32>(entryAt(leaf, low)));
  const outcome = firstOutcome(leaf, kind, low);
  // Left to TypeScript the lock would be given back in between.
  if (ASC_FEATURE_THREADS && outcome === OTHER) return readRest(leaf, kind, low, 4);
  hold(leaf);
  store<i32>(cells(), outcome, STATUS);
  return -1;
}

/** Outcome of a 4-byte read outside of tables, where a look at the kinds tells it. */
function firstOutcome(leaf: usize, kind: u32, low: u32): i32 {
  if (kind === UNCLAIMED_CELL) return UNCLAIMED_ACCESS;
  const page = load<u32>(leaf, PAGE) << 8;
  if (((~kind & (HOST | 4)) | (low & 3)) === 0) return FORWARDED | page;
  if (kind === FORWARD && (low & 0xfff) <= 0xffc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;
  return OTHER;
}

/** The same for any width; never OTHER. Returns the value's low lane, the high lane of 8 bytes in HIGH. */
export function read(address: f64, width: u32): i32 {
  const leaf = enterNumber(address);
  const low = <u32>bitsOf(address);
  return readRest(leaf, kindOf(leaf, low), low, width);
}

/** One guest write of 4 bytes. Returns 0 when all is done, else an outcome that TypeScript finishes. */
export function write4(address: f64, data: u32): i32 {
  pass();
  let leaf = nearLeafOf(address);
  if (ASC_FEATURE_THREADS && !enterAtOnce(leaf)) leaf = enterNumberInTurn(address);
  const low = <u32>bitsOf(address);
  const kind = kindOf(leaf, low);
  if (inEntry(kind, low)) return leaveOrHold(leaf, writeWord(leaf, kind, low, data));
  if (isForwarded(kind, low)) {
    hold(leaf);
    return FORWARDED | (load<u32>(leaf, PAGE) << 8);
  }
  return writeRest(leaf, kind, low, 4, data, 0);
}

/** The same for any width. */
export function write(address: f64, width: u32, data: u32, dataHigh: u32): i32 {
  const leaf = enterNumber(address);
  const low = <u32>bitsOf(address);
  return writeRest(leaf, kindOf(leaf, low), low, width, data, dataHigh);
}

/** Kind byte of an address's cell. */
export function kindOf(leaf: usize, low: u32): u32 {
  return load<u8>(load<u32>(leaf, KINDS) + ((low >> 3) & 0x1ff));
}

/** A 4-byte access that a table allows, the case that all doors answer first. */
export function inEntry(kind: u32, low: u32): bool {
  return ((~kind & TABLE) | (low & 3)) === 0;
}

/** A 4-byte write that a mapped page takes, the next in line. */
function isForwarded(kind: u32, low: u32): bool {
  return ((kind ^ FORWARD) | (low & 3)) === 0;
}

/** Where the storage of an address in a table is. */
export function entryAt(leaf: usize, low: u32): usize {
  return load<u32>(leaf, DATA) + low;
}

/** A read that is not the first case. Returns as `read` does. */
export function readRest(leaf: usize, kind: u32, low: u32, width: u32): i32 {
  if (isEntryAccess(kind, low, width)) return leaveWith(leaf, low, readEntry(leaf, low, width));
  const outcome = classify(leaf, kind, low & 0xfff, width, false);
  if (outcome === IN_SPAN) return leaveWith(leaf, low, readEntry(span, low, width));
  if (outcome === DONE) store<i32>(cells(), -1, HIGH);
  store<i32>(cells(), leaveUnlessHeld(leaf, low, outcome), STATUS);
  return -1;
}

/** A write that is not the first case. Returns as `write` does. */
export function writeRest(leaf: usize, kind: u32, low: u32, width: u32, data: u32, dataHigh: u32): i32 {
  if (width === 4 && isForwarded(kind, low)) {
    hold(leaf);
    return FORWARDED | (load<u32>(leaf, PAGE) << 8);
  }
  if (isEntryAccess(kind, low, width)) {
    return leaveUnlessHeld(leaf, low, writeEntry(leaf, kind, low, width, data, dataHigh));
  }
  const outcome = classify(leaf, kind, low & 0xfff, width, true);
  if (outcome === IN_SPAN) {
    return leaveUnlessHeld(leaf, low, writeEntry(span, load<u32>(span, KINDS), low, width, data, dataHigh));
  }
  return leaveUnlessHeld(leaf, low, outcome);
}

function isEntryAccess(kind: u32, low: u32, width: u32): bool {
  return (width === 4 || width === 8) && ((kind & TABLE) | (low & (width - 1))) === TABLE;
}
