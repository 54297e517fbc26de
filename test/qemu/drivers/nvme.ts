import type { Guest } from '../guest.js';
import type { Memory } from '../memory.js';
import type { Driver } from './driver.js';

/** Registers (NVMe 1.4, 3.1). */
const CC = 0x14;
const CSTS = 0x1c;
const AQA = 0x24;
const ASQ = 0x28;
const ACQ = 0x30;
const SUBMISSION_TAIL = 0x1000;
const COMPLETION_HEAD = 0x1004;
const ENTRIES = 16;
/** 64 and 16 bytes an entry; enabled. */
const ENABLED = 0x0046_0001;
const READY = 1;
const IDENTIFY = 6;
const CONTROLLER = 1;

/** The admin queues: commands that identify the controller. */
export class Nvme implements Driver {
  readonly vector = 0;
  private readonly guest: Guest;
  private readonly registers: number;
  private readonly memory: Memory;
  private readonly submissions: number;
  private readonly completions: number;
  private readonly data: number;
  private commands = 0;

  constructor(guest: Guest, registers: number, memory: Memory) {
    this.guest = guest;
    this.registers = registers;
    this.memory = memory;
    [this.submissions, this.completions, this.data] = [memory.page(), memory.page(), memory.page()];
    const { dispatcher } = guest;
    dispatcher.write(registers + AQA, 4, ((ENTRIES - 1) << 16) | (ENTRIES - 1));
    dispatcher.write(registers + ASQ, 8, this.submissions);
    dispatcher.write(registers + ACQ, 8, this.completions);
    dispatcher.write(registers + CC, 4, ENABLED);
    guest.until(() => (dispatcher.read(registers + CSTS, 4) & READY) !== 0);
  }

  raise(): void {
    this.guest.dispatcher.write(this.registers + COMPLETION_HEAD, 4, this.commands % ENTRIES);
    const command = new Uint32Array(16);
    command[0] = (this.commands << 16) | IDENTIFY;
    command[6] = this.data;
    command[10] = CONTROLLER;
    this.memory.write(this.submissions + 64 * (this.commands % ENTRIES), command);
    this.commands++;
    this.guest.dispatcher.write(this.registers + SUBMISSION_TAIL, 4, this.commands % ENTRIES);
  }

  /** By the phase bit of the last completion: 1 in the first round. */
  done(): boolean {
    const last = this.completions + 16 * ((this.commands - 1) % ENTRIES);
    const phase = (this.memory.words(last + 12, 1)[0]! >>> 16) & 1;
    return phase === (Math.floor((this.commands - 1) / ENTRIES) + 1) % 2;
  }

  /** What the controller wrote into the guest's memory. */
  get serial(): string {
    return Buffer.from(this.memory.bytes(this.data + 4, 20))
      .toString('latin1')
      .trimEnd();
  }
}
