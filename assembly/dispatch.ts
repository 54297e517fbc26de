import { classify, DONE, IN_SPAN, span } from './classify';
import { readEntry, writeEntry } from './entry';
import { DATA, HIGH, KINDS, STATUS } from './layout';
import { leafOf } from './page-map';

/**
 * One guest read. Returns the value's low lane, the high lane of 8 bytes in HIGH. -1 with STATUS 0 is a value or all
 * ones; -1 with another STATUS is an outcome that TypeScript finishes.
 */
export function read(low: u32, high: u32, width: u32): i32 {
  const leaf = leafOf(low, high);
  const offset = low & 0xfff;
  const kind: u32 = load<u8>(load<u32>(leaf, KINDS) + (offset >> 3));
  if (width == 4 && kind & 4 && !(offset & 3)) return load<i32>(load<u32>(leaf, DATA) + offset);
  return readRest(leaf, kind, offset, width);
}

function readRest(leaf: usize, kind: u32, offset: u32, width: u32): i32 {
  if (width == 8 && kind & 8 && !(offset & 7)) return readEntry(leaf, offset, width);
  const outcome = classify(leaf, offset, width, false);
  if (outcome == IN_SPAN) return readEntry(span, offset, width);
  if (outcome == DONE) store<i32>(HIGH, -1);
  store<i32>(STATUS, outcome);
  return -1;
}

/** One guest write. Returns 0 when all is done, else an outcome that TypeScript finishes. */
export function write(low: u32, high: u32, width: u32, data: u32, dataHigh: u32): i32 {
  const leaf = leafOf(low, high);
  const offset = low & 0xfff;
  const kind: u32 = load<u8>(load<u32>(leaf, KINDS) + (offset >> 3));
  if ((width == 4 || width == 8) && kind & width && !(offset & (width - 1))) {
    return writeEntry(leaf, kind, offset, width, data, dataHigh);
  }
  const outcome = classify(leaf, offset, width, true);
  if (outcome == IN_SPAN) return writeEntry(span, load<u32>(span, KINDS), offset, width, data, dataHigh);
  return outcome;
}
