import { HOLDER } from '../assembly/layout.js';
import { UNCLAIMED, type Width } from '../src/access.js';
import { createDispatcher, type Dispatcher, type DispatcherOptions, type Trap } from '../src/dispatcher.js';
import type { AttachedDispatcher } from '../src/shared/attached-dispatcher.js';
import { SharedDispatcher } from '../src/shared/dispatcher.js';
import { createReference } from './reference/reference.js';
import { attachHere } from './shared/attach-here.js';

export interface Engine {
  readonly name: string;
  readonly create: (options: DispatcherOptions) => Trap;
}

const TWO_32 = 2 ** 32;
/** State 1, ready; type 1, copy. See Ring. */
const WRITE_READY = 0x0101_0000;
const READ_READY = 0x0121_0000;
const DONE = 3;

export const reference: Engine = { name: 'reference', create: createReference };

/** Nobody has a lock when the outermost access has ended. */
class Unlocked extends SharedDispatcher {
  override read(address: number, width: Width): number {
    const value = super.read(address, width);
    this.check(`read ${address}`);
    return value;
  }

  override write(address: number, width: Width, data: number, dataHigh = 0): boolean {
    const claimed = super.write(address, width, data, dataHigh);
    this.check(`write ${address}`);
    return claimed;
  }

  private check(access: string): void {
    const { words, records, underway } = this.core;
    if (underway > 0) return;
    for (const { sbdf } of this.functions) {
      if (words[(records.of(sbdf) + HOLDER) / 4] !== 0)
        throw new Error(`${access}: function ${sbdf} is locked`);
    }
  }
}

const shared = (options: DispatcherOptions): Dispatcher => new Unlocked(options);

/** What behaviour tests iterate over: what holds for one holds for all. */
export const engines: readonly Engine[] = [
  reference,
  { name: 'wasm', create: createDispatcher },
  { name: 'shared', create: shared },
];

/** The dispatcher again, through its other doors. */
export const doors: readonly Engine[] = [
  { name: 'door for wasm', create: (options) => new WasmDoor(createDispatcher(options)) },
  { name: 'door for v86', create: (options) => new V86Door(createDispatcher(options)) },
  { name: 'ring', create: (options) => new RingDoor(createDispatcher(options)) },
  { name: 'shared door for wasm', create: (options) => new WasmDoor(shared(options)) },
  { name: 'shared door for v86', create: (options) => new V86Door(shared(options)) },
  { name: 'shared ring', create: (options) => new RingDoor(shared(options)) },
];

/** Pages are mapped by the view, and some by the dispatcher's worker too. */
export const attached: Engine = { name: 'attached', create: (options) => new AttachedDoor(options) };

/** Accesses that the door cannot be asked for are left to the dispatcher. */
abstract class Door implements Trap {
  high = 0;
  protected readonly dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
  }

  assign(description: Parameters<Trap['assign']>[0]): ReturnType<Trap['assign']> {
    return this.dispatcher.assign(description);
  }

  deassign(sbdf: Parameters<Trap['deassign']>[0]): void {
    this.dispatcher.deassign(sbdf);
  }

  abstract read(address: number, width: Width): number;
  abstract write(address: number, width: Width, low: number, high?: number): boolean;
}

class WasmDoor extends Door {
  protected readonly exports: ReturnType<Dispatcher['attach']>;
  protected claimed = true;

  constructor(dispatcher: Dispatcher) {
    super(dispatcher);
    const unclaimed = () => {
      this.claimed = false;
      return -1;
    };
    this.exports = dispatcher.attach({ read: unclaimed, write: unclaimed });
  }

  read(address: number, width: Width): number {
    this.claimed = true;
    const value = this.exports.trap_read(address % TWO_32, Math.floor(address / TWO_32), width);
    if (!this.claimed) return UNCLAIMED;
    if (width === 8) this.high = this.dispatcher.high;
    return value >>> 0;
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    this.claimed = true;
    this.exports.trap_write(address % TWO_32, Math.floor(address / TWO_32), width, low, high);
    return this.claimed;
  }
}

/** What v86 has no import for goes by the door for any wasm module. */
class V86Door extends WasmDoor {
  override read(address: number, width: Width): number {
    if (address >= TWO_32 || (width !== 1 && width !== 4)) return super.read(address, width);
    this.claimed = true;
    const { mmap_read8, mmap_read32 } = this.exports;
    const value = width === 1 ? mmap_read8(address) : mmap_read32(address);
    return this.claimed ? value >>> 0 : UNCLAIMED;
  }

  override write(address: number, width: Width, low: number, high = 0): boolean {
    const { exports } = this;
    if (address >= TWO_32 || ![1, 2, 4, 8].includes(width)) return super.write(address, width, low, high);
    this.claimed = true;
    if (width === 1) exports.mmap_write8(address, low);
    else if (width === 2) exports.mmap_write16(address, low);
    else if (width === 4) exports.mmap_write32(address, low);
    else exports.mmap_write64(address, low, high);
    return this.claimed;
  }
}

class AttachedDoor extends Door {
  private readonly view: AttachedDispatcher;

  constructor(options: DispatcherOptions) {
    const dispatcher = new SharedDispatcher(options);
    super(dispatcher);
    this.view = attachHere(dispatcher, options);
  }

  read(address: number, width: Width): number {
    const value = this.view.read(address, width);
    this.high = this.view.high;
    return value;
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    return this.view.write(address, width, low, high);
  }
}

class RingDoor extends Door {
  private readonly ring = this.dispatcher.createRing(1);

  read(address: number, width: Width): number {
    const record = this.answer(address, width, 0, 0, READ_READY);
    if ((record.getUint8(30) & 0xf) !== DONE) return UNCLAIMED;
    if (width === 8) this.high = record.getUint32(12, true);
    return record.getUint32(8, true);
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    return (this.answer(address, width, low, high, WRITE_READY).getUint8(30) & 0xf) === DONE;
  }

  private answer(address: number, width: number, low: number, high: number, tail: number): DataView {
    const { records } = this.ring;
    records.setUint32(0, address % TWO_32, true);
    records.setUint32(4, Math.floor(address / TWO_32), true);
    records.setUint32(8, low, true);
    records.setUint32(12, high, true);
    records.setUint32(16, 1, true);
    records.setUint32(20, width, true);
    records.setUint32(28, tail, true);
    this.ring.answer(0, 1);
    return this.ring.records;
  }
}
