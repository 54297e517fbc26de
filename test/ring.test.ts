import { beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '../src/dispatcher.js';
import type { Ring } from '../src/ring.js';
import { MemoryHost } from './memory-host.js';
import { BAR, nvmeLike, PBA, TABLE } from './nvme-like.js';

const READ = 0x20;
const READY = 1;
const DONE = 3;
const COPY = 1;

interface Fields {
  address: number;
  width: number;
  data?: bigint;
  count?: number;
  bits: number;
  type?: number;
}

let host: MemoryHost;
let dispatcher: Dispatcher;
let ring: Ring;

beforeEach(() => {
  host = new MemoryHost();
  dispatcher = createDispatcher({ host });
  dispatcher.assign(nvmeLike);
  ring = dispatcher.createRing(64);
});

function put(index: number, { address, width, data = 0n, count = 1, bits, type = COPY }: Fields): void {
  const { records } = ring;
  const at = 32 * index;
  records.setBigUint64(at, BigInt(address), true);
  records.setBigUint64(at + 8, data, true);
  records.setUint32(at + 16, count, true);
  records.setUint32(at + 20, width, true);
  records.setUint32(at + 24, 0xdeadbeef, true);
  records.setUint16(at + 28, 0xbeef, true);
  records.setUint8(at + 30, bits);
  records.setUint8(at + 31, type);
}

const bytes = (index: number): string =>
  Array.from({ length: 32 }, (_, at) => ring.records.getUint8(32 * index + at).toString(16)).join(' ');
const data = (index: number): bigint => ring.records.getBigUint64(32 * index + 8, true);
const state = (index: number): number => ring.records.getUint8(32 * index + 30) & 15;

describe('a ring of ioreq records', () => {
  it.each([4, 8])('writes and reads a table entry with width %i', (width) => {
    const value = width === 4 ? 0xfee01004n : 0x1_fee0_1004n;
    put(0, { address: TABLE, width, data: value, bits: READY });
    put(1, { address: TABLE, width, data: 0x5555n, bits: READY | READ });
    ring.answer(0, 2);
    expect([state(0), state(1), data(1)]).toEqual([DONE, DONE, value]);
  });

  it.each([1, 2, 4, 8])('zero-extends what a host page answers with width %i', (width) => {
    host.mapPage(BAR + 0x2000).fill(0x80);
    put(0, { address: TABLE + 0x400, width, data: 0xffff_ffff_ffff_ffffn, bits: READY | READ });
    ring.answer(0, 1);
    expect(data(0)).toBe(BigInt.asUintN(8 * width, 0x8080_8080_8080_8080n));
  });

  it.each([1, 2])('answers a refused read of width %i with that many ones', (width) => {
    put(0, { address: TABLE, width, bits: READY | READ });
    ring.answer(0, 1);
    expect([state(0), data(0)]).toEqual([DONE, 2n ** BigInt(8 * width) - 1n]);
  });

  it('answers in order: a read sees the write before it, whoever finishes them', () => {
    put(0, { address: TABLE + 0x400, width: 4, data: 7n, bits: READY });
    put(1, { address: TABLE + 0x400, width: 4, bits: READY | READ });
    put(2, { address: TABLE + 0x400, width: 4, data: 9n, bits: READY });
    put(3, { address: TABLE + 4, width: 4, data: 3n, bits: READY });
    put(4, { address: TABLE + 0x400, width: 8, bits: READY | READ });
    put(5, { address: TABLE + 0, width: 8, bits: READY | READ });
    ring.answer(0, 6);
    expect([data(1), data(4), data(5)]).toEqual([7n, 9n, 3n << 32n]);
  });

  it('drops a guest write to the PBA and reads it back from the host page', () => {
    host.mapPage(BAR + 0x2000)[0x800] = 5;
    put(0, { address: PBA, width: 8, data: 1n, bits: READY });
    put(1, { address: PBA, width: 8, bits: READY | READ });
    ring.answer(0, 2);
    expect([state(0), data(1)]).toEqual([DONE, 5n]);
  });

  it('performs an unaligned access', () => {
    put(0, { address: TABLE + 0x401, width: 4, data: 0x44332211n, bits: READY });
    put(1, { address: TABLE + 0x402, width: 2, bits: READY | READ });
    ring.answer(0, 2);
    expect(data(1)).toBe(0x3322n);
  });

  const plain = { address: TABLE, width: 4, data: 0x1234n, bits: READY | READ };
  const foreign: [string, Fields][] = [
    ['data is a pointer', { ...plain, bits: READY | READ | 0x10 }],
    ['count 0', { ...plain, count: 0 }],
    ['count 2', { ...plain, count: 2 }],
    ['type port I/O', { ...plain, type: 0 }],
    ['type PCI config', { ...plain, type: 9 }],
    ...[1, 2, 3, 4, 5, 6, 7].map((bit): [string, Fields] => [
      `type with bit ${bit}`,
      { ...plain, type: COPY | (1 << bit) },
    ]),
    ['state none', { ...plain, bits: 0 | READ }],
    ['state in process', { ...plain, bits: 2 | READ }],
    ['a state of no name', { ...plain, bits: READY | 8 | READ }],
    ['state answered', { ...plain, bits: DONE | READ }],
    ...[0, 3, 5, 6, 7, 9, 12, 16].map((width): [string, Fields] => [`width ${width}`, { ...plain, width }]),
    ...[0, 3, 5, 6, 7, 9, 12, 16].map((width): [string, Fields] => [
      `a write of width ${width}`,
      { ...plain, width, bits: READY },
    ]),
    ['width 36, which is 4 modulo 32', { ...plain, width: 36 }],
    ['a write to nobody', { ...plain, address: 0x1000, bits: READY }],
    ['a read of nobody', { ...plain, address: 0x1000 }],
    ['an address past 52 bits', { ...plain, address: 2 ** 60 }],
    ['a page that need not trap', { ...plain, address: BAR }],
  ];
  it.each(foreign)('leaves a record as it is: %s', (_name, fields) => {
    put(0, fields);
    put(1, { address: TABLE + 12, width: 4, bits: READY | READ });
    const before = bytes(0);
    ring.answer(0, 2);
    expect(bytes(0)).toBe(before);
    expect([state(1), data(1)]).toEqual([DONE, 1n]);
  });

  it.each([1, 2, 4, 8])('answers ones of width %i, and no more, where a page has nobody’s bytes', (width) => {
    for (const sbdf of [1, 2]) {
      const bars = [{ index: 0, type: 'mem32' as const, address: 0x9000_0000 + 0x100 * sbdf, size: 0x100 }];
      dispatcher.assign({ sbdf, bars, decode: true });
    }
    put(0, { address: 0x9000_0800, width, data: 0x5555_5555_5555_5555n, bits: READY | READ });
    ring.answer(0, 1);
    expect([state(0), data(0)]).toEqual([DONE, 2n ** BigInt(8 * width) - 1n]);
  });

  it('leaves nothing of a read of nobody to the next of all ones', () => {
    dispatcher.write(TABLE, 8, 0xffffffff, 0xffffffff);
    put(0, { ...plain, address: 0x1000 });
    put(1, { ...plain, width: 8 });
    put(2, { ...plain, address: 0x1000, width: 8 });
    ring.answer(0, 3);
    expect([state(1), data(1)]).toEqual([DONE, 2n ** 64n - 1n]);
    expect(dispatcher.read(TABLE, 4)).toBe(0xffffffff);
    expect(Object.values(dispatcher.counts).every((count) => count === 0)).toBe(true);
  });

  it('keeps the descending bit, the event channel and the padding', () => {
    put(0, { address: TABLE + 12, width: 4, bits: READY | READ | 0x40 });
    ring.answer(0, 1);
    expect(ring.records.getUint8(30)).toBe(DONE | READ | 0x40);
    expect(ring.records.getUint32(24, true)).toBe(0xdeadbeef);
    expect(ring.records.getUint16(28, true)).toBe(0xbeef);
  });

  it('performs mask changes in order with the accesses around them', () => {
    const calls: string[] = [];
    const recording = createDispatcher({
      host: {
        mapPage: () => ({ read: () => 0, write: (offset) => calls.push(`write ${offset}`) }),
        maskVector: (_sbdf, { index, masked }) => calls.push(`mask ${index} ${masked}`),
      },
    });
    recording.assign(nvmeLike);
    ring = recording.createRing(4);
    put(0, { address: TABLE + 0x400, width: 4, bits: READY });
    put(1, { address: TABLE + 12, width: 4, data: 0n, bits: READY });
    put(2, { address: TABLE + 0x404, width: 4, bits: READY });
    put(3, { address: TABLE + 12, width: 4, data: 1n, bits: READY });
    ring.answer(0, 4);
    expect(calls).toEqual(['write 1024', 'mask 0 false', 'write 1028', 'mask 0 true']);
  });

  it('names the memory that its records are in', () => {
    expect(ring.memory).toBe(dispatcher.attach().memory);
    expect([ring.records.buffer, ring.records.byteOffset]).toEqual([ring.memory.buffer, ring.offset]);
  });

  it('answers only the records asked for', () => {
    for (let index = 0; index < 4; index++) put(index, plain);
    ring.answer(1, 2);
    expect([0, 1, 2, 3].map(state)).toEqual([READY, DONE, DONE, READY]);
  });

  it.each([
    [0, 65],
    [-1, 1],
    [0, 1.5],
    [64, 1],
  ])('refuses records [%d, +%d) of 64', (first, count) => {
    expect(() => ring.answer(first, count)).toThrow(/Ring.answer: records .* not within \[0, 64\)/);
  });

  it.each([0, 65537, 1.5, Number.NaN])('refuses a capacity of %d', (capacity) => {
    expect(() => dispatcher.createRing(capacity)).toThrow(/createRing: capacity/);
  });
});
