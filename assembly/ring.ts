import { cells } from './cells';
import { entryAt, inEntry, kindOf, readRest, writeRest } from './dispatch';
import { enter, leave } from './enter';
import { isControl, storeWord } from './entry';
import {
  HIGH,
  RECORD_ADDRESS,
  RECORD_COUNT,
  RECORD_DATA,
  RECORD_SIZE,
  RECORD_TAIL,
  RECORD_WIDTH,
  STATUS,
  TAIL_PLAIN,
  TAIL_PLAIN_MASK,
  TAIL_READ,
  TAIL_READY_TO_DONE,
  UNCLAIMED_ACCESS,
} from './layout';

/**
 * Answers the records from `first` to before `end`, in order, up to the first that TypeScript must finish; returns
 * that record, its outcome in STATUS, or `end`. Records that are no plain MMIO copy, not ready, or that no function
 * claims stay as they are.
 */
export function answer(first: usize, end: usize): usize {
  for (let record = first; record < end; record += RECORD_SIZE) {
    if (answerFirstCase(record)) continue;
    const outcome = answerRest(record);
    if (outcome) {
      store<i32>(cells(), outcome, STATUS);
      return record;
    }
  }
  return end;
}

/** 4 bytes of a table, but for a write of vector control. False: nothing was done. */
function answerFirstCase(record: usize): bool {
  const tail = load<u32>(record, RECORD_TAIL);
  if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN) return false;
  if (load<u32>(record, RECORD_COUNT) !== 1) return false;
  if (load<u32>(record, RECORD_WIDTH) !== 4) return false;
  const address = load<u64>(record, RECORD_ADDRESS);
  const low = <u32>address;
  const leaf = enter(address);
  const kind = kindOf(leaf, low);
  if (!inEntry(kind, low)) {
    leave(leaf, low);
    return false;
  }
  if (tail & TAIL_READ) {
    store<u64>(record, load<u32>(entryAt(leaf, low)), RECORD_DATA);
  } else {
    if (isControl(kind, low)) {
      leave(leaf, low);
      return false;
    }
    storeWord(leaf, entryAt(leaf, low), load<u32>(record, RECORD_DATA));
  }
  leave(leaf, low);
  store<u32>(record, tail ^ TAIL_READY_TO_DONE, RECORD_TAIL);
  return true;
}

/** Any record, read anew: kept for it, the first case's registers would be spilled at every record (0.7 ns). */
function answerRest(record: usize): i32 {
  const tail = load<u32>(record, RECORD_TAIL);
  if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN || load<u32>(record, RECORD_COUNT) !== 1) return 0;
  const address = load<u64>(record, RECORD_ADDRESS);
  const low = <u32>address;
  const leaf = enter(address);
  const kind = kindOf(leaf, low);
  const outcome =
    tail & TAIL_READ ? readRecord(record, leaf, kind, low) : writeRecord(record, leaf, kind, low);
  if (outcome === UNCLAIMED_ACCESS) return 0;
  if (outcome === 0) store<u32>(record, tail ^ TAIL_READY_TO_DONE, RECORD_TAIL);
  return outcome;
}

function readRecord(record: usize, leaf: usize, kind: u32, low: u32): i32 {
  const width = load<u32>(record, RECORD_WIDTH);
  const value = readRest(leaf, kind, low, width);
  const outcome = value === -1 ? load<i32>(cells(), STATUS) : 0;
  if (outcome) {
    store<i32>(cells(), 0, STATUS);
    return outcome;
  }
  store<u32>(record, width < 4 ? value & ((1 << (width * 8)) - 1) : value, RECORD_DATA);
  store<u32>(record, width === 8 ? load<u32>(cells(), HIGH) : 0, RECORD_DATA + 4);
  return 0;
}

function writeRecord(record: usize, leaf: usize, kind: u32, low: u32): i32 {
  const width = load<u32>(record, RECORD_WIDTH);
  const data = load<u32>(record, RECORD_DATA);
  return writeRest(leaf, kind, low, width, data, load<u32>(record, RECORD_DATA + 4));
}
