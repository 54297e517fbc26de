import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Vector } from '../../../src/host.js';
import { Mailbox } from '../../../src/hosts/qtest/mailbox.js';
import { Qtest } from '../../../src/hosts/qtest.js';
import type { Message } from '../../../src/msix/message.js';
import { Peer } from './peer.js';

const ADDRESS = 0x4000;
const SBDF = 0x20;

describe('a mailbox', () => {
  let peer: Peer;
  let qtest: Qtest;
  let mailbox: Mailbox;
  beforeAll(() => {
    peer = new Peer().start();
    qtest = new Qtest(peer.path);
  });
  afterAll(() => peer.close());
  beforeEach(() => {
    mailbox = new Mailbox(qtest, ADDRESS);
  });

  const vector = (index: number, data = 0x41): Vector => ({
    index,
    addressLow: 0xfee0_0000,
    addressHigh: 1,
    data,
    masked: false,
    updated: false,
    armed: false,
  });
  /** As the device does. */
  const send = ({ addressLow, addressHigh, data }: Message) =>
    qtest.write(addressHigh * 2 ** 32 + addressLow, 4, data);
  const interrupt = (index: number, data = 0x41, sbdf = SBDF) => ({
    sbdf,
    index,
    message: { addressLow: 0xfee0_0000, addressHigh: 1, data },
  });

  it('says once what was sent, as the guest wants it delivered', () => {
    const [, second, other] = [
      mailbox.claim(SBDF, vector(0)),
      mailbox.claim(SBDF, vector(1, 0x42)),
      mailbox.claim(SBDF + 8, vector(1)),
    ];
    expect(mailbox.collect()).toEqual([]);
    send(second!);
    send(second!);
    send(other!);
    expect(mailbox.collect()).toEqual([interrupt(1, 0x42), interrupt(1, 0x41, SBDF + 8)]);
    expect(mailbox.collect()).toEqual([]);
    send(second!);
    expect(mailbox.collect()).toEqual([interrupt(1, 0x42)]);
  });

  it('keeps what was sent before it was released, and gives the place to another', () => {
    const first = mailbox.claim(SBDF, vector(0));
    send(first);
    mailbox.release(SBDF, 0);
    mailbox.release(SBDF, 0);
    const next = mailbox.claim(SBDF, vector(5, 0x55));
    expect(next).toEqual(first);
    expect(mailbox.collect()).toEqual([interrupt(0)]);
    send(next);
    expect(mailbox.collect()).toEqual([interrupt(5, 0x55)]);
  });

  it('has one place for a vector that is claimed again', () => {
    const first = mailbox.claim(SBDF, vector(0));
    send(first);
    expect(mailbox.claim(SBDF, vector(0, 0x42))).toEqual(first);
    expect(mailbox.collect()).toEqual([interrupt(0)]);
    send(first);
    expect(mailbox.collect()).toEqual([interrupt(0, 0x42)]);
  });

  it('does not take what was in the memory before', () => {
    qtest.write(ADDRESS, 4, 1);
    mailbox.claim(SBDF, vector(0));
    expect(mailbox.collect()).toEqual([]);
  });

  it('holds a page of vectors', () => {
    const messages = Array.from({ length: 1024 }, (_, index) => mailbox.claim(SBDF, vector(index)));
    expect(new Set(messages.map(({ addressLow }) => addressLow)).size).toBe(1024);
    expect(messages.at(-1)).toEqual({ addressLow: ADDRESS + 4092, addressHigh: 0, data: 1 });
    expect(() => mailbox.claim(SBDF, vector(1024))).toThrow('qtest: more than 1024 vectors are armed');
    send(messages.at(-1)!);
    expect(mailbox.collect()).toEqual([interrupt(1023)]);
  });
});
