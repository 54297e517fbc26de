import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { hex } from '../hexadecimal.js';
import { InputError } from '../input-error.js';
import { asInputError } from '../lines.js';
import {
  type DumpedVbt,
  decodeOpRegion,
  dumpFault,
  type Mailbox,
  type OpRegionDump,
} from '../regions/opregion-dump.js';

export const help = `usage: trapline opregion [--json] FILE

Decodes a dump of an Intel graphics OpRegion and says what is wrong with it, where
its video BIOS table (VBT) is, and what Trapline, as vfio, makes of it for a guest.

  FILE               its bytes, as /sys/kernel/debug/dri/0/i915_opregion has them or
                     vfio's region, with or without the VBT behind the 8 KiB
  --json             one JSON object on standard output, nothing else
  --help             this text

Of the mailboxes that the firmware has, the fields that are not 0 are shown, in hex.

  $ trapline opregion test/fixtures/opregion/opregion-2.0.bin
  OpRegion 2.0, 8192 bytes
    system BIOS SYNTHETIC 1.0
    GOP         9.0.1069
    mailbox 1   public ACPI methods, DIDL 0x400 0x300, CLID 0x1
    mailbox 3   ASLE notifications, BCLP 0x800000ff, RVDA 0x7a5b1000, RVDS 0x2200
    mailbox 4   raw VBT
    VBT         extended, 8704 bytes at the physical address 0x7a5b1000, not in this dump
    guest       2.1, 16896 bytes, RVDA 0x2000
    note        RVDA is an absolute address (2.0), of no use to a guest: it is given 2.1 with the VBT behind the OpRegion

Exit status: 0, 1 when something is wrong with the OpRegion, 2 for bad input.
`;

/** Bytes of a dump at most. */
const LONGEST = 1 << 20;

/** `trapline opregion`; returns the exit status. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1) throw new InputError(`expected one FILE, got ${positionals.length}`);
  const [path] = positionals;
  const bytes = await readDump(path);
  const fault = dumpFault(bytes);
  if (fault !== undefined) throw new InputError(`${path}: ${fault}`);
  const dump = decodeOpRegion(bytes);
  process.stdout.write(values.json ? `${JSON.stringify(dump, bigintAsHex)}\n` : dumpText(dump));
  return dump.faults.length > 0 ? 1 : 0;
}

/** The whole file, whose size debugfs does not tell beforehand. */
async function readDump(path: string): Promise<Uint8Array> {
  const bytes = Buffer.alloc(LONGEST + 1);
  let length = 0;
  try {
    const file = await open(path);
    try {
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asInputError(path, 0, error);
  }
  if (length > LONGEST) throw new InputError(`${path}: expected an OpRegion of at most 1 MiB, it is longer`);
  return bytes.subarray(0, length);
}

const bigintAsHex = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? hex(value) : value;

function dumpText(dump: OpRegionDump): string {
  const { version, size, systemBios, videoBios, driver, gop, mailboxes, vbt, guest, faults, notes } = dump;
  const supported = mailboxes.filter((mailbox) => mailbox.supported);
  const texts = { 'system BIOS': systemBios, 'video BIOS': videoBios, driver, GOP: gop };
  return `${[
    `OpRegion ${version}, ${size} bytes`,
    ...Object.entries(texts)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => line(name, value)),
    ...(supported.length > 0 ? supported.map(mailboxLine) : [line('mailboxes', 'none')]),
    ...vbtLines(vbt),
    line('guest', guest ? `${guest.version}, ${guest.size} bytes, RVDA ${hex(guest.rvda)}` : 'refused'),
    ...faults.map((fault) => line('wrong', fault)),
    ...notes.map((note) => line('note', note)),
  ].join('\n')}\n`;
}

function mailboxLine({ number, name, fields }: Mailbox): string {
  const shown = Object.entries(fields).flatMap(([field, value]) => {
    const words = valueText(value);
    return words === undefined ? [] : [`${field} ${words}`];
  });
  return line(`mailbox ${number}`, [name, ...shown].join(', '));
}

/** Undefined: all of it is 0. */
function valueText(value: number | bigint | readonly number[]): string | undefined {
  if (typeof value !== 'object') return value ? hex(value) : undefined;
  const used = value.slice(0, value.findLastIndex((element) => element !== 0) + 1);
  return used.length === 0 ? undefined : used.map(hex).join(' ');
}

function vbtLines({ place, rvda, room, offset, header }: DumpedVbt): string[] {
  const where = {
    none: 'none',
    'mailbox 4': `in mailbox 4, room for ${room} bytes`,
    absolute: `extended, ${room} bytes at the physical address ${hex(rvda)}`,
    relative: `extended, ${room} bytes at ${hex(rvda)} from the OpRegion's start`,
  }[place];
  const missing = place !== 'none' && offset === undefined ? ', not in this dump' : '';
  if (!header) return [line('VBT', where + missing)];
  const { product, version, size, headerSize, checksum, bdbOffset, bdb } = header;
  const table = bdb && `, ${bdb.signature}, version ${bdb.version}, ${bdb.size} bytes`;
  return [
    line('VBT', where),
    line(
      '',
      `${product}, version ${version}, ${size} bytes, header ${headerSize}, checksum ${hex(checksum)}`,
    ),
    line('', `BDB at ${hex(bdbOffset)}${table ?? ''}`),
  ];
}

const line = (name: string, text: string): string => `  ${name.padEnd(12)}${text}`;
