import type { MachineState } from '../hosts/v86.js';
import type { Setup } from './setup.js';

/** What the page saves: a machine, and with what it was made. */
export interface SavedMachine {
  readonly setup: Setup;
  readonly machine: MachineState;
  /** Of the NVMe controller; empty without. */
  readonly disk: Uint8Array;
}

/** What the file begins with; its last byte is the version. */
const MAGIC = new TextEncoder().encode('trapline state\0\x01');
/** Behind the magic: bytes of the header, 32 bits, little endian. */
const HEADER = MAGIC.length + 4;

/** JSON, followed by v86's state and the disk. */
interface Header extends Omit<SavedMachine, 'machine' | 'disk'> {
  readonly machine: Omit<MachineState, 'v86'>;
  /** Bytes. */
  readonly sizes: { readonly v86: number; readonly disk: number };
}

export function encodeState({ setup, machine, disk }: SavedMachine): Uint8Array<ArrayBuffer> {
  const { v86, ...rest } = machine;
  const header: Header = { setup, machine: rest, sizes: { v86: v86.byteLength, disk: disk.length } };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(HEADER + json.length + v86.byteLength + disk.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, json.length, true);
  bytes.set(json, HEADER);
  bytes.set(new Uint8Array(v86), HEADER + json.length);
  bytes.set(disk, HEADER + json.length + v86.byteLength);
  return bytes;
}

/** Throws a TypeError for what is no such file, or not all of one. */
export function decodeState(bytes: Uint8Array): SavedMachine {
  if (bytes.length < HEADER || MAGIC.some((byte, index) => bytes[index] !== byte))
    throw new TypeError('it is not a state of this version of trapline inspect');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  const header =
    HEADER + length <= bytes.length ? parsed(bytes.subarray(HEADER, HEADER + length)) : undefined;
  const { v86 = Number.NaN, disk = Number.NaN } = header?.sizes ?? {};
  const start = HEADER + length;
  if (!header || start + v86 + disk !== bytes.length) throw new TypeError('it is cut, or damaged');
  return {
    setup: header.setup,
    machine: { ...header.machine, v86: bytes.slice(start, start + v86).buffer },
    disk: bytes.slice(start + v86),
  };
}

function parsed(json: Uint8Array): Header | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(json)) as Header;
  } catch {
    return undefined;
  }
}
