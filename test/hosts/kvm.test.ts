import { beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import { answerKvmExit, type CoalescedWrite, drainCoalesced, kvmMsi } from '../../src/hosts/kvm.js';
import { record } from '../../src/trace/recording.js';
import { nvmeLike, TABLE } from '../nvme-like.js';

// What the structures of <linux/kvm.h> make of these is tested in layout/.
const ADJACENT = TABLE + 0x400;
const MMIO = 6;
const ENTRIES = 170;

let dispatcher: Dispatcher;
/** Writes as the device's handler was told: offset, width and both lanes. */
let told: number[][];

beforeEach(() => {
  told = [];
  dispatcher = createDispatcher({
    host: {
      mapPage: () => ({
        read: (offset, width, high) => {
          high[0] = 0x88776655;
          return width === 1 ? offset & 0xff : 0x44332211;
        },
        write: (...write) => told.push(write),
      }),
    },
  });
  dispatcher.assign(nvmeLike);
});

function exit(address: number, length: number, data?: bigint): DataView {
  const run = new DataView(new ArrayBuffer(0x930));
  run.setUint32(8, MMIO, true);
  run.setBigUint64(32, BigInt(address), true);
  run.setBigUint64(40, data ?? 0xeeee_eeee_eeee_eeeen, true);
  run.setUint32(48, length, true);
  run.setUint8(52, data === undefined ? 0 : 1);
  return run;
}
const dataOf = (run: DataView) => run.getBigUint64(40, true).toString(16);

function ringOf(first: number, last: number, size = 4096): DataView {
  const ring = new DataView(new ArrayBuffer(size));
  ring.setUint32(0, first, true);
  ring.setUint32(4, last, true);
  return ring;
}
function put(ring: DataView, index: number, address: number, length: number, data: bigint, pio = 0): void {
  const at = 8 + 24 * index;
  ring.setBigUint64(at, BigInt(address), true);
  ring.setUint32(at + 8, length, true);
  ring.setUint32(at + 12, pio, true);
  ring.setBigUint64(at + 16, data, true);
}
const firstOf = (ring: DataView) => ring.getUint32(0, true);

describe('an MMIO exit', () => {
  it.each([
    [1, 'eeeeeeeeeeeeee00'],
    [2, 'eeeeeeeeeeee2211'],
    [4, 'eeeeeeee44332211'],
    [8, '8877665544332211'],
  ])('of %d bytes that reads leaves the other bytes as they are', (length, data) => {
    const run = exit(ADJACENT, length);
    expect(answerKvmExit(dispatcher, run)).toBe(true);
    expect(dataOf(run)).toBe(data);
  });

  it.each([1, 2, 4, 8])('of %d bytes that writes hands on no other bytes', (length) => {
    expect(answerKvmExit(dispatcher, exit(ADJACENT, length, 0xffee_ddcc_bbaa_9988n))).toBe(true);
    const low = [0x88, 0x9988, 0, 0xbbaa9988][Math.min(length, 4) - 1];
    expect(told).toEqual([[0x400, length, low, length === 8 ? 0xffeeddcc : 0]]);
  });

  it.each([3, 5, 6, 7])('of %d bytes, a piece of one that crossed pages, is bytes', (length) => {
    const write = exit(ADJACENT + 1, length, 0x0807_0605_0403_0201n);
    const read = exit(ADJACENT + 1, length);
    expect([answerKvmExit(dispatcher, write), answerKvmExit(dispatcher, read)]).toEqual([true, true]);
    expect(told).toEqual([...Array(length).keys()].map((index) => [0x401 + index, 1, index + 1, 0]));
    expect(dataOf(read)).toBe('eeeeeeee07060504030201'.slice(-2 * length).padStart(16, 'e'));
  });

  it('of 3 bytes at the end of what is claimed reads ones for the rest, and drops it', () => {
    expect(answerKvmExit(dispatcher, exit(TABLE + 0xffe, 3, 0x030201n))).toBe(true);
    expect(told.map(([offset]) => offset)).toEqual([0xffe, 0xfff]);
    const run = exit(TABLE + 0xffe, 3);
    expect(answerKvmExit(dispatcher, run)).toBe(true);
    expect(dataOf(run)).toBe('eeeeeeeeeefffffe');
  });

  it.each([
    ['nobody claims the address', exit(0x1000, 4)],
    ['nobody claims the address of a piece', exit(0x1000, 3)],
    ['the address has more than 52 bits', exit(2 ** 60, 4)],
    ['the length is 0', exit(ADJACENT, 0)],
    ['the length is 9', exit(ADJACENT, 9)],
    ['the length is 2^32 - 4', exit(ADJACENT, 0xfffffffc)],
    ['a write of no length', exit(ADJACENT, 0, 1n)],
    ['a write of 16 bytes', exit(ADJACENT, 16, 1n)],
    ['a write to nobody', exit(0x1000, 8, 1n)],
    ['a piece written to nobody', exit(0x1000, 5, 1n)],
  ])('is the embedder’s: %s', (_, run) => {
    const before = Buffer.from(run.buffer.slice(0));
    expect(answerKvmExit(dispatcher, run)).toBe(false);
    expect(Buffer.from(run.buffer).equals(before)).toBe(true);
    expect(told).toEqual([]);
  });

  it('takes the doors of a recording', () => {
    let text = '';
    const recording = record(dispatcher, (more) => {
      text += more;
    });
    answerKvmExit(recording, exit(ADJACENT, 2, 0xffff_ffff_ffff_1234n));
    recording.flush();
    expect(text).toMatch(/^W 2 .* 0x1234 /m);
  });

  it('refuses a view that ends before it', () => {
    expect(() => answerKvmExit(dispatcher, new DataView(new ArrayBuffer(52)))).toThrow(
      'answerKvmExit: run has 52 bytes, and its MMIO exit ends at 53',
    );
  });
});

describe('a coalesced ring', () => {
  it('of a page of 64 KiB has more entries', () => {
    const ring = ringOf(2728, 1, 65536);
    put(ring, 2728, ADJACENT, 1, 1n);
    put(ring, 2729, ADJACENT, 1, 2n);
    put(ring, 0, ADJACENT, 1, 3n);
    expect(drainCoalesced(dispatcher, ring)).toBe(3);
    expect([told.map(([, , low]) => low), firstOf(ring)]).toEqual([[1, 2, 3], 1]);
  });

  it('drops what nobody claims, ports and lengths of no access, if nobody asks for them', () => {
    const ring = ringOf(0, 5);
    put(ring, 0, 0x1000, 4, 1n);
    put(ring, 1, ADJACENT, 4, 1n, 1);
    put(ring, 2, ADJACENT, 0, 1n);
    put(ring, 3, ADJACENT, 9, 1n);
    put(ring, 4, ADJACENT, 4, 9n);
    expect(drainCoalesced(dispatcher, ring)).toBe(5);
    expect(told).toEqual([[0x400, 4, 9, 0]]);
  });

  it('goes on behind the entry whose callback threw', () => {
    const ring = ringOf(ENTRIES - 1, 2);
    for (const index of [ENTRIES - 1, 0, 1]) put(ring, index, index, 1, 0n);
    const seen: number[] = [];
    const note = ({ address }: CoalescedWrite) => {
      seen.push(address);
      if (address === 0) throw new Error('broken');
    };
    expect(() => drainCoalesced(dispatcher, ring, note)).toThrow('broken');
    expect(drainCoalesced(dispatcher, ring, note)).toBe(1);
    expect(seen).toEqual([ENTRIES - 1, 0, 1]);
  });

  it('repeats nothing when a callback drains it too', () => {
    const ring = ringOf(0, 5);
    for (let index = 0; index < 5; index++) put(ring, index, index, 1, 0n);
    const seen: number[] = [];
    const drain = (): number | undefined =>
      drainCoalesced(dispatcher, ring, ({ address }) => {
        seen.push(address);
        if (address === 1) expect(drain()).toBe(3);
      });
    expect(drain()).toBe(2);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('ends after a ringful, however fast it is filled', () => {
    const ring = ringOf(0, 1);
    for (let index = 0; index < ENTRIES; index++) put(ring, index, 0, 1, 0n);
    const fill = () => ring.setUint32(4, (firstOf(ring) + 1) % ENTRIES, true);
    expect(drainCoalesced(dispatcher, ring, fill)).toBe(ENTRIES);
  });

  it('ends when an index leaves it meanwhile', () => {
    const ring = ringOf(0, 3);
    const breaking = () => ring.setUint32(4, 0xffffffff, true);
    put(ring, 0, 0, 1, 0n);
    expect(drainCoalesced(dispatcher, ring, breaking)).toBeUndefined();
    expect(firstOf(ring)).toBe(1);
  });

  it.each([
    [new DataView(new ArrayBuffer(55)), '55 bytes at offset 0'],
    [new DataView(new ArrayBuffer(4098), 2), '4096 bytes at offset 2'],
  ])('refuses a view that is no page', (view, what) => {
    expect(() => drainCoalesced(dispatcher, view)).toThrow(
      `drainCoalesced: ring of ${what} of its buffer is not a page`,
    );
  });
});

it.each([-1, 1.5, 2 ** 32, Number.NaN])('a message has no devid %d', (devid) => {
  expect(() => kvmMsi({ addressLow: 0, addressHigh: 0, data: 0 }, { devid })).toThrow(
    `kvmMsi: devid ${devid} is not an integer in [0, 2^32)`,
  );
});
