import type { Command } from './command.js';
import type { GuestMemory } from './guest-memory.js';
import { Failed, status } from './status.js';

/** Bytes of a memory page; the controller supports no other (CAP.MPSMIN, MPSMAX). */
export const PAGE = 4096;
/** Maximum Data Transfer Size of a command: 2^5 pages. */
export const MDTS = 5;
export const MAX_TRANSFER = PAGE << MDTS;
const ENTRY = 8;

/** Moves a command's data from the device to the guest. */
export function sendData(memory: GuestMemory, command: Command, data: Uint8Array): void {
  forEachPage(memory, command, data, (address, part) => memory.write(address, part));
}

/** Moves a command's data from the guest to the device; `into` is filled whole. */
export function fetchData(memory: GuestMemory, command: Command, into: Uint8Array): void {
  forEachPage(memory, command, into, (address, part) => memory.read(address, part));
}

/** Every PRP is checked before the first byte moves. */
function forEachPage(
  memory: GuestMemory,
  command: Command,
  data: Uint8Array,
  move: (address: number, part: Uint8Array) => boolean,
): void {
  let from = 0;
  for (const address of addresses(memory, command, data.length)) {
    const part = data.subarray(from, from + PAGE - (address % PAGE));
    if (!move(address, part)) throw new Failed(status.dataTransferError);
    from += part.length;
  }
}

/** The addresses of the pages that hold `length` bytes (NVMe 1.4, 4.3): only the first may be amid a page. */
function addresses(memory: GuestMemory, command: Command, length: number): number[] {
  const { prp1, prp2 } = command;
  if (prp1 % 4 !== 0) throw new Failed(status.invalidPrpOffset);
  const left = Math.ceil((length - (PAGE - (prp1 % PAGE))) / PAGE);
  if (left <= 0) return [prp1];
  return [prp1, ...(left === 1 ? [aligned(prp2)] : listed(memory, prp2, left))];
}

/** `count` entries of a PRP list. The last entry of a page that is not the list's last leads to the next page. */
function listed(memory: GuestMemory, pointer: number, count: number): number[] {
  if (pointer % ENTRY !== 0) throw new Failed(status.invalidPrpOffset);
  const entries: number[] = [];
  for (let at = pointer; ; ) {
    const room = (PAGE - (at % PAGE)) / ENTRY;
    const left = count - entries.length;
    const list = new Uint8Array(ENTRY * Math.min(room, left));
    if (!memory.read(at, list)) throw new Failed(status.dataTransferError);
    const view = new DataView(list.buffer);
    for (let byte = 0; byte < list.length; byte += ENTRY) {
      entries.push(aligned(view.getUint32(byte + 4, true) * 2 ** 32 + view.getUint32(byte, true)));
    }
    if (left <= room) return entries;
    at = entries.pop() as number;
  }
}

function aligned(address: number): number {
  if (address % PAGE !== 0) throw new Failed(status.invalidPrpOffset);
  return address;
}
