import { cells } from './cells';
import { entryAt, inEntry, kindOf, readRest, writeRest } from './dispatch';
import { enter, leaveUnlessHeld, leaveWith } from './enter';
import { writeWord } from './entry';
import { complete_read, complete_write, unclaimed_read, unclaimed_write } from './host';
import { STATUS, UNCLAIMED_ACCESS } from './layout';

// The door for another wasm module: flat i32 signatures, and every access comes back finished.

/** Returns the value, zero-extended; of 8 bytes the low lane, the high one in HIGH. */
export function trap_read(low: u32, high: u32, width: u32): i32 {
  const leaf = enter(((<u64>high) << 32) | low);
  const kind = kindOf(leaf, low);
  if (width === 4 && inEntry(kind, low)) return leaveWith(leaf, low, load<i32>(entryAt(leaf, low)));
  const value = readRest(leaf, kind, low, width);
  return value === -1 ? finishRead(low, high, width) : value;
}

function finishRead(low: u32, high: u32, width: u32): i32 {
  const outcome = load<i32>(cells(), STATUS);
  if (outcome === 0) return width < 4 ? (1 << (width * 8)) - 1 : -1;
  store<i32>(cells(), 0, STATUS);
  return outcome === UNCLAIMED_ACCESS
    ? unclaimed_read(low, high, width)
    : complete_read(low, high, width, outcome);
}

export function trap_write(low: u32, high: u32, width: u32, data: u32, dataHigh: u32): void {
  const leaf = enter(((<u64>high) << 32) | low);
  const kind = kindOf(leaf, low);
  const outcome =
    width === 4 && inEntry(kind, low)
      ? leaveUnlessHeld(leaf, low, writeWord(leaf, kind, low, data))
      : writeRest(leaf, kind, low, width, data, dataHigh);
  if (outcome === 0) return;
  if (outcome === UNCLAIMED_ACCESS) unclaimed_write(low, high, width, data, dataHigh);
  else complete_write(low, high, width, data, dataHigh, outcome);
}
