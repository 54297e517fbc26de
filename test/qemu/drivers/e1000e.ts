import type { Guest } from '../guest.js';
import type { Driver } from './driver.js';

/** Registers (Intel 82574 datasheet, 10.2). */
const ICR = 0xc0;
const ICS = 0xc8;
const IMS = 0xd0;
const IVAR = 0xe4;
/** Interrupt cause: receive queue 0. Its vector is in IVAR, bits 2..0, valid with bit 3. */
const RXQ0 = 1 << 20;
const VALID = 8;

/** Interrupts by their cause, set by hand. */
export class E1000e implements Driver {
  readonly vector = 2;
  private readonly guest: Guest;
  private readonly registers: number;

  constructor(guest: Guest, registers: number) {
    this.guest = guest;
    this.registers = registers;
    this.write(IVAR, VALID | this.vector);
    this.write(IMS, RXQ0);
  }

  raise(): void {
    this.write(ICR, 0xffff_ffff);
    this.write(ICS, RXQ0);
  }

  done(): boolean {
    return (this.guest.dispatcher.read(this.registers + ICS, 4) & RXQ0) !== 0;
  }

  private write(register: number, value: number): void {
    this.guest.dispatcher.write(this.registers + register, 4, value);
  }
}
