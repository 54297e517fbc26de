import { read, write } from './dispatch';
import {
  DATA_IS_POINTER,
  DIRECTION_READ,
  HIGH,
  RECORD_ADDRESS,
  RECORD_BITS,
  RECORD_COUNT,
  RECORD_DATA,
  RECORD_SIZE,
  RECORD_TYPE,
  RECORD_WIDTH,
  STATE_DONE,
  STATE_MASK,
  STATE_READY,
  STATUS,
  TYPE_COPY,
  UNCLAIMED_ACCESS,
} from './layout';

/**
 * Answers the records from `first` to before `end`, in order, up to the first that TypeScript must finish; returns
 * that record, its outcome in STATUS, or `end`. Records that are no plain MMIO copy, not ready, or that no function
 * claims stay as they are.
 */
export function answer(first: usize, end: usize): usize {
  for (let record = first; record < end; record += RECORD_SIZE) {
    const bits = <u32>load<u8>(record, RECORD_BITS);
    if ((bits & (STATE_MASK | DATA_IS_POINTER)) != STATE_READY) continue;
    if (load<u8>(record, RECORD_TYPE) != TYPE_COPY || load<u32>(record, RECORD_COUNT) != 1) continue;
    const low = load<u32>(record, RECORD_ADDRESS);
    const high = load<u32>(record, RECORD_ADDRESS + 4);
    const width = load<u32>(record, RECORD_WIDTH);
    if (bits & DIRECTION_READ) {
      const value = read(low, high, width);
      if (value == -1) {
        const outcome = load<i32>(STATUS);
        if (outcome == UNCLAIMED_ACCESS) {
          store<i32>(STATUS, 0);
          continue;
        }
        if (outcome) return record;
      }
      store<u32>(record, width < 4 ? value & ((1 << (width * 8)) - 1) : value, RECORD_DATA);
      store<u32>(record, width == 8 ? load<u32>(HIGH) : 0, RECORD_DATA + 4);
    } else {
      const outcome = write(low, high, width, load<u32>(record, RECORD_DATA), load<u32>(record, RECORD_DATA + 4));
      if (outcome == UNCLAIMED_ACCESS) continue;
      if (outcome) {
        store<i32>(STATUS, outcome);
        return record;
      }
    }
    store<u8>(record, (bits & ~STATE_MASK) | STATE_DONE, RECORD_BITS);
  }
  return end;
}
