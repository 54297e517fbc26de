import { entryAt, inEntry, kindOf, readRest, writeRest } from './dispatch';
import { writeWord } from './entry';
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
import { leafOf } from './page-map';

/**
 * Answers the records from `first` to before `end`, in order, up to the first that TypeScript must finish; returns
 * that record, its outcome in STATUS, or `end`. Records that are no plain MMIO copy, not ready, or that no function
 * claims stay as they are.
 */
export function answer(first: usize, end: usize): usize {
  for (let record = first; record < end; record += RECORD_SIZE) {
    const tail = load<u32>(record, RECORD_TAIL);
    if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN || load<u32>(record, RECORD_COUNT) !== 1) continue;
    const address = load<u64>(record, RECORD_ADDRESS);
    const low = <u32>address;
    const leaf = leafOf(address);
    const kind = kindOf(leaf, low);
    if (load<u32>(record, RECORD_WIDTH) === 4 && inEntry(kind, low)) {
      if (tail & TAIL_READ) {
        store<u64>(record, load<u32>(entryAt(leaf, low)), RECORD_DATA);
      } else {
        const outcome = writeWord(leaf, kind, low, load<u32>(record, RECORD_DATA));
        if (outcome) {
          store<i32>(STATUS, outcome);
          return record;
        }
      }
    } else {
      const outcome = answerRest(record, leaf, kind, low, tail);
      if (outcome === UNCLAIMED_ACCESS) continue;
      if (outcome) {
        store<i32>(STATUS, outcome);
        return record;
      }
    }
    store<u32>(record, tail ^ TAIL_READY_TO_DONE, RECORD_TAIL);
  }
  return end;
}

/** A plain record that is not the first case; returns its outcome. */
function answerRest(record: usize, leaf: usize, kind: u32, low: u32, tail: u32): i32 {
  const width = load<u32>(record, RECORD_WIDTH);
  if (!(tail & TAIL_READ)) {
    const data = load<u32>(record, RECORD_DATA);
    return writeRest(leaf, kind, low, width, data, load<u32>(record, RECORD_DATA + 4));
  }
  const value = readRest(leaf, kind, low, width);
  const outcome = value === -1 ? load<i32>(STATUS) : 0;
  if (outcome) {
    store<i32>(STATUS, 0);
    return outcome;
  }
  store<u32>(record, width < 4 ? value & ((1 << (width * 8)) - 1) : value, RECORD_DATA);
  store<u32>(record, width === 8 ? load<u32>(HIGH) : 0, RECORD_DATA + 4);
  return 0;
}
