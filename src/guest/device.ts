import type { Width } from '../access.js';
import type { PageHandler } from '../host.js';
import type { SavedModel } from '../hosts/v86/machine.js';
import type { Interrupts, Raised } from '../msix/device-model.js';

/** `TRAP` in ASCII. */
export const ID = 0x50415254;

/**
 * Offsets of the registers, 32 bits each. They are read at any width and written as a whole; whatever else is on the
 * device's pages is memory.
 */
export const REGISTER = {
  /** Constant. */
  id: 0x00,
  /** Written: raises that vector. Reads what became of the last one: `OUTCOME`. */
  raise: 0x04,
  /** Written: raises vector `value >>> 16` after `value & 0xffff` milliseconds, in place of the one before. Reads 0 once it did. */
  raiseAfter: 0x08,
  /** Interrupts raised since the reset, whatever became of them. Writes are dropped. */
  raised: 0x0c,
} as const;
const REGISTERS = 0x10;

export const OUTCOME: { readonly [outcome in Raised]: number } = { sent: 1, pending: 2, dropped: 3 };

interface DeviceState {
  readonly memory: readonly number[];
}

/** What is behind the guest's functions: memory, and a few registers that raise interrupts. */
export class Device implements SavedModel {
  private readonly memory: Uint8Array;
  private readonly view: DataView;
  /** Where the registers are on the device's pages. */
  private readonly registers: number;
  private readonly interrupts: () => Interrupts;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(size: number, registers: number, interrupts: () => Interrupts) {
    this.memory = new Uint8Array(size);
    this.view = new DataView(this.memory.buffer);
    this.registers = registers;
    this.interrupts = interrupts;
    this.reset();
  }

  /** A page of the device, by its host address. */
  page(address: number): PageHandler | null {
    if (address >= this.memory.length) return null;
    return {
      read: (offset, width, high) => this.read(address + offset, width, high),
      write: (offset, width, low, high) => this.write(address + offset, width, low, high),
    };
  }

  /** What is to be raised later is not. */
  stop(): void {
    clearTimeout(this.timer);
  }

  reset(): void {
    this.stop();
    this.memory.fill(0);
    this.set(REGISTER.id, ID);
  }

  save(): DeviceState {
    return { memory: [...this.memory] };
  }

  /** What is to be raised later is raised after its whole time again. */
  restore(state: unknown): void {
    this.memory.set((state as DeviceState).memory);
    this.schedule(this.get(REGISTER.raiseAfter));
  }

  private read(at: number, width: Width, high: Uint32Array): number {
    if (width === 1) return this.view.getUint8(at);
    if (width === 2) return this.view.getUint16(at, true);
    if (width === 8) high[0] = this.view.getUint32(at + 4, true);
    return this.view.getUint32(at, true);
  }

  private write(at: number, width: Width, low: number, high: number): void {
    const register = at - this.registers;
    if (register >= 0 && register < REGISTERS) {
      if (width === 4) this.command(register, low);
    } else if (width === 1) this.view.setUint8(at, low);
    else if (width === 2) this.view.setUint16(at, low, true);
    else {
      this.view.setUint32(at, low, true);
      if (width === 8) this.view.setUint32(at + 4, high, true);
    }
  }

  private command(register: number, value: number): void {
    if (register === REGISTER.raise) this.raise(value);
    else if (register === REGISTER.raiseAfter) this.schedule(value);
  }

  private raise(vector: number): void {
    this.set(REGISTER.raised, this.get(REGISTER.raised) + 1);
    this.set(REGISTER.raise, OUTCOME[this.interrupts().raise(vector)]);
  }

  private schedule(value: number): void {
    this.stop();
    this.set(REGISTER.raiseAfter, value);
    if (value === 0) return;
    this.timer = setTimeout(() => {
      this.set(REGISTER.raiseAfter, 0);
      this.raise(value >>> 16);
    }, value & 0xffff);
  }

  private get(register: number): number {
    return this.view.getUint32(this.registers + register, true);
  }

  private set(register: number, value: number): void {
    this.view.setUint32(this.registers + register, value, true);
  }
}
