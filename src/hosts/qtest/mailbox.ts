import type { Vector } from '../../host.js';
import type { Message } from '../../msix/message.js';
import type { Sbdf } from '../../sbdf.js';
import type { Qtest } from './connection.js';
import { QtestError } from './error.js';

/** An interrupt that a device sent. */
export interface QtestInterrupt {
  /** Of the function whose vector it is. */
  readonly sbdf: Sbdf;
  /** Of the vector. */
  readonly index: number;
  /** As the guest wants it delivered. */
  readonly message: Message;
}

const SLOTS = 1024;
const SENT = 1;

/** A page of QEMU's memory to which devices send their messages: 4 bytes a vector, of which not 0 says that it was sent. */
export class Mailbox {
  private readonly qtest: Qtest;
  private readonly address: number;
  private readonly slots: (QtestInterrupt | undefined)[] = [];
  private waiting: QtestInterrupt[] = [];

  constructor(qtest: Qtest, address: number) {
    this.qtest = qtest;
    this.address = address;
  }

  /** The message that a physical entry is to send for a guest's vector. Throws `QtestError`. */
  claim(sbdf: Sbdf, { index, addressLow, addressHigh, data }: Vector): Message {
    this.release(sbdf, index);
    const free = this.slots.indexOf(undefined);
    const slot = free < 0 ? this.slots.length : free;
    if (slot === SLOTS) throw new QtestError(`qtest: more than ${SLOTS} vectors are armed`);
    const at = this.address + 4 * slot;
    this.qtest.write(at, 4, 0);
    this.slots[slot] = { sbdf, index, message: { addressLow, addressHigh, data } };
    return { addressLow: at % 2 ** 32, addressHigh: Math.floor(at / 2 ** 32), data: SENT };
  }

  /** Nothing is sent for the vector any more. What was, is still to be taken. */
  release(sbdf: Sbdf, index: number): void {
    const slot = this.slots.findIndex((sent) => sent?.sbdf === sbdf && sent.index === index);
    if (slot < 0) return;
    if (this.qtest.read(this.address + 4 * slot, 4) !== 0) this.take(slot);
    this.slots[slot] = undefined;
  }

  /** What was sent since the last time; a vector that was sent several times counts once. */
  collect(): readonly QtestInterrupt[] {
    const words = this.qtest.readMemory(this.address, 4 * this.slots.length);
    for (const slot of this.slots.keys()) {
      if (words.subarray(4 * slot, 4 * slot + 4).some((byte) => byte !== 0)) this.take(slot);
    }
    const taken = this.waiting;
    this.waiting = [];
    return taken;
  }

  /** Cleared first: what the device sends from now on is another interrupt. */
  private take(slot: number): void {
    this.qtest.write(this.address + 4 * slot, 4, 0);
    const sent = this.slots[slot];
    if (sent) this.waiting.push(sent);
  }
}
