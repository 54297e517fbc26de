import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Width } from '../../../src/access.js';
import { createDispatcher } from '../../../src/dispatcher.js';
import { createIoreqServer, type IoreqServer, type UnclaimedAccess } from '../../../src/hosts/xen.js';
import { parseSbdf } from '../../../src/sbdf.js';
import { BAR, nvmeLike, TABLE } from '../../nvme-like.js';
import { Ram } from '../ram.js';
import { LOW_BAR, LOW_SBDF, Twins } from '../twins.js';
import { bytesOf, Program, viewOf } from './program.js';

const RUNS = Number(process.env.RUNS ?? 100);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`Xen's structures: SEED=${SEED} RUNS=${RUNS}`);

const xen = new Program<{
  slot: number;
  page: number;
  buffered: number;
  entries: number;
  states: [none: number, ready: number, inProcess: number, responseReady: number];
  read: number;
  write: number;
  pio: number;
  copy: number;
  pciConfig: number;
  timeOffset: number;
  invalidate: number;
}>('xen', 'xen/hvm/ioreq.h', 'libxen-dev');
const { layout } = xen;
const [NONE, READY, IN_PROCESS, RESPONSE_READY] = layout.states;
const SLOTS = layout.page / layout.slot;
const ONES = 2n ** 64n - 1n;

const TYPES = new Map<number, UnclaimedAccess['type']>([
  [layout.pio, 'pio'],
  [layout.copy, 'copy'],
  [layout.pciConfig, 'pci-config'],
  [layout.timeOffset, 'time-offset'],
  [layout.invalidate, 'invalidate'],
]);

interface Slot {
  state: number;
  pointer: number;
  direction: number;
  descending: number;
  type: number;
  address: bigint;
  data: bigint;
  count: number;
  size: number;
  port: number;
}

const plain: Slot = {
  state: READY,
  pointer: 0,
  direction: layout.read,
  descending: 0,
  type: layout.copy,
  address: BigInt(TABLE),
  data: 0x8877_6655_4433_2211n,
  count: 1,
  size: 4,
  port: 0xdeadbeef,
};

const fields = (slot: Slot, index: number) => [
  index,
  slot.state,
  slot.pointer,
  slot.direction,
  slot.descending,
  slot.type,
  slot.address,
  slot.data,
  slot.count,
  slot.size,
  slot.port,
];
const page = (slots: readonly Slot[]): Buffer =>
  xen.fill([...slots.map((slot, index) => ['slot', ...fields(slot, index)]), ['page']]);

/** What answers where no function does. */
const foreign = ({ address, width }: UnclaimedAccess): bigint =>
  BigInt.asUintN(8 * width, BigInt(Math.trunc(address)) * 0x9e37_79b9_7f4a_7c15n);

/** The other twin, with guest memory of its own: what a request means, an element at a time. */
class Model {
  readonly ram = new Ram();
  readonly seen: UnclaimedAccess[] = [];
  private readonly twins: Twins;

  constructor(twins: Twins) {
    this.twins = twins;
  }

  answer(slot: Slot): Slot {
    if (slot.state !== READY) return slot;
    const reads = slot.direction === layout.read;
    const answer = { ...slot, state: RESPONSE_READY, data: reads && !slot.pointer ? ONES : slot.data };
    const notice = slot.type === layout.timeOffset || slot.type === layout.invalidate;
    const count = notice ? 1 : slot.count;
    const width = slot.size as Width;
    if (!TYPES.has(slot.type) || ![1, 2, 4, 8].includes(width) || count > 4096) return answer;
    for (let index = 0; index < count; index++) {
      const step = BigInt(index * width) * (slot.descending ? -1n : 1n);
      const address = slot.type === layout.copy ? slot.address + step : slot.address;
      const at = slot.data + step;
      const bytes = new Uint8Array(8);
      const view = new DataView(bytes.buffer);
      if (reads) {
        const value = this.read(slot.type, address, width);
        view.setBigUint64(0, value, true);
        if (slot.pointer) this.ram.write(Number(at), bytes.subarray(0, width));
        else answer.data = value;
      } else if (!slot.pointer || this.ram.read(Number(at), bytes.subarray(0, width))) {
        const value = slot.pointer ? view.getBigUint64(0, true) : slot.data;
        this.write(slot.type, address, width, BigInt.asUintN(8 * width, value));
      }
    }
    return answer;
  }

  private read(type: number, address: bigint, width: Width): bigint {
    const value = type === layout.copy ? this.twins.read(address, width) : undefined;
    if (value !== undefined) return value;
    const ones = BigInt.asUintN(8 * width, ONES);
    const config = this.config(type, address);
    if (config) return width === 8 ? ones : BigInt(config.read(Number(address & 0xffffffffn), width));
    const access = this.unclaimed(type, address, width);
    return access ? foreign(access) : ones;
  }

  write(type: number, address: bigint, width: Width, data: bigint): void {
    if (type === layout.copy && this.twins.write(address, width, data)) return;
    const config = this.config(type, address);
    if (config) config.write(Number(address & 0xffffffffn), width, Number(data & 0xffffffffn));
    else this.unclaimed(type, address, width, data);
  }

  private config(type: number, address: bigint) {
    return type === layout.pciConfig ? this.twins.direct.find(Number(address >> 32n))?.config : undefined;
  }

  private unclaimed(type: number, address: bigint, width: Width, data?: bigint): UnclaimedAccess | undefined {
    const config = type === layout.pciConfig;
    if (!config && (address < 0n || address >= 2n ** 52n)) return undefined;
    const access: UnclaimedAccess = {
      type: TYPES.get(type)!,
      address: Number(config ? address & 0xffffffffn : address),
      width,
      ...(config ? { sbdf: Number(address >> 32n) } : {}),
      ...(data === undefined ? {} : { data }),
    };
    this.seen.push(access);
    return access;
  }
}

/** A server of one twin, and the model of the other. */
function servers(slots: DataView, buffered?: DataView) {
  const twins = new Twins();
  const ram = new Ram();
  const seen: UnclaimedAccess[] = [];
  const model = new Model(twins);
  const server = createIoreqServer({
    dispatcher: twins.answering,
    slots,
    buffered,
    memory: ram,
    unclaimed(access) {
      seen.push(access);
      return foreign(access);
    },
    onError: (error) => expect.fail(String(error)),
  });
  const expectEqual = () => {
    expect(seen).toEqual(model.seen);
    expect(Buffer.from(ram.bytes).equals(Buffer.from(model.ram.bytes))).toBe(true);
    twins.expectEqual();
  };
  return { server, model, twins, expectEqual };
}

/** Answers slots in C's page: it ends as C's of what the model answers, byte for byte. */
function expectAnswers(slots: readonly Slot[]): Slot[] {
  const view = viewOf(page(slots));
  const { server, model, expectEqual } = servers(view);
  const expected = slots.map((slot, vcpu) => {
    expect(server.answer(vcpu)).toBe(slot.state === READY);
    return model.answer(slot);
  });
  expect(xen.read(bytesOf(view)).slice(0, slots.length)).toEqual(
    expected.map((slot, index) => fields(slot, index).map(BigInt)),
  );
  expect(bytesOf(view).equals(page(expected))).toBe(true);
  expectEqual();
  return expected;
}

const below = (limit: bigint) => fc.bigInt(0n, limit - 1n);
const near = (start: number, size: number) =>
  fc.bigInt(BigInt(start) - 8n, BigInt(start) + BigInt(size) + 8n);
const address = fc.oneof(
  { weight: 6, arbitrary: near(TABLE, 0x80) },
  { weight: 3, arbitrary: near(TABLE + 0x800, 0x10) },
  { weight: 2, arbitrary: near(LOW_BAR, 0x1000) },
  { weight: 1, arbitrary: near(BAR, 0x4000) },
  { weight: 1, arbitrary: below(0x100n) },
  { weight: 1, arbitrary: below(2n ** 64n) },
);
/** Most registers of the two functions, and some of nobody's. */
const register = fc
  .tuple(
    fc.constantFrom(parseSbdf(nvmeLike.sbdf), parseSbdf(LOW_SBDF), 0, 0xffffffff),
    fc.oneof(fc.nat(0x101), fc.nat(0xffffffff)),
  )
  .map(([sbdf, offset]) => (BigInt(sbdf) << 32n) | BigInt(offset));
const slot: fc.Arbitrary<Slot> = fc
  .record({
    state: fc.oneof({ weight: 12, arbitrary: fc.constant(READY) }, fc.nat(15)),
    pointer: fc.constantFrom(0, 0, 1),
    direction: fc.constantFrom(layout.read, layout.write),
    descending: fc.constantFrom(0, 1),
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constant(layout.copy) },
      { weight: 6, arbitrary: fc.constantFrom(...TYPES.keys()) },
      fc.nat(255),
    ),
    address,
    register,
    data: fc.oneof(near(Ram.start, 0x40), near(Ram.start + Ram.size - 0x20, 0x20), below(2n ** 64n)),
    count: fc.oneof(
      { weight: 8, arbitrary: fc.constant(1) },
      { weight: 6, arbitrary: fc.nat(9) },
      fc.constantFrom(4096, 4097, 0xffffffff),
    ),
    size: fc.oneof({ weight: 10, arbitrary: fc.constantFrom(1, 2, 4, 8) }, fc.nat(40), fc.nat(0xffffffff)),
    port: fc.nat(0xffffffff),
  })
  .map(({ register, ...made }) => (made.type === layout.pciConfig ? { ...made, address: register } : made));

describe('a slot of the shared page', () => {
  describe.each([layout.read, layout.write])('with direction %d', (direction) => {
    it.each([1, 2, 4, 8])('of size %d is answered at every offset of an entry, by every vCPU', (size) => {
      expect(SLOTS).toBe(128);
      const slots = [...Array(SLOTS).keys()].map((vcpu) => ({
        ...plain,
        direction,
        size,
        address: BigInt(TABLE + vcpu),
        port: vcpu,
      }));
      expect(expectAnswers(slots).every(({ state }) => state === RESPONSE_READY)).toBe(true);
    });

    it.each([0, 1])('repeats an immediate up and down, df %d', (descending) => {
      expectAnswers(
        [1, 2, 4, 8].map((size) => ({
          ...plain,
          direction,
          size,
          descending,
          count: 16,
          address: BigInt(TABLE + 0x400),
        })),
      );
    });

    it.each([0, 1])('goes through guest memory up and down, df %d', (descending) => {
      expectAnswers(
        [1, 2, 4, 8].map((size, index) => ({
          ...plain,
          direction,
          size,
          descending,
          pointer: 1,
          count: 16,
          address: BigInt(TABLE + 0x400),
          data: BigInt(Ram.start + 0x100 * (index + 1)),
        })),
      );
    });

    it('of every type, known or not, is answered when it is ready, and else left alone', () => {
      for (let state = 0; state < 16; state++) {
        const slots = [...Array(SLOTS).keys()].map((type) => ({ ...plain, direction, state, type }));
        expectAnswers(slots);
      }
    });
  });

  it('is in process while it is performed, and its response is ready when it is answered', () => {
    const states: bigint[][] = [];
    const view = viewOf(
      page([
        { ...plain, state: NONE },
        { ...plain, address: BigInt(TABLE + 0x400) },
      ]),
    );
    const note = () => states.push(xen.read(bytesOf(view)).map(([, state]) => state));
    const dispatcher = createDispatcher({
      host: {
        mapPage: () => ({
          read: () => {
            note();
            return 7;
          },
          write: () => {},
        }),
      },
    });
    dispatcher.assign(nvmeLike);
    const server = createIoreqServer({ dispatcher, slots: view, memory: new Ram() });
    note();
    expect([server.answer(0), server.answer(1)]).toEqual([false, true]);
    note();
    expect(states.map((all) => all.slice(0, 2))).toEqual([
      [BigInt(NONE), BigInt(READY)],
      [BigInt(NONE), BigInt(IN_PROCESS)],
      [BigInt(NONE), BigInt(RESPONSE_READY)],
    ]);
  });

  it.each([
    [LOW_SBDF, [1, 2, 3, 4]],
    ['0000:01:00.0', [0, 1, 0, 0]],
  ])('of type PCI_CONFIG reaches the registers of %s', (sbdf, numbers) => {
    const registers = [0x00, 0x04, 0x10, 0x34, 0x60, 0x62, 0xfc];
    const places = xen.print(
      'sbdf',
      registers.map((offset) => [...numbers, offset]),
    );
    const slots = places.map(([address], index) => ({
      ...plain,
      type: layout.pciConfig,
      address,
      size: registers[index] === 0x62 ? 2 : 4,
    }));
    const config = new Twins().direct.find(sbdf)!.config;
    expect(expectAnswers(slots).map(({ data }) => data)).toEqual(
      slots.map(({ size }, index) => BigInt(config.read(registers[index], size))),
    );
    expect(config.read(0x62, 2)).toBeGreaterThan(0);
    for (const data of [0xffff_ffffn, 0xfe00_0000n]) {
      expectAnswers(slots.map((one) => ({ ...one, direction: layout.write, data })));
    }
  });

  it('is answered as the dispatcher answers, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(slot, { minLength: 1, maxLength: 24 }), (slots) => void expectAnswers(slots)),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

describe('a buffered ring', () => {
  const noSlots = () => viewOf(page([]));
  const expectDrained = (server: IoreqServer, ring: DataView, taken: number, empty: Uint8Array) => {
    expect(server.drain()).toBe(taken);
    expect(bytesOf(ring).equals(empty)).toBe(true);
  };

  it('gives all of it in order and once, wherever its pointers are', () => {
    const { entries } = layout;
    expect(layout.buffered).toBe(layout.page);
    const filled = [...Array(entries).keys()].map((index) => [
      ...['entry', index, layout.copy, layout.write],
      ...[2, 0x1000 + index, index],
    ]);
    const { answering } = new Twins();
    const starts = [...Array(entries).keys(), 0x7fffffff, 0x80000000, 0xffffff00, 0xfffffffe, 0xffffffff];
    for (const start of starts) {
      const rings = [0, 1, 2, entries - 1, entries].map((pending) => {
        const end = (start + pending) >>> 0;
        return { pending, lines: [start, end].flatMap((read) => [['ring', read, end], ['page']]) };
      });
      const pages = viewOf(xen.fill([...filled, ...rings.flatMap(({ lines }) => lines)]));
      for (const [index, { pending }] of rings.entries()) {
        const [ring, empty] = [2 * index, 2 * index + 1].map(
          (at) => new DataView(pages.buffer, at * layout.page, layout.page),
        );
        const seen: UnclaimedAccess[] = [];
        const server = createIoreqServer({
          dispatcher: answering,
          slots: new DataView(new ArrayBuffer(layout.page)),
          buffered: ring,
          memory: new Ram(),
          unclaimed: (access) => void seen.push(access),
        });
        expectDrained(server, ring, pending, bytesOf(empty));
        const places = [...Array(pending).keys()].map((index) => ((start + index) >>> 0) % entries);
        expect(seen.map(({ address }) => address)).toEqual(places.map((place) => 0x1000 + place));
        expect(seen.map(({ data }) => data)).toEqual(places.map(BigInt));
      }
    }
  });

  it('is left alone when its pointers are further apart than it is long', () => {
    for (const [read, write] of [
      [0, layout.entries + 1],
      [1, 0],
      [0, 0xffffffff],
      [0xfffffff0, layout.entries],
    ]) {
      const bytes = xen.fill([['ring', read, write], ['page']]);
      const ring = viewOf(bytes);
      const { server, expectEqual } = servers(noSlots(), ring);
      expect(server.drain()).toBeUndefined();
      expect(bytesOf(ring).equals(bytes)).toBe(true);
      expectEqual();
    }
  });

  it('performs the writes as the dispatcher does', () => {
    const request = fc.record({
      type: fc.oneof(
        { weight: 8, arbitrary: fc.constant(layout.copy) },
        fc.constantFrom(...TYPES.keys(), 3, 255),
      ),
      direction: fc.constantFrom(layout.write, layout.write, layout.write, layout.read),
      size: fc.nat(3),
      address: fc.oneof(
        fc.integer({ min: LOW_BAR - 8, max: LOW_BAR + 0x48 }),
        fc.integer({ min: LOW_BAR + 0x7f8, max: LOW_BAR + 0x810 }),
        fc.nat(0xfffff),
      ),
      data: fc.bigInt(0n, ONES),
    });
    const start = fc.oneof(fc.nat(2 * layout.entries), fc.integer({ min: 0xffffff80, max: 0xffffffff }));
    const property = fc.property(fc.array(request, { maxLength: 255 }), start, (requests, start) => {
      let pointer = start;
      const lines: (string | number | bigint)[][] = [];
      const put = (one: (typeof requests)[number], data: bigint) => {
        lines.push(['entry', pointer, one.type, one.direction, one.size, one.address, data & 0xffffffffn]);
        pointer = (pointer + 1) >>> 0;
      };
      for (const one of requests) {
        put(one, one.data);
        if (one.size === 3) put(one, one.data >> 32n);
      }
      const both = xen.fill([
        ...lines,
        ...[['ring', start, pointer], ['page']],
        ...[['ring', pointer, pointer], ['page']],
      ]);
      const ring = viewOf(both.subarray(0, layout.page));
      const { server, model, expectEqual } = servers(noSlots(), ring);
      expectDrained(server, ring, requests.length, both.subarray(layout.page));
      for (const { direction, type, address, size, data } of requests) {
        const given = { ...plain, direction, type, address: BigInt(address), size: 1 << size, data };
        if (direction === layout.write) model.answer(given);
      }
      expectEqual();
    });
    // Two slots, where the pointers pass 2^32.
    const wide = {
      type: layout.copy,
      direction: layout.write,
      size: 3,
      address: LOW_BAR + 0x100,
      data: ONES / 3n,
    };
    fc.assert(property, { seed: SEED, numRuns: RUNS, examples: [[[wide], 0xffffffff]] });
  });
});
