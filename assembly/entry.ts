import { updatedOf } from './classify';
import { DATA, HIGH, PAGE, TABLE_ADDRESS, VECTOR } from './layout';

// MSI-X table entries, aligned accesses of 4 or 8 bytes only (PCIe 7.7.2: anything else is undefined).

export function readEntry(owner: usize, offset: u32, width: u32): i32 {
  const pointer = load<u32>(owner, DATA) + offset;
  if (width == 8) store<u32>(HIGH, load<u32>(pointer, 4));
  return load<i32>(pointer);
}

/** Address and data written while unmasked take effect at the next unmask or enable. */
export function writeEntry(owner: usize, kind: u32, offset: u32, width: u32, data: u32, dataHigh: u32): i32 {
  const pointer = load<u32>(owner, DATA) + offset;
  if (kind == TABLE_ADDRESS) {
    store<u32>(pointer, data);
    if (width == 8) store<u32>(pointer, dataHigh, 4);
    store<u8>(updatedOf(owner, pointer), 1);
    return 0;
  }
  if (offset & 4) return writeControl(owner, pointer, data);
  store<u32>(pointer, data);
  store<u8>(updatedOf(owner, pointer), 1);
  return width == 8 ? writeControl(owner, pointer + 4, dataHigh) : 0;
}

/** Vector control: only bit 0, the mask, exists; writing it unchanged does nothing. */
function writeControl(owner: usize, pointer: usize, control: u32): i32 {
  const mask = control & 1;
  if (load<u32>(pointer) == mask) return 0;
  store<u32>(pointer, mask);
  return VECTOR | (load<u32>(owner, PAGE) << 8);
}
