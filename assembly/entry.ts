import { cells } from './cells';
import { CONTROL, DATA, FLAGS, HIGH, PAGE, VECTOR } from './layout';

// MSI-X table entries, aligned accesses of 4 or 8 bytes only (PCIe 7.7.2: anything else is undefined).
// `owner` is a leaf entry or a span of a mixed page.

export function readEntry(owner: usize, low: u32, width: u32): i32 {
  const pointer = load<u32>(owner, DATA) + low;
  if (width === 8) store<u32>(cells(), load<u32>(pointer, 4), HIGH);
  return load<i32>(pointer);
}

export function writeEntry(owner: usize, kind: u32, low: u32, width: u32, data: u32, dataHigh: u32): i32 {
  const outcome = writeWord(owner, kind, low, data);
  return width === 8 ? writeWord(owner, kind, low + 4, dataHigh) : outcome;
}

/** Address and data written while unmasked take effect at the next unmask or enable. */
export function writeWord(owner: usize, kind: u32, low: u32, data: u32): i32 {
  const pointer = load<u32>(owner, DATA) + low;
  if (isControl(kind, low)) return writeControl(owner, pointer, data);
  storeWord(owner, pointer, data);
  return 0;
}

/** An aligned word of a table is vector control. */
export function isControl(kind: u32, low: u32): bool {
  return (kind & CONTROL & (low << 2)) !== 0;
}

export function storeWord(owner: usize, pointer: usize, data: u32): void {
  store<u32>(pointer, data);
  store<u8>(<usize>load<u32>(owner, FLAGS) + (pointer >> 4), 1);
}

/** Vector control: only bit 0, the mask, exists; writing it unchanged does nothing. */
function writeControl(owner: usize, pointer: usize, control: u32): i32 {
  const mask = control & 1;
  if (load<u32>(pointer) === mask) return 0;
  store<u32>(pointer, mask);
  return VECTOR | (load<u32>(owner, PAGE) << 8);
}
