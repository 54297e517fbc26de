import { hex } from '../hexadecimal.js';
import { OPREGION_FIELDS, OPREGION_SIZE, type OpRegionField } from './opregion-fields.js';
import {
  hasExtendedVbt,
  headerFaults,
  isRelative,
  isSigned,
  type OpRegionHeader,
  readHeader,
  VERSION_2_0,
} from './opregion-header.js';
import { isVbt, readVbt, text, type VbtHeader } from './vbt.js';

/** What a dump of an OpRegion says. Sizes are in bytes. */
export interface OpRegionDump {
  /** `major.minor`. */
  readonly version: string;
  /** What the header says. */
  readonly size: number;
  readonly systemBios: string;
  readonly videoBios: string;
  readonly driver: string;
  readonly gop: string;
  readonly mailboxes: readonly Mailbox[];
  readonly vbt: DumpedVbt;
  /** What a guest is given. Undefined: the OpRegion is refused. */
  readonly guest: { readonly version: string; readonly size: number; readonly rvda: number } | undefined;
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[];
  /** What is not wrong, but worth knowing. */
  readonly notes: readonly string[];
}

export interface Mailbox {
  readonly number: number;
  readonly name: string;
  /** MBOX says that the firmware has it. */
  readonly supported: boolean;
  /** By name: numbers, lists of numbers, and RVDA and FDSS as bigint. */
  readonly fields: Readonly<Record<string, number | bigint | readonly number[]>>;
}

export interface DumpedVbt {
  /** `none`: mailbox 4 has none. `absolute`, `relative`: an extended one, by what RVDA counts from. */
  readonly place: 'none' | 'mailbox 4' | 'absolute' | 'relative';
  /** RVDA. */
  readonly rvda: bigint;
  /** Bytes that it has room for. */
  readonly room: number;
  /** Offset in the dump; undefined: it is not in it, or not whole. */
  readonly offset: number | undefined;
  readonly header: VbtHeader | undefined;
}

const MAILBOXES = [
  'public ACPI methods',
  'software SCI',
  'ASLE notifications',
  'raw VBT',
  'ASLE extension',
] as const;
/** Offsets of the header's texts, and what is reserved behind them. */
const SVER = 0x18;
const VVER = 0x38;
const GVER = 0x48;
const DVER = 0x64;
const RESERVED = 0x84;
const MBOX = 0x58;
const PCON = 0x60;
const HEADLESS = 1 << 13;
const VERSION_2_3 = 0x0203;
const MAILBOX_1 = 0x100;
const MAILBOX_4 = 0x400;
const MAILBOX_5 = 0x1c00;

/** Why the bytes are no dump of an OpRegion, in words; undefined: `decodeOpRegion` takes them. */
export function dumpFault(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return `expected an OpRegion of ${OPREGION_SIZE} bytes, it is empty`;
  if (isVbt(bytes)) return 'expected an OpRegion, this is a VBT alone';
  if (!isSigned(bytes)) return 'expected an OpRegion, which begins with IntelGraphicsMem';
  if (bytes.length < OPREGION_SIZE) {
    return `expected an OpRegion of ${OPREGION_SIZE} bytes, it ends after ${bytes.length}`;
  }
  return undefined;
}

/** Decodes a dump: the 8 KiB, and behind them what vfio's region or the memory has there. */
export function decodeOpRegion(dump: Uint8Array): OpRegionDump {
  const view = new DataView(dump.buffer, dump.byteOffset, dump.length);
  const header = readHeader(dump);
  const supported = view.getUint32(MBOX, true);
  const { vbt, faults: vbtFaults } = findVbt(dump, header, supported);
  const refused = headerFaults(header, 0);
  const extended = hasExtendedVbt(header);
  return {
    version: versionText(header.version),
    size: header.size * 1024,
    systemBios: text(dump.subarray(SVER, VVER)),
    videoBios: text(dump.subarray(VVER, GVER)),
    driver: text(dump.subarray(GVER, MBOX)),
    gop: text(
      Uint8Array.from({ length: 16 }, (_, index) => Math.min(view.getUint16(DVER + 2 * index, true), 0xff)),
    ),
    mailboxes: MAILBOXES.map((name, index) => ({
      number: index + 1,
      name,
      supported: ((supported >>> index) & 1) === 1,
      fields: fieldsOf(view, index + 1),
    })),
    vbt,
    guest:
      refused.length > 0
        ? undefined
        : {
            version: extended && header.version === VERSION_2_0 ? '2.1' : versionText(header.version),
            size: OPREGION_SIZE + (extended ? header.rvds : 0),
            rvda: extended ? OPREGION_SIZE : 0,
          },
    faults: [...refused, ...vbtFaults],
    notes: notesOf(dump, view, header, supported),
  };
}

function findVbt(
  dump: Uint8Array,
  header: OpRegionHeader,
  supported: number,
): { vbt: DumpedVbt; faults: readonly string[] } {
  const { rvda, rvds, version } = header;
  if (!hasExtendedVbt(header)) {
    // Without mailbox 5 a VBT may go on to the end.
    const end = supported & 16 ? MAILBOX_5 : OPREGION_SIZE;
    const bytes = dump.subarray(MAILBOX_4, end);
    const expected = (supported & 8) !== 0;
    const { header: found, faults } = readVbt(bytes);
    const place = found || expected ? 'mailbox 4' : 'none';
    const vbt = { place, rvda, room: bytes.length, offset: MAILBOX_4, header: found } as const;
    return { vbt, faults: place === 'none' ? [] : faults };
  }
  const relative = isRelative(version);
  const vbt = { place: relative ? 'relative' : 'absolute', rvda, room: rvds, offset: undefined } as const;
  const start = Number(rvda);
  if (!relative || dump.length <= Math.max(start, OPREGION_SIZE)) {
    return { vbt: { ...vbt, header: undefined }, faults: [] };
  }
  const bytes = dump.subarray(start, start + rvds);
  const { header: found, faults } = readVbt(bytes);
  if (bytes.length === rvds) return { vbt: { ...vbt, offset: start, header: found }, faults };
  const cut = `dump: it ends after ${bytes.length} of the ${rvds} bytes of the VBT`;
  return { vbt: { ...vbt, header: found }, faults: found ? [cut] : [cut, ...faults] };
}

function notesOf(dump: Uint8Array, view: DataView, header: OpRegionHeader, supported: number): string[] {
  const { version, rvda, rvds } = header;
  const notes: string[] = [];
  const note = (applies: boolean, sentence: string) => {
    if (applies) notes.push(sentence);
  };
  const extended = hasExtendedVbt(header);
  const relative = extended && isRelative(version);
  const half = version >= VERSION_2_0 && !extended && (rvda !== 0n || rvds !== 0);
  note(
    extended && !relative,
    'RVDA is an absolute address (2.0), of no use to a guest: it is given 2.1 with the VBT behind the OpRegion',
  );
  note(relative && rvda < OPREGION_SIZE, `RVDA ${hex(rvda)} lies inside the OpRegion: i915 warns of that`);
  note(
    relative && rvda > OPREGION_SIZE,
    `RVDA ${hex(rvda)} leaves a gap behind the OpRegion: a guest is given 0x2000`,
  );
  note(extended && (supported & 4) === 0, 'MBOX lacks mailbox 3, so i915 ignores RVDA and RVDS');
  note(half, 'only one of RVDA and RVDS is set, so there is no extended VBT');
  note(
    version < VERSION_2_0 && rvda !== 0n,
    'RVDA has bytes before 2.0, where there is none: a guest reads 0',
  );
  note(
    version >= VERSION_2_3 && (view.getUint32(PCON, true) & HEADLESS) !== 0,
    'PCON bit 13: the platform has no display',
  );
  note(
    dump.length > OPREGION_SIZE && !relative,
    `the ${dump.length - OPREGION_SIZE} bytes behind the OpRegion are not looked at: nothing says what they are`,
  );
  note(
    dump.subarray(RESERVED, MAILBOX_1).some((byte) => byte !== 0),
    'the reserved bytes 0x84 to 0xff are not all 0',
  );
  return notes;
}

function fieldsOf(view: DataView, mailbox: number): Mailbox['fields'] {
  const own = OPREGION_FIELDS.filter((field) => field.mailbox === mailbox);
  return Object.fromEntries(own.map((field) => [field.name, numbersOf(view, field)]));
}

function numbersOf(view: DataView, { offset, width, count }: OpRegionField): number | bigint | number[] {
  if (width === 8) return view.getBigUint64(offset, true);
  const element = (at: number) =>
    width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
  return count === 1
    ? element(offset)
    : Array.from({ length: count }, (_, index) => element(offset + width * index));
}

const versionText = (version: number): string => `${version >> 8}.${version & 0xff}`;
