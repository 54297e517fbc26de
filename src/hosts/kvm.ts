/**
 * Exits, coalesced writes and messages of KVM, in its own structures.
 *
 * @module trapline/kvm
 */

import { isWidth, UNCLAIMED } from '../access.js';
import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import type { Message } from '../msix/message.js';
import type { Doors } from './doors.js';

export type { Doors } from './doors.js';

/** A coalesced write that no function claims, or one to a port. */
export interface CoalescedWrite {
  /** Guest-physical; of `pio`, the port. */
  readonly address: number;
  /** It is one to a port. */
  readonly pio: boolean;
  /** 1 to 8 bytes. */
  readonly data: Uint8Array;
}

// struct kvm_run (linux/kvm.h); s390, where the union lies elsewhere, has no MMIO exits.
const EXIT_REASON = 8;
const ADDRESS = 32;
const DATA = 40;
const LENGTH = 48;
const IS_WRITE = 52;
const RUN_END = 53;
const EXIT_MMIO = 6;

// struct kvm_coalesced_mmio_ring: first u32, last u32, then entries to the end of the page.
const FIRST = 0;
const LAST = 1;
const ENTRIES = 8;
// struct kvm_coalesced_mmio: phys_addr u64, len u32, pio u32, data[8].
const ENTRY_SIZE = 24;
const ENTRY_LENGTH = 8;
const ENTRY_PIO = 12;
const ENTRY_DATA = 16;

// struct kvm_msi
const MSI_SIZE = 32;
const MSI_VALID_DEVID = 1;

/**
 * Answers an MMIO exit in the mapped `kvm_run` of a vCPU; KVM_RUN then completes the instruction. KVM's own pieces of an
 * access that crosses pages, of 3, 5, 6 or 7 bytes, are answered byte by byte, and what nobody claims of them is ones or
 * dropped. False, and nothing is written: another exit reason, an address that no function claims, a length of no access;
 * these are the embedder's. Coalesced writes came before: drain their ring first. Throws `bad-argument`.
 */
export function answerKvmExit(doors: Doors, run: DataView): boolean {
  if (run.byteLength < RUN_END) {
    throw new TraplineError(
      'bad-argument',
      `answerKvmExit: run has ${run.byteLength} bytes, and its MMIO exit ends at ${RUN_END}`,
    );
  }
  if (run.getUint32(EXIT_REASON, true) !== EXIT_MMIO) return false;
  const address = quad(run, ADDRESS);
  const length = run.getUint32(LENGTH, true);
  if (run.getUint8(IS_WRITE) === 0) return read(doors, address, length, run);
  return write(doors, address, length, run.getUint32(DATA, true), run.getUint32(DATA + 4, true));
}

/**
 * Performs the writes of a `kvm_coalesced_mmio_ring`, whose view is the whole page, in order, and frees each entry before
 * its write: nothing is written twice, whatever a callback does. A call performs no more than a ringful. The number of entries
 * taken; undefined where an index is out of the ring: then nothing more is taken. Lengths of no access are dropped. Throws
 * `bad-argument`, and what `unclaimed` throws.
 */
export function drainCoalesced(
  doors: Doors,
  ring: DataView,
  unclaimed?: (write: CoalescedWrite) => void,
): number | undefined {
  const capacity = Math.floor((ring.byteLength - ENTRIES) / ENTRY_SIZE);
  if (capacity < 2 || ring.byteOffset % 4 !== 0) {
    throw new TraplineError(
      'bad-argument',
      `drainCoalesced: ring of ${ring.byteLength} bytes at offset ${ring.byteOffset} of its buffer is not a page`,
    );
  }
  const indices = new Uint32Array(ring.buffer, ring.byteOffset, 2);
  for (let taken = 0; ; taken++) {
    const first = Atomics.load(indices, FIRST);
    const last = Atomics.load(indices, LAST);
    if (first >= capacity || last >= capacity) return undefined;
    if (first === last || taken === capacity) return taken;
    const at = ENTRIES + first * ENTRY_SIZE;
    const address = quad(ring, at);
    const length = ring.getUint32(at + ENTRY_LENGTH, true);
    const pio = ring.getUint32(at + ENTRY_PIO, true) !== 0;
    const low = ring.getUint32(at + ENTRY_DATA, true);
    const high = ring.getUint32(at + ENTRY_DATA + 4, true);
    Atomics.store(indices, FIRST, (first + 1) % capacity);
    if (!isLength(length) || (!pio && write(doors, address, length, low, high))) continue;
    unclaimed?.({ address, pio, data: new Uint8Array(Uint32Array.of(low, high).buffer, 0, length) });
  }
}

/**
 * The `kvm_msi` with which KVM_SIGNAL_MSI sends a message. `devid`, with KVM_CAP_MSI_DEVID: the function's requester ID,
 * which Arm's ITS tells devices by. Throws `bad-argument`.
 */
export function kvmMsi(message: Message, { devid }: { readonly devid?: number } = {}): Uint8Array {
  if (devid !== undefined && !isInteger(devid, 0, 0xffffffff)) {
    throw new TraplineError('bad-argument', `kvmMsi: devid ${devid} is not an integer in [0, 2^32)`);
  }
  const msi = new DataView(new ArrayBuffer(MSI_SIZE));
  msi.setUint32(0, message.addressLow, true);
  msi.setUint32(4, message.addressHigh, true);
  msi.setUint32(8, message.data, true);
  msi.setUint32(12, devid === undefined ? 0 : MSI_VALID_DEVID, true);
  msi.setUint32(16, devid ?? 0, true);
  return new Uint8Array(msi.buffer);
}

function read(doors: Doors, address: number, length: number, run: DataView): boolean {
  if (!isLength(length)) return false;
  const lanes = [0, 0];
  let claimed = false;
  if (isWidth(length)) {
    lanes[0] = doors.read(address, length);
    lanes[1] = length === 8 ? doors.high : 0;
    claimed = lanes[0] !== UNCLAIMED;
  } else {
    for (let index = 0; index < length; index++) {
      const byte = doors.read(address + index, 1);
      claimed ||= byte !== UNCLAIMED;
      lanes[index >> 2] |= (byte & 0xff) << (8 * (index & 3));
    }
  }
  if (!claimed) return false;
  for (let index = 0; index < length; index++) {
    run.setUint8(DATA + index, lanes[index >> 2] >>> (8 * (index & 3)));
  }
  return true;
}

/** False: no function claims a byte of it. The upper lane may hold what was there before. */
function write(doors: Doors, address: number, length: number, low: number, high: number): boolean {
  if (isWidth(length)) return doors.write(address, length, low, length === 8 ? high : 0);
  if (!isLength(length)) return false;
  let claimed = false;
  for (let index = 0; index < length; index++) {
    const byte = ((index < 4 ? low : high) >>> (8 * (index & 3))) & 0xff;
    claimed = doors.write(address + index, 1, byte) || claimed;
  }
  return claimed;
}

/** An address past 2^53 loses low bits, and is as unclaimed as it was. */
const quad = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
const isLength = (length: number): boolean => length >= 1 && length <= 8;
