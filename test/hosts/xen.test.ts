import { beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import {
  createIoreqServer,
  type IoreqServer,
  type IoreqServerOptions,
  type UnclaimedAccess,
} from '../../src/hosts/xen.js';
import { record } from '../../src/trace/recording.js';
import { nvmeLike, TABLE } from '../nvme-like.js';
import { Ram } from './ram.js';

// What the structures of <xen/hvm/ioreq.h> make of these is tested in layout/.
const ADJACENT = TABLE + 0x400;
const READY = 1;
const ANSWERED = 3;
const POINTER = 0x10;
const READ = 0x20;
const DESCENDING = 0x40;
const [PIO, COPY, CONFIG, TIME_OFFSET, INVALIDATE] = [0, 1, 2, 7, 8];
const ENTRIES = 511;
const ONES = 2n ** 64n - 1n;

let dispatcher: Dispatcher;
/** Writes as the device's handler was told: offset, width and both lanes. */
let told: number[][];
let ram: Ram;
let seen: UnclaimedAccess[];
let errors: unknown[];
let slots: DataView;
let buffered: DataView;
let server: IoreqServer;

const serve = (more: Partial<IoreqServerOptions> = {}) => {
  server = createIoreqServer({
    dispatcher,
    slots,
    buffered,
    memory: ram,
    unclaimed: (access) => void seen.push(access),
    onError: (error) => errors.push(error),
    ...more,
  });
};

beforeEach(() => {
  told = [];
  seen = [];
  errors = [];
  ram = new Ram();
  slots = new DataView(new ArrayBuffer(4096));
  buffered = new DataView(new ArrayBuffer(4096));
  dispatcher = createDispatcher({
    host: { mapPage: () => ({ read: (offset) => offset, write: (...write) => told.push(write) }) },
  });
  dispatcher.assign(nvmeLike);
  serve();
});

interface Fields {
  address?: number | bigint;
  data?: bigint;
  count?: number;
  size?: number;
  bits?: number;
  type?: number;
}

function put(
  vcpu: number,
  { address = ADJACENT, data = 0n, count = 1, size = 4, bits = READY, type = COPY }: Fields,
): void {
  const at = 32 * vcpu;
  slots.setBigUint64(at, BigInt(address), true);
  slots.setBigUint64(at + 8, data, true);
  slots.setUint32(at + 16, count, true);
  slots.setUint32(at + 20, size, true);
  slots.setUint8(at + 30, bits);
  slots.setUint8(at + 31, type);
}
const stateOf = (vcpu: number) => slots.getUint8(32 * vcpu + 30) & 15;
const dataOf = (vcpu: number) => slots.getBigUint64(32 * vcpu + 8, true);

function buffer(index: number, type: number, log2: number, address: number, data: number, reads = 0): void {
  buffered.setUint32(8 + 8 * index, (type | (reads << 9) | (log2 << 10) | (address << 12)) >>> 0, true);
  buffered.setUint32(12 + 8 * index, data, true);
}
function pointers(read: number, write: number): void {
  buffered.setUint32(0, read, true);
  buffered.setUint32(4, write, true);
}
const readPointer = () => buffered.getUint32(0, true);

describe('a slot', () => {
  it.each([0, 2, 3, 4, 9, 15])('in state %d is left alone', (state) => {
    put(0, { bits: state | READ, data: 5n });
    expect(server.answer(0)).toBe(false);
    expect([stateOf(0), dataOf(0)]).toEqual([state, 5n]);
  });

  it.each<[string, Fields]>([
    ['type 3', { type: 3 }],
    ['type 9', { type: 9 }],
    ['type 255', { type: 255 }],
    ['size 0', { size: 0 }],
    ['size 3', { size: 3 }],
    ['size 16', { size: 16 }],
    ['size 2^32 - 4', { size: 0xfffffffc }],
    ['count 0', { count: 0 }],
    ['count 4097', { count: 4097 }],
    ['count 2^32 - 1', { count: 0xffffffff }],
    ['an address past 2^52', { address: 2 ** 60, size: 8 }],
  ])('with %s is answered: reads ones, writes nothing', (_, fields) => {
    put(0, { ...fields, data: 5n });
    put(1, { ...fields, data: 5n, bits: READY | READ });
    expect([server.answer(0), server.answer(1)]).toEqual([true, true]);
    expect([stateOf(0), stateOf(1), dataOf(0), dataOf(1)]).toEqual([ANSWERED, ANSWERED, 5n, ONES]);
    expect([told, seen]).toEqual([[], []]);
  });

  it.each([1, 2, 4, 8])('of size %d that writes hands on no other bytes', (size) => {
    put(0, { size, data: 0xffee_ddcc_bbaa_9988n });
    put(1, { size, data: BigInt(Ram.start), bits: READY | POINTER });
    ram.bytes.fill(0x77);
    server.answer(0);
    server.answer(1);
    const low = [0x88, 0x9988, 0, 0xbbaa9988][Math.min(size, 4) - 1];
    const high = size === 8 ? [0xffeeddcc, 0x77777777] : [0, 0];
    expect(told).toEqual([
      [0x400, size, low, high[0]],
      [0x400, size, Number(BigInt.asUintN(8 * Math.min(size, 4), 0x77777777n)), high[1]],
    ]);
  });

  it('repeats 4096 times', () => {
    put(0, { address: TABLE + 0x400, count: 4096, size: 1, bits: READY | POINTER, data: BigInt(Ram.start) });
    server.answer(0);
    // To the end of the page, without the PBA; what comes then does not trap.
    expect(told.length).toBe(0xc00 - 8);
    expect(seen.length).toBe(0x400);
  });

  it.each([
    [0, Ram.start + Ram.size - 8, [0, 4]],
    [DESCENDING, Ram.start + 4, [0, -4]],
  ])('does not write what a pointer leaves guest memory for, df %d', (df, data, steps) => {
    put(0, { count: 4, bits: READY | POINTER | df, data: BigInt(data) });
    expect(server.answer(0)).toBe(true);
    expect(told.map(([offset]) => offset)).toEqual(steps.map((step) => 0x400 + step));
  });

  it('of which a pointer or an address falls below 0 or has more than 52 bits asks nobody', () => {
    const asked: number[] = [];
    const ask = (address: number) => asked.push(address) > 0;
    serve({ memory: { read: ask, write: ask } });
    const down = READY | POINTER | DESCENDING;
    put(0, { address: 4, count: 3, bits: READY | DESCENDING });
    put(1, { count: 3, bits: down, data: 4n });
    put(2, { count: 3, bits: down | READ, data: 4n });
    put(3, { count: 3, bits: READY | POINTER, data: 2n ** 60n });
    for (const vcpu of [0, 1, 2, 3]) server.answer(vcpu);
    expect(seen.map(({ address }) => address)).toEqual([4, 0]);
    expect(asked).toEqual([4, 0, 4, 0]);
  });

  it('takes of what the embedder answers the width', () => {
    serve({ unclaimed: ({ type }) => (type === 'pio' ? -2n : undefined) });
    for (const [vcpu, size] of [1, 2, 4, 8].entries()) {
      put(vcpu, { type: PIO, size, bits: READY | READ, address: 0x70 });
      put(vcpu + 4, { type: COPY, size, bits: READY | READ, address: 0x70 });
      server.answer(vcpu);
      server.answer(vcpu + 4);
    }
    expect([0, 1, 2, 3].map(dataOf)).toEqual([0xfen, 0xfffen, 0xfffffffen, 0xffff_ffff_ffff_fffen]);
    expect([4, 5, 6, 7].map(dataOf)).toEqual([0xffn, 0xffffn, 0xffffffffn, ONES]);
  });

  it('reads ones and drops writes where nobody answers', () => {
    serve({ unclaimed: undefined });
    put(0, { type: PIO, bits: READY | READ });
    put(1, { address: 0x1000, bits: READY });
    expect([server.answer(0), server.answer(1), dataOf(0)]).toEqual([true, true, 0xffffffffn]);
    expect(errors).toEqual([]);
  });

  it('repeats a port at the same port', () => {
    put(0, { type: PIO, address: 0x1f0, count: 2, size: 2, bits: READY | POINTER, data: BigInt(Ram.start) });
    ram.bytes.set([1, 2, 3, 4]);
    server.answer(0);
    expect(seen).toEqual([
      { type: 'pio', address: 0x1f0, width: 2, data: 0x0201n },
      { type: 'pio', address: 0x1f0, width: 2, data: 0x0403n },
    ]);
  });

  it('of type INVALIDATE, which Xen makes with a count of 0, is told once', () => {
    put(0, { type: INVALIDATE, address: 0, count: 0, data: ONES });
    expect(server.answer(0)).toBe(true);
    expect(seen).toEqual([{ type: 'invalidate', address: 0, width: 4, data: 0xffffffffn }]);
  });

  describe('of type PCI_CONFIG', () => {
    const at = (sbdf: number, offset: number) => (BigInt(sbdf) << 32n) | BigInt(offset);

    it('moves a BAR of the function that it names', () => {
      const { config } = dispatcher.functions[0];
      put(0, { type: CONFIG, address: at(0x100, 4), size: 2, data: 0n });
      put(1, { type: CONFIG, address: at(0x100, 0x10), data: 0xfe00_0000n });
      put(2, { type: CONFIG, address: at(0x100, 0x10), bits: READY | READ });
      for (const vcpu of [0, 1, 2]) server.answer(vcpu);
      expect([dataOf(2), config.read(0x10, 4)]).toEqual([0xfe000004n, 0xfe000004]);
    });

    it.each([
      [0x102, 4, 0xffffffffn],
      [1, 2, 0xffffn],
      [0, 8, ONES],
    ])('reads ones at 0x%x with size %d', (offset, size, ones) => {
      put(0, { type: CONFIG, address: at(0x100, offset), size, bits: READY | READ });
      put(1, { type: CONFIG, address: at(0x100, offset), size, data: 0n });
      expect([server.answer(0), server.answer(1), dataOf(0)]).toEqual([true, true, ones]);
      expect(seen).toEqual([]);
    });

    it('is the embedder’s for another function', () => {
      put(0, { type: CONFIG, address: at(0xffff_0008, 0x40), bits: READY | READ });
      server.answer(0);
      expect(seen).toEqual([{ type: 'pci-config', sbdf: 0xffff0008, address: 0x40, width: 4 }]);
      expect(dataOf(0)).toBe(0xffffffffn);
    });
  });

  it.each<[string, Fields]>([
    ['unclaimed', { type: PIO, bits: READY | READ }],
    ['memory', { bits: READY | POINTER | READ }],
    ['memory', { bits: READY | POINTER }],
  ])('is answered when %s throws, and the error is told', (_, fields) => {
    const broken = () => {
      throw new Error('broken');
    };
    serve({ unclaimed: broken, memory: { read: broken, write: broken } });
    put(0, { ...fields, count: 3 });
    expect([server.answer(0), stateOf(0)]).toEqual([true, ANSWERED]);
    expect(errors).toEqual([new Error('broken')]);
    expect(told).toEqual([]);
    if (fields.type === PIO) expect(dataOf(0)).toBe(ONES);
  });

  it('is answered once when a callback answers slots too', () => {
    const answered: boolean[] = [];
    serve({
      unclaimed: () => {
        answered.push(server.answer(0), server.answer(1));
        return 0x1234n;
      },
    });
    put(0, { type: PIO, bits: READY | READ, size: 2 });
    put(1, { bits: READY | READ });
    expect(server.answer(0)).toBe(true);
    expect([answered, dataOf(0), dataOf(1)]).toEqual([[false, true], 0x1234n, 0x400n]);
  });

  it('is performed as it was when it became ready, whatever is written into it meanwhile', () => {
    serve({
      unclaimed: () => {
        put(0, { type: COPY, bits: 15, count: 9 });
        return undefined;
      },
    });
    put(0, { address: 0x1000, count: 2, bits: READY });
    server.answer(0);
    expect([told, stateOf(0)]).toEqual([[], ANSWERED]);
  });

  it('comes after what is buffered', () => {
    put(0, { address: 0x2000 });
    buffer(0, COPY, 2, 0x1000, 7);
    pointers(0, 1);
    server.answer(0);
    expect(seen.map(({ address }) => address)).toEqual([0x1000, 0x2000]);
    expect(readPointer()).toBe(1);
  });

  it('goes through the doors of a recording', () => {
    let text = '';
    const doors = record(dispatcher, (more) => {
      text += more;
    });
    serve({ doors });
    put(0, { size: 2, data: 0xffff_1234n });
    server.answer(0);
    doors.flush();
    expect(text).toMatch(/^W 2 .* 0x1234 /m);
  });

  it.each([-1, 128, 1.5, Number.NaN])('does not exist for vCPU %d', (vcpu) => {
    expect(() => server.answer(vcpu)).toThrow(`IoreqServer.answer: vcpu ${vcpu} is not in [0, 128)`);
  });
});

describe('the buffered ring', () => {
  it.each([
    ['the ring', 510, 512],
    ['its pointers', 0xffffffff, 1],
  ])('hands out a time offset, which takes two slots, across the end of %s', (_, read, write) => {
    buffer(read % ENTRIES, TIME_OFFSET, 3, 0, 0x89abcdef);
    buffer(0, TIME_OFFSET, 3, 0, 0x01234567);
    pointers(read, write);
    expect(server.drain()).toBe(1);
    expect(seen).toEqual([{ type: 'time-offset', address: 0, width: 8, data: 0x0123_4567_89ab_cdefn }]);
    expect(readPointer()).toBe(write);
  });

  it('drops half of 8 bytes, and reads', () => {
    buffer(0, COPY, 2, 0x1000, 1, 1);
    buffer(1, COPY, 3, 0x2000, 2);
    pointers(0, 2);
    expect(server.drain()).toBe(2);
    expect([seen, readPointer()]).toEqual([[], 2]);
  });

  it('is left alone when its pointers are further apart than it is long', () => {
    pointers(5, 5 + ENTRIES + 1);
    expect([server.drain(), seen, readPointer()]).toEqual([undefined, [], 5]);
    put(0, {});
    expect([server.answer(0), stateOf(0)]).toEqual([true, ANSWERED]);
  });

  it('goes on when Xen takes its length off both pointers meanwhile', () => {
    for (let index = 0; index < ENTRIES; index++) buffer(index, COPY, 2, index, index);
    pointers(3 * ENTRIES - 2, 3 * ENTRIES + 3);
    serve({
      unclaimed: (access) => {
        seen.push(access);
        const turns = Math.floor(readPointer() / ENTRIES) * ENTRIES;
        pointers(readPointer() - turns, buffered.getUint32(4, true) - turns);
        return undefined;
      },
    });
    expect(server.drain()).toBe(5);
    expect(seen.map(({ address }) => address)).toEqual([509, 510, 0, 1, 2]);
    expect(readPointer()).toBe(3);
  });

  it('repeats nothing when a callback drains it too, or throws', () => {
    for (let index = 0; index < 4; index++) buffer(index, COPY, 2, index, index);
    pointers(0, 4);
    serve({
      unclaimed: (access) => {
        seen.push(access);
        if (access.address === 1) expect(server.drain()).toBe(2);
        throw new Error('broken');
      },
    });
    expect(server.drain()).toBe(2);
    expect(seen.map(({ address }) => address)).toEqual([0, 1, 2, 3]);
    expect(errors).toHaveLength(4);
  });

  it('ends after a ringful, however fast it is filled', () => {
    pointers(0, 1);
    for (let index = 0; index < ENTRIES; index++) buffer(index, COPY, 2, 0, 0);
    serve({ unclaimed: () => void pointers(readPointer(), readPointer() + 1) });
    expect(server.drain()).toBe(ENTRIES);
  });

  it('need not be', () => {
    serve({ buffered: undefined });
    expect(server.drain()).toBe(0);
  });
});

it.each<[Partial<IoreqServerOptions>, string]>([
  [{ slots: new DataView(new ArrayBuffer(31)) }, 'slots of 31 bytes hold none'],
  [
    { buffered: new DataView(new ArrayBuffer(4095)) },
    'buffered of 4095 bytes at offset 0 of its buffer is not a page',
  ],
  [
    { buffered: new DataView(new ArrayBuffer(4100), 4) },
    'buffered of 4096 bytes at offset 4 of its buffer is not a page',
  ],
])('a server refuses what is not its pages', (options, message) => {
  expect(() => serve(options)).toThrow(`createIoreqServer: ${message}`);
});
