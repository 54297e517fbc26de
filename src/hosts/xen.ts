/**
 * Requests of Xen to an ioreq server, in its own structures.
 *
 * @module trapline/xen
 */

import { ADDRESS_LIMIT, isWidth, ones, PAGE_SIZE, UNCLAIMED, type Width } from '../access.js';
import type { Dispatcher } from '../dispatcher.js';
import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import type { Sbdf } from '../sbdf.js';
import type { Doors } from './doors.js';
import type { GuestMemory } from './guest-memory.js';

export type { Doors } from './doors.js';
export type { GuestMemory } from './guest-memory.js';

/** Types of requests (Xen public/hvm/ioreq.h, IOREQ_TYPE_*). */
export type IoreqType = 'pio' | 'copy' | 'pci-config' | 'time-offset' | 'invalidate';

/** An element of a request that no function claims. */
export interface UnclaimedAccess {
  /** Of the request. */
  readonly type: IoreqType;
  /** Of `copy` guest-physical, of `pio` the port, of `pci-config` the register. */
  readonly address: number;
  /** Of `pci-config`. */
  readonly sbdf?: Sbdf;
  /** Bytes. */
  readonly width: Width;
  /** Undefined: a read. */
  readonly data?: bigint;
}

/** What a server answers from. */
export interface IoreqServerOptions {
  /** Whose functions it has: their configuration space, and their memory unless `doors` answer. */
  readonly dispatcher: Dispatcher;
  /** Doors in place of the dispatcher's: a recording of it. */
  readonly doors?: Doors;
  /** The server's `shared_iopage_t`: a slot of 32 bytes for each vCPU. */
  readonly slots: DataView;
  /** Its `buffered_iopage_t`, if it has one: a page. */
  readonly buffered?: DataView;
  /** Where the data of a request is, when that gives a pointer to it. */
  readonly memory: GuestMemory;
  /**
   * Ports, and what else no function claims; the value of a read, of which the width counts. Without it, or where it returns
   * undefined, a read is all ones. `time-offset` and `invalidate` (mappings of guest memory are stale) are writes.
   */
  readonly unclaimed?: (access: UnclaimedAccess) => bigint | undefined;
  /** Gets what `memory` and `unclaimed` throw; the rest of that request is ones or dropped. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Answers as a Xen ioreq server. A vCPU waits until its request is answered, and there is no answer that says no: what is
 * malformed (type, size, more repetitions than Xen makes) reads all ones and writes nothing. Of a pointer to what is not
 * guest memory, the element is not written, or read in vain.
 */
export interface IoreqServer {
  /**
   * Performs what is buffered, then answers a vCPU's slot. True: it was ready and is answered; notify the vCPU's event
   * channel. Throws `bad-argument`.
   */
  answer(vcpu: number): boolean;
  /**
   * Performs the buffered writes, a ringful at most, and frees each slot before its write. The number of requests taken;
   * undefined where the pointers are further apart than the ring is long: then nothing more is taken.
   */
  drain(): number | undefined;
}

// ioreq_t: addr u64, data u64, count u32, size u32, vp_eport u32, padding u16, bits u8, type u8.
const SLOT_SIZE = 32;
const DATA = 8;
const COUNT = 16;
const SIZE = 20;
const BITS = 30;
const TYPE = 31;
// Its bits.
const STATE = 0x0f;
const DATA_IS_PTR = 0x10;
const READ = 0x20;
const DESCENDING = 0x40;
// States, in their order; READY comes from 0 (none), to which Xen returns.
const READY = 1;
const IN_PROCESS = 2;
const RESPONSE_READY = 3;

// buffered_iopage_t: read_pointer u32, write_pointer u32, slots of a u32 of fields (type in bits 7..0, direction 9,
// log2 of the size 11..10, address 31..12) and a u32 of data. Of 8 bytes the upper data are in the next slot.
const READ_POINTER = 0;
const BUFFERED_SLOTS = 511;
const FIRST_BUFFERED = 8;
const BUFFERED_SIZE = 8;
const BUFFERED_READ = 0x200;

const TYPES: Readonly<Record<number, IoreqType>> = {
  0: 'pio',
  1: 'copy',
  2: 'pci-config',
  7: 'time-offset',
  8: 'invalidate',
};
/** Xen makes no more of an instruction at once. */
const MAX_COUNT = 4096;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

interface Request {
  readonly type: number;
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly dataLow: number;
  readonly dataHigh: number;
  readonly count: number;
  readonly size: number;
  /** The byte with DATA_IS_PTR, READ and DESCENDING. */
  readonly bits: number;
}

/** Throws `bad-argument`. */
export function createIoreqServer(options: IoreqServerOptions): IoreqServer {
  return new Server(options);
}

class Server implements IoreqServer {
  private readonly options: IoreqServerOptions;
  private readonly slotBytes: Uint8Array;
  /** read_pointer and write_pointer: as one word, which Xen may change as one, and each. */
  private readonly bothPointers: BigUint64Array | undefined;
  private readonly pointers: Uint32Array | undefined;
  /** The element in hand. */
  private readonly cell = new DataView(new ArrayBuffer(8));

  constructor(options: IoreqServerOptions) {
    const { slots, buffered } = options;
    if (slots.byteLength < SLOT_SIZE) {
      throw new TraplineError(
        'bad-argument',
        `createIoreqServer: slots of ${slots.byteLength} bytes hold none`,
      );
    }
    if (buffered && (buffered.byteLength < PAGE_SIZE || buffered.byteOffset % 8 !== 0)) {
      throw new TraplineError(
        'bad-argument',
        `createIoreqServer: buffered of ${buffered.byteLength} bytes at offset ${buffered.byteOffset} of its buffer is not a page`,
      );
    }
    this.options = options;
    this.slotBytes = new Uint8Array(slots.buffer, slots.byteOffset, slots.byteLength);
    if (buffered) {
      this.bothPointers = new BigUint64Array(buffered.buffer, buffered.byteOffset, 1);
      this.pointers = new Uint32Array(buffered.buffer, buffered.byteOffset, 2);
    }
  }

  answer(vcpu: number): boolean {
    const { slots } = this.options;
    const capacity = Math.floor(slots.byteLength / SLOT_SIZE);
    if (!isInteger(vcpu, 0, capacity - 1)) {
      throw new TraplineError('bad-argument', `IoreqServer.answer: vcpu ${vcpu} is not in [0, ${capacity})`);
    }
    this.drain();
    const at = SLOT_SIZE * vcpu;
    const bits = Atomics.load(this.slotBytes, at + BITS);
    if ((bits & STATE) !== READY) return false;
    const request: Request = {
      type: slots.getUint8(at + TYPE),
      addressLow: slots.getUint32(at, true),
      addressHigh: slots.getUint32(at + 4, true),
      dataLow: slots.getUint32(at + DATA, true),
      dataHigh: slots.getUint32(at + DATA + 4, true),
      count: slots.getUint32(at + COUNT, true),
      size: slots.getUint32(at + SIZE, true),
      bits,
    };
    Atomics.store(this.slotBytes, at + BITS, (bits & ~STATE) | IN_PROCESS);
    const value = this.perform(request);
    if (bits & READ && !(bits & DATA_IS_PTR)) slots.setBigUint64(at + DATA, value, true);
    Atomics.store(this.slotBytes, at + BITS, (bits & ~STATE) | RESPONSE_READY);
    return true;
  }

  drain(): number | undefined {
    const { buffered } = this.options;
    if (!buffered || !this.bothPointers || !this.pointers) return 0;
    for (let taken = 0; ; taken++) {
      const both = Atomics.load(this.bothPointers, 0);
      const read = Number(both & 0xffff_ffffn);
      const pending = (Number(both >> 32n) - read) >>> 0;
      if (pending > BUFFERED_SLOTS) return undefined;
      if (pending === 0 || taken === BUFFERED_SLOTS) return taken;
      const at = (index: number) =>
        FIRST_BUFFERED + BUFFERED_SIZE * (((read + index) >>> 0) % BUFFERED_SLOTS);
      const fields = buffered.getUint32(at(0), true);
      const size = 1 << ((fields >>> 10) & 3);
      const used = size === 8 ? 2 : 1;
      const request: Request = {
        type: fields & 0xff,
        addressLow: fields >>> 12,
        addressHigh: 0,
        dataLow: buffered.getUint32(at(0) + 4, true),
        dataHigh: used === 2 ? buffered.getUint32(at(1) + 4, true) : 0,
        count: 1,
        size,
        bits: 0,
      };
      // Added and not stored: Xen takes multiples of the ring's length off both pointers meanwhile.
      Atomics.add(this.pointers, READ_POINTER, Math.min(used, pending));
      // What a read would give has nowhere to go, and of 8 bytes without the next slot half is missing.
      if (!(fields & BUFFERED_READ) && used <= pending) this.perform(request);
    }
  }

  /** The value of the last element read, zero-extended. */
  private perform(request: Request): bigint {
    const type = TYPES[request.type];
    const { size } = request;
    // Xen gives `invalidate` a count of 0.
    const count = type === 'invalidate' || type === 'time-offset' ? 1 : request.count;
    if (!type || !isWidth(size) || count < 1 || count > MAX_COUNT) return ALL_ONES;
    try {
      for (let index = 0; index < count; index++) this.element(type, size, index, request);
      return this.cell.getBigUint64(0, true);
    } catch (error) {
      this.options.onError?.(error);
      return ALL_ONES;
    }
  }

  private element(type: IoreqType, width: Width, index: number, request: Request): void {
    const { memory } = this.options;
    const { addressLow, addressHigh, dataLow, dataHigh, bits } = request;
    const step = index * (bits & DESCENDING ? -width : width);
    const bytes = bits & DATA_IS_PTR ? new Uint8Array(this.cell.buffer, 0, width) : undefined;
    const pointer = dataLow + dataHigh * 2 ** 32 + step;
    const access: UnclaimedAccess =
      type === 'pci-config'
        ? { type, address: addressLow, sbdf: addressHigh, width }
        : { type, address: addressLow + addressHigh * 2 ** 32 + (type === 'copy' ? step : 0), width };
    if (bits & READ) {
      this.read(access);
      if (bytes && isAddress(pointer)) memory.write(pointer, bytes);
      return;
    }
    if (!bytes) this.put(dataLow, dataHigh);
    else if (!isAddress(pointer) || !memory.read(pointer, bytes)) return;
    this.write(access);
  }

  /** Into the cell. */
  private read(access: UnclaimedAccess): void {
    const { dispatcher, doors = dispatcher, unclaimed } = this.options;
    const { type, address, sbdf, width } = access;
    if (type === 'copy') {
      const low = doors.read(address, width);
      this.put(low, width === 8 ? doors.high : 0);
      if (low !== UNCLAIMED) return;
    }
    const config = sbdf === undefined ? undefined : dispatcher.find(sbdf)?.config;
    if (config) {
      // It has no registers of 8 bytes, and answers with ones.
      this.put(config.read(address, width), width === 8 ? 0xffffffff : 0);
      return;
    }
    const value = isAddress(address) ? unclaimed?.(access) : undefined;
    this.cell.setBigUint64(0, BigInt.asUintN(8 * width, value ?? ALL_ONES), true);
  }

  /** From the cell. */
  private write(access: UnclaimedAccess): void {
    const { dispatcher, doors = dispatcher, unclaimed } = this.options;
    const { type, address, sbdf, width } = access;
    // Above the width there is what was there before.
    const low = (this.cell.getUint32(0, true) & ones(width)) >>> 0;
    const high = width === 8 ? this.cell.getUint32(4, true) : 0;
    if (type === 'copy' && doors.write(address, width, low, high)) return;
    const config = sbdf === undefined ? undefined : dispatcher.find(sbdf)?.config;
    if (config) config.write(address, width, low);
    else if (isAddress(address)) {
      unclaimed?.({ ...access, data: (BigInt(high) << 32n) | BigInt(low) });
    }
  }

  private put(low: number, high: number): void {
    this.cell.setUint32(0, low, true);
    this.cell.setUint32(4, high, true);
  }
}

/** Past 2^53 an address is not exact, and a descending one may fall below 0. */
const isAddress = (address: number): boolean => address >= 0 && address < ADDRESS_LIMIT;
