import { cells } from './cells';
import { spanOf } from './classify';
import { drop_stale, pass_entry } from './host';
import {
  CIRCLES,
  EMPTY_ENTRY,
  ENTERED,
  EPOCH,
  GENERATION,
  GONE,
  HELD,
  KINDS,
  MIXED_KINDS,
  ONES_ENTRY,
  PAGE,
  RECORD,
  RECORDS,
  SEEN,
  STATE,
  STRADDLE,
  UNCLAIMED_ACCESS,
  UNMAPPING,
  WHEREABOUTS_SIZE,
} from './layout';
import { acquire, release, tryAcquire } from './lock';
import { ADDRESS_BITS, bitsOf, isNumberOfAddress, leafOf, leafOfNumber } from './page-map';
import { splitsCrossing } from './policy';
import { recentLeafOf, remember } from './recent';

// An access enters by the page map and leaves with a value or an outcome. In the shared build the lock of the function that
// has its first byte is held in between, and on until TypeScript has finished what it is left to finish. Alone, the
// other build has none of this. Lookups take no lock. Under it an entry that no page leads to any more says so: to ask it is to
// look up again. Who switches decoding off raises the EPOCH first: accesses that begin after it look up in turn, and see STATE.

/** A page that changes hands as often between lookup and lock is nobody's. */
const TURNS: u32 = 64;

/** Before the lookup: what this worker finds then is not used again before it is here once more. */
export function pass(): void {
  if (ASC_FEATURE_THREADS && atomic.load<u32>(EPOCH) !== load<u32>(cells(), ENTERED)) pass_entry();
}

/** Leaf entry of the page that holds an address. */
export function enter(address: u64): usize {
  pass();
  if (!ASC_FEATURE_THREADS) return leafOf(address);
  const leaf = address >> 52 === 0 ? recentLeafOf(address) : EMPTY_ENTRY;
  return enterAtOnce(leaf) ? leaf : enterInTurn(address);
}

/** The same for a number from JavaScript. */
export function enterNumber(address: f64): usize {
  pass();
  const leaf = nearLeafOf(address);
  return ASC_FEATURE_THREADS && !enterAtOnce(leaf) ? enterNumberInTurn(address) : leaf;
}

/** The leaf entry where it is at hand: in the shared build, of a page that this worker found at this EPOCH. */
export function nearLeafOf(address: f64): usize {
  if (!ASC_FEATURE_THREADS) return leafOfNumber(address);
  return isNumberOfAddress(address) ? recentLeafOf(bitsOf(address)) : EMPTY_ENTRY;
}

/** A page of one function, whose lock is free: the first case. Under one EPOCH nothing was changed. False: nothing was done. */
export function enterAtOnce(leaf: usize): bool {
  const record: usize = load<u32>(leaf, RECORD);
  if (record === 0 || !tryAcquire(record)) return false;
  if (atomic.load<u32>(EPOCH) === load<u32>(cells(), SEEN)) return true;
  release(record);
  return false;
}

export function enterNumberInTurn(address: f64): usize {
  return isNumberOfAddress(address) ? enterInTurn(bitsOf(address) & ADDRESS_BITS) : EMPTY_ENTRY;
}

/** Under the lock. Decoding may have gone off and on since the entry: what this worker has mapped is dropped then before it is used. */
function isFresh(record: usize): bool {
  return <i32>(load<u32>(record, GENERATION) - load<u32>(cells(), ENTERED)) <= 0;
}

function enterInTurn(address: u64): usize {
  for (let turn: u32 = 0; turn < TURNS; turn++) {
    const leaf = leafOf(address);
    const record = recordOf(leaf, <u32>address);
    if (!isOpen(record)) break;
    if (!acquire(record)) {
      store<u32>(cells(), load<u32>(cells(), CIRCLES) + 1, CIRCLES);
      return ONES_ENTRY;
    }
    if (load<u32>(leaf, GONE) === 0) {
      remember(address, leaf);
      if (!isFresh(record)) drop_stale(record);
      return leaf;
    }
    release(record);
  }
  return EMPTY_ENTRY;
}

/** False for no function, and for one being switched off: that would wait for ever for accesses which begin after it. */
function isOpen(record: usize): bool {
  return record !== 0 && atomic.load<u32>(record, STATE) !== UNMAPPING;
}

/** Record of the function that has a byte; 0: none has. */
function recordOf(leaf: usize, low: u32): usize {
  const record = load<u32>(leaf, RECORD);
  if (record !== 0 || load<u32>(leaf, KINDS) !== MIXED_KINDS) return record;
  return load<u32>(<usize>load<u32>(RECORDS) + WHEREABOUTS_SIZE * load<u32>(spanOf(leaf, low & 0xfff), PAGE));
}

/** Nothing is left to do for TypeScript. */
export function leave(leaf: usize, low: u32): void {
  if (ASC_FEATURE_THREADS) {
    const record = recordOf(leaf, low);
    if (record !== 0) release(record);
  }
}

export function leaveWith(leaf: usize, low: u32, value: i32): i32 {
  leave(leaf, low);
  return value;
}

/** TypeScript finishes an access to a page of one function, or to none. */
export function hold(leaf: usize): void {
  if (ASC_FEATURE_THREADS) holdRecord(load<u32>(leaf, RECORD));
}

function holdRecord(record: usize): void {
  store<usize>(cells(), record, HELD);
}

/** Leaves a page of one function unless TypeScript finishes the outcome. */
export function leaveOrHold(leaf: usize, outcome: i32): i32 {
  if (ASC_FEATURE_THREADS) {
    if (outcome === 0) release(load<u32>(leaf, RECORD));
    else hold(leaf);
  }
  return outcome;
}

/**
 * Leaves unless TypeScript finishes the outcome. Bytes with different owners are accessed one after the other, each under its own
 * function's lock: no function's is held while another's is waited for.
 */
export function leaveUnlessHeld(leaf: usize, low: u32, outcome: i32): i32 {
  if (ASC_FEATURE_THREADS) {
    const what = outcome & 0xff;
    const over = what === 0 || what === UNCLAIMED_ACCESS || (what === STRADDLE && splitsCrossing);
    holdRecord(over ? 0 : recordOf(leaf, low));
    if (over) leave(leaf, low);
  }
  return outcome;
}
