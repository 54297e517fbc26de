import { UNCLAIMED, type Width } from '../access.js';
import type { Dispatcher } from '../dispatcher.js';

/** What a scenario can name: another wasm module's functions, v86's, and the ring. */
export const DOORS = ['wasm', 'v86', 'ring'] as const;
export type DoorName = (typeof DOORS)[number];

/** Another way into a dispatcher, asked as the dispatcher is. */
export interface Door {
  /** High lane of the last 8-byte read, unsigned. */
  readonly high: number;
  read(address: number, width: Width): number;
  write(address: number, width: Width, low: number, high?: number): boolean;
}

const TWO_32 = 2 ** 32;
/** State 1, ready; type 1, copy. See Ring. */
const WRITE_READY = 0x0101_0000;
const READ_READY = 0x0121_0000;
const DONE = 3;

/** All of them: a dispatcher has one fallback for what nobody claims. */
export function openDoors(dispatcher: Dispatcher): Readonly<Record<DoorName, Door>> {
  const module = new Module(dispatcher);
  return { wasm: new WasmDoor(module), v86: new V86Door(module), ring: new RingDoor(dispatcher) };
}

/** Another wasm module, as far as the dispatcher knows. */
class Module {
  readonly dispatcher: Dispatcher;
  readonly exports: ReturnType<Dispatcher['attach']>;
  /** The last access was. */
  claimed = true;

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    const unclaimed = () => {
      this.claimed = false;
      return -1;
    };
    this.exports = dispatcher.attach({ read: unclaimed, write: unclaimed });
  }
}

class WasmDoor implements Door {
  high = 0;
  protected readonly module: Module;

  constructor(module: Module) {
    this.module = module;
  }

  read(address: number, width: Width): number {
    const { module } = this;
    module.claimed = true;
    const value = module.exports.trap_read(address % TWO_32, Math.floor(address / TWO_32), width);
    if (!module.claimed) return UNCLAIMED;
    if (width === 8) this.high = module.dispatcher.high;
    return value >>> 0;
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    const { module } = this;
    module.claimed = true;
    module.exports.trap_write(address % TWO_32, Math.floor(address / TWO_32), width, low, high);
    return module.claimed;
  }
}

/** What v86 has no import for goes by the door for any wasm module. */
class V86Door extends WasmDoor {
  override read(address: number, width: Width): number {
    if (address >= TWO_32 || (width !== 1 && width !== 4)) return super.read(address, width);
    const { module } = this;
    module.claimed = true;
    const { mmap_read8, mmap_read32 } = module.exports;
    const value = width === 1 ? mmap_read8(address) : mmap_read32(address);
    return module.claimed ? value >>> 0 : UNCLAIMED;
  }

  override write(address: number, width: Width, low: number, high = 0): boolean {
    const { module } = this;
    const { exports } = module;
    if (address >= TWO_32 || ![1, 2, 4, 8].includes(width)) return super.write(address, width, low, high);
    module.claimed = true;
    if (width === 1) exports.mmap_write8(address, low);
    else if (width === 2) exports.mmap_write16(address, low);
    else if (width === 4) exports.mmap_write32(address, low);
    else exports.mmap_write64(address, low, high);
    return module.claimed;
  }
}

class RingDoor implements Door {
  high = 0;
  private readonly ring: ReturnType<Dispatcher['createRing']>;

  constructor(dispatcher: Dispatcher) {
    this.ring = dispatcher.createRing(1);
  }

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
