import { cells } from './cells';
import { spanOf } from './classify';
import { entryAt, kindOf } from './dispatch';
import { enter, leave, leaveUnlessHeld, leaveWith } from './enter';
import { writeWord } from './entry';
import { complete_write, forwarded_read4, forwarded_write4 } from './host';
import {
  DATA,
  FORWARD,
  FORWARDED,
  FORWARDED_AT,
  KINDS,
  MIXED,
  OFFSET,
  OWN_PAGES,
  PAGE,
  TABLE,
} from './layout';
import { trap_read, trap_write } from './trap';

// The doors for v86: its MMIO imports, by their names and signatures. It has no other widths: of 16 bits a read arrives as
// two bytes, of 64 and 128 bits as words. Its addresses have 32 bits. Aligned words of tables and of mapped pages are
// answered here, on mixed pages too; the rest goes by the door for any wasm module.

export function mmap_read8(address: u32): i32 {
  return trap_read(address, 0, 1);
}

export function mmap_read32(address: u32): i32 {
  if (address & 3) return trap_read(address, 0, 4);
  const leaf = enter(address);
  const pageKind = kindOf(leaf, address);
  const owner = pageKind === MIXED ? spanOf(leaf, address & 0xfff) : leaf;
  const kind = pageKind === MIXED ? load<u32>(owner, KINDS) : pageKind;
  if (kind & TABLE) return leaveWith(leaf, address, load<i32>(entryAt(owner, address)));
  if (kind !== FORWARD) {
    leave(leaf, address);
    return trap_read(address, 0, 4);
  }
  const page = load<u32>(owner, PAGE);
  const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xfff;
  const own = ownPage(page);
  if (own) return leaveWith(leaf, address, load<i32>(own + offset));
  return forwarded_read4(
    offset,
    leaveUnlessHeld(leaf, address, outcomeOf(owner === leaf, page, offset)),
    address,
  );
}

export function mmap_write8(address: u32, data: u32): void {
  trap_write(address, 0, 1, data, 0);
}

export function mmap_write16(address: u32, data: u32): void {
  trap_write(address, 0, 2, data, 0);
}

export function mmap_write32(address: u32, data: u32): void {
  if (address & 3) {
    trap_write(address, 0, 4, data, 0);
    return;
  }
  const leaf = enter(address);
  const pageKind = kindOf(leaf, address);
  const owner = pageKind === MIXED ? spanOf(leaf, address & 0xfff) : leaf;
  const kind = pageKind === MIXED ? load<u32>(owner, KINDS) : pageKind;
  if (kind & TABLE) {
    const outcome = leaveUnlessHeld(leaf, address, writeWord(owner, kind, address, data));
    if (outcome) complete_write(address, 0, 4, data, 0, outcome);
    return;
  }
  if (kind !== FORWARD) {
    leave(leaf, address);
    trap_write(address, 0, 4, data, 0);
    return;
  }
  const page = load<u32>(owner, PAGE);
  const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xfff;
  const own = ownPage(page);
  if (own) {
    store<u32>(own + offset, data);
    leave(leaf, address);
  } else
    forwarded_write4(
      offset,
      leaveUnlessHeld(leaf, address, outcomeOf(owner === leaf, page, offset)),
      address,
      data,
    );
}

/** Where a mapped page's bytes are in this memory; 0: they are not. Only the dispatcher's worker has the table. */
function ownPage(page: u32): usize {
  const table: usize = load<u32>(cells(), OWN_PAGES);
  if (ASC_FEATURE_THREADS && table === 0) return 0;
  return load<u32>(table + 4 * page);
}

function outcomeOf(plain: bool, page: u32, offset: u32): i32 {
  if (plain) return FORWARDED | (page << 8);
  store<u32>(cells(), offset, OFFSET);
  return FORWARDED_AT | (page << 8);
}

export function mmap_write64(address: u32, low: u32, high: u32): void {
  trap_write(address, 0, 8, low, high);
}

export function mmap_write128(address: u32, data0: u32, data1: u32, data2: u32, data3: u32): void {
  trap_write(address, 0, 8, data0, data1);
  trap_write(address + 8, 0, 8, data2, data3);
}
