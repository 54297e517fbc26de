import type { Guest } from '../guest.js';
import type { Memory } from '../memory.js';
import type { Driver } from './driver.js';

/** Operational registers behind CAPLENGTH, runtime registers at RTSOFF, doorbells at DBOFF (xHCI 1.2, 5.3 to 5.6). */
const DBOFF = 0x14;
const RTSOFF = 0x18;
const USBCMD = 0x00;
const CRCR = 0x18;
const DCBAAP = 0x30;
const CONFIG = 0x38;
const INTERRUPTER = 0x20;
const IMAN = 0x00;
const ERSTSZ = 0x08;
const ERSTBA = 0x10;
const ERDP = 0x18;

const RUN = 1;
const INTERRUPTS = 1 << 2;
const PENDING = 1;
const ENABLE = 2;
const HANDLER_BUSY = 8;
const CYCLE = 1;
const NO_OP = 23 << 10;
const TRBS = 256;
const TRB = 16;

/** The command ring: commands that do nothing, each with an event. */
export class Xhci implements Driver {
  readonly vector = 0;
  private readonly guest: Guest;
  private readonly memory: Memory;
  private readonly interrupter: number;
  private readonly doorbell: number;
  private readonly commands: number;
  private readonly events: number;
  private count = 0;

  constructor(guest: Guest, registers: number, memory: Memory) {
    this.guest = guest;
    this.memory = memory;
    const { dispatcher } = guest;
    const operational = registers + dispatcher.read(registers, 1);
    this.interrupter = registers + dispatcher.read(registers + RTSOFF, 4) + INTERRUPTER;
    this.doorbell = registers + dispatcher.read(registers + DBOFF, 4);
    const [contexts, segments] = [memory.page(), memory.page()];
    [this.commands, this.events] = [memory.page(), memory.page()];
    memory.write(segments, Uint32Array.of(this.events, 0, TRBS, 0));
    this.write(operational + CONFIG, 1);
    this.write(operational + DCBAAP, contexts);
    this.write(operational + CRCR, this.commands | CYCLE);
    this.write(operational + CRCR + 4, 0);
    this.write(this.interrupter + ERSTSZ, 1);
    this.write(this.interrupter + ERDP, this.events);
    this.write(this.interrupter + ERDP + 4, 0);
    this.write(this.interrupter + ERSTBA, segments);
    this.write(this.interrupter + ERSTBA + 4, 0);
    this.write(this.interrupter + IMAN, ENABLE);
    this.write(operational + USBCMD, RUN | INTERRUPTS);
  }

  raise(): void {
    this.write(this.interrupter + IMAN, PENDING | ENABLE);
    this.write(this.interrupter + ERDP, (this.events + TRB * this.count) | HANDLER_BUSY);
    this.memory.write(this.commands + TRB * this.count, Uint32Array.of(0, 0, 0, NO_OP | CYCLE));
    this.count++;
    this.write(this.doorbell, 0);
  }

  /** By the cycle bit of the last event: 1 in the first round, which is all that the command ring has. */
  done(): boolean {
    return (this.memory.words(this.events + TRB * (this.count - 1) + 12, 1)[0]! & CYCLE) === CYCLE;
  }

  private write(address: number, value: number): void {
    this.guest.dispatcher.write(address, 4, value);
  }
}
