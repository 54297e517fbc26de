/** A mutant that no access can tell from the sources as they are. */
export interface Equivalent {
  readonly file: string;
  /** Empty outside of functions. */
  readonly function: string;
  readonly was: string;
  readonly becomes: string;
  readonly reason: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'assembly/classify.ts',
    function: '',
    was: 'export const IN_SPAN: i32 = -1;',
    becomes: 'export const IN_SPAN: i32 = 1;',
    reason: 'Any value but DONE and an outcome with a page will do: no outcome is a bare 1.',
  },
  {
    file: 'assembly/classify.ts',
    function: '',
    was: 'export const IN_SPAN: i32 = -1;',
    becomes: 'export const IN_SPAN: i32 = -2;',
    reason: 'Any value but DONE and an outcome will do.',
  },
  {
    file: 'assembly/classify.ts',
    function: '',
    was: 'export let span: usize = 0;',
    becomes: 'export let span: usize = 1;',
    reason: 'It is set before IN_SPAN is returned, and read only after that.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'classify',
    was: 'const lastKind = kindInPage(leaf, offset + width - 1);',
    becomes: 'const lastKind = kindInPage(leaf, offset + width + 1);',
    reason:
      'Where the byte behind lies in a cell of another kind TypeScript takes the access byte by byte, with the same answer.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'classify',
    was: 'if (lastKind !== kind && !(lastKind & kind & TABLE)) return STRADDLE | page;',
    becomes: 'if (lastKind !== kind || !(lastKind & kind & TABLE)) return STRADDLE | page;',
    reason:
      'TypeScript takes an access byte by byte whose bytes have one owner as well, with the same answer.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'kindInPage',
    was: 'return offset > 0xfff ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);',
    becomes:
      'return offset >= 0xfff ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);',
    reason: 'Past the page or not: TypeScript takes the access byte by byte, with the same answer.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'kindInPage',
    was: 'return offset > 0xfff ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);',
    becomes:
      'return offset > 0xffe ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);',
    reason:
      'Byte 0xfff is the last of an access that TypeScript then takes byte by byte, with the same answer.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'kindInPage',
    was: 'return offset > 0xfff ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);',
    becomes:
      'return offset > 0x7ff ? UNCLAIMED_CELL : load<u8>(load<u32>(leaf, KINDS) + offset / CELL_SIZE);',
    reason: "TypeScript takes accesses of the page's second half byte by byte, with the same answer.",
  },
  {
    file: 'assembly/classify.ts',
    function: 'unaligned',
    was: 'if (!(kind & 1)) return REFUSED | page;',
    becomes: 'if (!(kind & 2)) return REFUSED | page;',
    reason: 'No kind allows one of widths 1 and 2 without the other.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'classifyMixed',
    was: 'if ((outcome & 0xff) !== FORWARDED) return outcome;',
    becomes: 'if ((outcome & 0x7f) !== FORWARDED) return outcome;',
    reason: 'No outcome has bit 7.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'isWidth',
    was: 'return width < 9 && ((0x116 >> width) & 1) !== 0;',
    becomes: 'return width <= 9 && ((0x116 >> width) & 1) !== 0;',
    reason: 'Bit 9 of the mask is clear.',
  },
  {
    file: 'assembly/classify.ts',
    function: 'isWidth',
    was: 'return width < 9 && ((0x116 >> width) & 1) !== 0;',
    becomes: 'return width < 10 && ((0x116 >> width) & 1) !== 0;',
    reason: 'Bit 9 of the mask is clear.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'firstOutcome',
    was: 'if (((~kind & (HOST | 4)) | (low & 3)) === 0) return FORWARDED | page;',
    becomes: 'if (((~kind & (HOST | 5)) | (low & 3)) === 0) return FORWARDED | page;',
    reason:
      'A 4-byte read of a PBA without single bytes goes by the door for any width, with the same answer.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'firstOutcome',
    was: 'if (kind === FORWARD && (low & 0xfff) <= 0xffc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    becomes:
      'if (kind === FORWARD && (low & 0xfff) < 0xffc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    reason: '0xffc is aligned, and answered before.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'firstOutcome',
    was: 'if (kind === FORWARD && (low & 0xfff) <= 0xffc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    becomes:
      'if (kind === FORWARD && (low & 0xfff) <= 0xff8 && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    reason: "Unaligned reads near the page's end go by the door for any width, with the same answer.",
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'firstOutcome',
    was: 'if (kind === FORWARD && (low & 0xfff) <= 0xffc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    becomes:
      'if (kind === FORWARD && (low & 0xfff) <= 0x7fc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    reason: "Unaligned reads of the page's second half go by the door for any width, with the same answer.",
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'firstOutcome',
    was: 'if (kind === FORWARD && (low & 0xfff) <= 0xffc && kindOf(leaf, low + 3) === FORWARD) return SPLIT | page;',
    becomes:
      'if (kind === FORWARD && (low & 0xfff) <= 0xffc && kindOf(leaf, low + 4) === FORWARD) return SPLIT | page;',
    reason: "An unaligned read's fourth byte and the one behind it are in one cell.",
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'write4',
    was: 'return writeRest(leaf, kind, low, 4, data, 0);',
    becomes: 'return writeRest(leaf, kind, low, 4, data, 1);',
    reason: '4 bytes have no high lane.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'inEntry',
    was: 'return ((~kind & TABLE) | (low & 3)) === 0;',
    becomes: 'return ((~kind | TABLE) | (low & 3)) === 0;',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'inEntry',
    was: 'return ((~kind & TABLE) | (low & 3)) === 0;',
    becomes: 'return ((~kind & TABLE) | (low | 3)) === 0;',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'isForwarded',
    was: 'return ((kind ^ FORWARD) | (low & 3)) === 0;',
    becomes: 'return ((kind | FORWARD) | (low & 3)) === 0;',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/dispatch.ts',
    function: 'isForwarded',
    was: 'return ((kind ^ FORWARD) | (low & 3)) === 0;',
    becomes: 'return ((kind ^ FORWARD) | (low | 3)) === 0;',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/layout.ts',
    function: '',
    was: 'export const HOST = 0x20;',
    becomes: 'export const HOST = 0x0;',
    reason:
      'Of the kinds that allow 4 bytes only those of tables have it clear, and tables are answered before.',
  },
  {
    file: 'assembly/policy.ts',
    function: '',
    was: 'export let pbaWritable: bool = false;',
    becomes: 'export let pbaWritable: bool = true;',
    reason: 'configure() is called before the first access.',
  },
  {
    file: 'assembly/policy.ts',
    function: '',
    was: 'export let splitsCrossing: bool = true;',
    becomes: 'export let splitsCrossing: bool = false;',
    reason: 'configure() is called before the first access.',
  },
  {
    file: 'assembly/ring.ts',
    function: 'answerFirstCase',
    was: 'if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN) return false;',
    becomes: 'if ((tail | TAIL_PLAIN_MASK) !== TAIL_PLAIN) return false;',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/ring.ts',
    function: 'answerFirstCase',
    was: 'if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN) return false;',
    becomes: 'if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN) return true;',
    reason: 'The longer way leaves such a record too.',
  },
  {
    file: 'assembly/ring.ts',
    function: 'answerFirstCase',
    was: 'if (load<u32>(record, RECORD_COUNT) !== 1) return false;',
    becomes: 'if (load<u32>(record, RECORD_COUNT) !== 1) return true;',
    reason: 'The longer way leaves such a record too.',
  },
  {
    file: 'assembly/ring.ts',
    function: 'answerFirstCase',
    was: 'store<u32>(record, tail ^ TAIL_READY_TO_DONE, RECORD_TAIL);',
    becomes: 'store<u32>(record, tail | TAIL_READY_TO_DONE, RECORD_TAIL);',
    reason: 'The bit is clear in state 1.',
  },
  {
    file: 'assembly/ring.ts',
    function: 'answerFirstCase',
    was: 'return true;',
    becomes: 'return false;',
    reason: 'The longer way leaves a record that is answered.',
  },
  {
    file: 'assembly/ring.ts',
    function: 'answerRest',
    was: 'if (outcome === 0) store<u32>(record, tail ^ TAIL_READY_TO_DONE, RECORD_TAIL);',
    becomes: 'if (outcome === 0) store<u32>(record, tail | TAIL_READY_TO_DONE, RECORD_TAIL);',
    reason: 'The bit is clear in state 1.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_read32',
    was: 'if (address & 3) return trap_read(address, 0, 4);',
    becomes: 'if (address | 3) return trap_read(address, 0, 4);',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_read32',
    was: 'const owner = pageKind === MIXED ? spanOf(leaf, address & 0xfff) : leaf;',
    becomes: 'const owner = pageKind === MIXED ? spanOf(leaf, address & 0xffe) : leaf;',
    reason: 'A cell has 8 bytes, so the lowest bit of the offset chooses none.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_read32',
    was: 'const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xfff;',
    becomes: 'const offset = owner === leaf ? address & 0xffe : (address + load<u32>(owner, DATA)) & 0xfff;',
    reason: 'The address is aligned.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_read32',
    was: 'const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xfff;',
    becomes: 'const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xffe;',
    reason: 'The address is aligned, and spans are moved by multiples of 16.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'if (address & 3) {',
    becomes: 'if (address | 3) {',
    reason: 'The short cut is never taken; the longer way has the same answer.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'const owner = pageKind === MIXED ? spanOf(leaf, address & 0xfff) : leaf;',
    becomes: 'const owner = pageKind === MIXED ? spanOf(leaf, address & 0xffe) : leaf;',
    reason: 'A cell has 8 bytes, so the lowest bit of the offset chooses none.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'if (outcome) complete_write(address, 0, 4, data, 0, outcome);',
    becomes: 'if (outcome) complete_write(address, 1, 4, data, 0, outcome);',
    reason: "The outcome is a vector's mask bit, which the low lane of the address finds.",
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'if (outcome) complete_write(address, 0, 4, data, 0, outcome);',
    becomes: 'if (outcome) complete_write(address, 0, 5, data, 0, outcome);',
    reason: "The outcome is a vector's mask bit, whatever the width.",
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'if (outcome) complete_write(address, 0, 4, data, 0, outcome);',
    becomes: 'if (outcome) complete_write(address, 0, 4, data, 1, outcome);',
    reason: '4 bytes have no high lane.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xfff;',
    becomes: 'const offset = owner === leaf ? address & 0xffe : (address + load<u32>(owner, DATA)) & 0xfff;',
    reason: 'The address is aligned.',
  },
  {
    file: 'assembly/v86.ts',
    function: 'mmap_write32',
    was: 'const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xfff;',
    becomes: 'const offset = owner === leaf ? address & 0xfff : (address + load<u32>(owner, DATA)) & 0xffe;',
    reason: 'The address is aligned, and spans are moved by multiples of 16.',
  },
  {
    file: 'assembly/enter.ts',
    function: 'recordOf',
    was: 'return load<u32>(<usize>load<u32>(RECORDS) + WHEREABOUTS_SIZE * load<u32>(spanOf(leaf, low & 0xfff), PAGE));',
    becomes:
      'return load<u32>(<usize>load<u32>(RECORDS) + WHEREABOUTS_SIZE * load<u32>(spanOf(leaf, low & 0xffe), PAGE));',
    reason: 'A cell has 8 bytes.',
  },
  {
    file: 'assembly/enter.ts',
    function: 'leave',
    was: 'if (record !== 0) release(record);',
    becomes: 'if (record !== 1) release(record);',
    reason: 'The words at 0 are nobody’s, and 0.',
  },
  {
    file: 'assembly/enter.ts',
    function: 'leaveUnlessHeld',
    was: 'const what = outcome & 0xff;',
    becomes: 'const what = outcome & 0x7f;',
    reason: 'Outcomes are below 8.',
  },
];
