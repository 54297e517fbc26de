import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Width } from '../../../src/access.js';
import { answerKvmExit, type CoalescedWrite, drainCoalesced, kvmMsi } from '../../../src/hosts/kvm.js';
import { BAR, TABLE } from '../../nvme-like.js';
import { LOW_BAR, Twins } from '../twins.js';
import { bytesOf, Program, viewOf } from './program.js';

const RUNS = Number(process.env.RUNS ?? 100);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`KVM's structures: SEED=${SEED} RUNS=${RUNS}`);

const kvm = new Program<{
  run: number;
  page: number;
  entries: number;
  msi: number;
  mmio: number;
  io: number;
  hlt: number;
  validDevid: number;
}>('kvm', 'linux/kvm.h', 'linux-libc-dev');
const { layout } = kvm;

interface Access {
  address: bigint;
  length: number;
  data: bigint;
}

const isWidth = (length: number): length is Width => [1, 2, 4, 8].includes(length);

/** What the other twin makes of it. Undefined: it is not claimed. */
function read(twins: Twins, { address, length, data }: Access): bigint | undefined {
  if (length < 1 || length > 8) return undefined;
  const kept = (data >> BigInt(8 * length)) << BigInt(8 * length);
  if (isWidth(length)) {
    const value = twins.read(address, length);
    return value === undefined ? undefined : kept | value;
  }
  const bytes = [...Array(length).keys()].map((index) => twins.read(address + BigInt(index), 1));
  if (bytes.every((byte) => byte === undefined)) return undefined;
  return bytes.reduce<bigint>((value, byte, index) => value | ((byte ?? 0xffn) << BigInt(8 * index)), kept);
}

function write(twins: Twins, { address, length, data }: Access): boolean {
  if (length < 1 || length > 8) return false;
  if (isWidth(length)) return twins.write(address, length, data);
  const bytes = [...Array(length).keys()].map((index) =>
    twins.write(address + BigInt(index), 1, data >> BigInt(8 * index)),
  );
  return bytes.includes(true);
}

interface Exit extends Access {
  reason: number;
  isWrite: number;
}

const line = ({ reason, address, length, isWrite, data }: Exit) =>
  ['run', reason, address, length, isWrite, data] as const;

/** Answers exits in C's structures: they end as C's of what the other twin answers, byte for byte. */
function expectAnswers(twins: Twins, exits: readonly Exit[]): void {
  const runs = viewOf(kvm.fill(exits.map(line)));
  const claimed: boolean[] = [];
  const expected = exits.map((exit, index) => {
    const run = new DataView(runs.buffer, index * layout.run, layout.run);
    const answered = answerKvmExit(twins.answering, run);
    if (exit.reason !== layout.mmio) claimed.push(false);
    else if (exit.isWrite) claimed.push(write(twins, exit));
    else {
      const data = read(twins, exit);
      claimed.push(data !== undefined);
      expect(answered, JSON.stringify(exit, bigints)).toBe(claimed[index]);
      return { ...exit, data: data ?? exit.data };
    }
    expect(answered, JSON.stringify(exit, bigints)).toBe(claimed[index]);
    return exit;
  });
  expect(kvm.read(bytesOf(runs))).toEqual(
    expected.map(({ reason, address, length, isWrite, data }) =>
      [reason, address, length, isWrite, data].map(BigInt),
    ),
  );
  expect(bytesOf(runs).equals(kvm.fill(expected.map(line)))).toBe(true);
  twins.expectEqual();
}

const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value);

const address = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(BigInt(TABLE), BigInt(TABLE) + 0x80n) },
  { weight: 3, arbitrary: fc.bigInt(BigInt(TABLE) + 0x7f0n, BigInt(TABLE) + 0x810n) },
  { weight: 2, arbitrary: fc.bigInt(BigInt(LOW_BAR), BigInt(LOW_BAR) + 0x1007n) },
  { weight: 1, arbitrary: fc.bigInt(BigInt(BAR), BigInt(BAR) + 0x4000n) },
  { weight: 1, arbitrary: fc.bigInt(0n, 2n ** 64n - 1n) },
);
const data = fc.bigInt(0n, 2n ** 64n - 1n);
const length = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1, 2, 4, 8) },
  { weight: 2, arbitrary: fc.constantFrom(3, 5, 6, 7) },
  { weight: 1, arbitrary: fc.constantFrom(0, 9, 16, 0xffffffff) },
);

describe('a kvm_run', () => {
  const value = 0x8877_6655_4433_2211n;

  describe.each([0, 1, 0xff])('with is_write %d', (isWrite) => {
    it.each([1, 2, 3, 4, 5, 6, 7, 8])('is answered with length %d, at every offset of an entry', (bytes) => {
      const exits = [...Array(32).keys()].map((offset) => ({
        reason: layout.mmio,
        address: BigInt(TABLE + offset),
        length: bytes,
        isWrite,
        data: value,
      }));
      const twins = new Twins();
      expectAnswers(twins, exits);
      expect(twins.answering.counts['bad-size']).toBeGreaterThan(0);
    });

    it.each([0, 9, 16, 0x80000004, 0xffffffff])('is left alone with length %d', (bytes) => {
      const exit = { reason: layout.mmio, address: BigInt(TABLE), length: bytes, isWrite, data: value };
      expectAnswers(new Twins(), [exit]);
    });
  });

  it('is left alone with every other exit reason', () => {
    const reasons = [...Array(64).keys(), layout.mmio + 0x100, 0xffffffff].filter(
      (one) => one !== layout.mmio,
    );
    expect(reasons).toEqual(expect.arrayContaining([layout.io, layout.hlt]));
    expectAnswers(
      new Twins(),
      reasons.map((reason) => ({ reason, address: BigInt(TABLE), length: 4, isWrite: 1, data: value })),
    );
  });

  it('is answered as the dispatcher answers, whatever is in it', () => {
    const exit: fc.Arbitrary<Exit> = fc.record({
      reason: fc.oneof({ weight: 20, arbitrary: fc.constant(layout.mmio) }, fc.nat(40)),
      address,
      length,
      isWrite: fc.constantFrom(0, 1),
      data,
    });
    fc.assert(
      fc.property(fc.array(exit, { minLength: 1, maxLength: 60 }), (exits) =>
        expectAnswers(new Twins(), exits),
      ),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

describe('a coalesced ring', () => {
  it('gives all of it in order and once, wherever first and last are', () => {
    const { entries, page } = layout;
    const written = (index: number) => 0x1_0000_0000 + index;
    const filled = [...Array(entries).keys()].map(
      (index) => ['entry', index, written(index), 4, 0, index] as const,
    );
    const { direct } = new Twins();
    for (let first = 0; first < entries; first++) {
      const pages = viewOf(
        kvm.fill([
          ...filled,
          ...[...Array(entries).keys()].flatMap((last) => [
            ['ring', first, last],
            ['page'],
            ['ring', last, last],
            ['page'],
          ]),
        ]),
      );
      for (let last = 0; last < entries; last++) {
        const ring = new DataView(pages.buffer, 2 * last * page, page);
        const seen: number[] = [];
        const pending = (last - first + entries) % entries;
        expect(drainCoalesced(direct, ring, (one) => seen.push(one.address))).toBe(pending);
        expect(seen).toEqual([...Array(pending).keys()].map((index) => written((first + index) % entries)));
        const empty = new DataView(pages.buffer, (2 * last + 1) * page, page);
        expect(bytesOf(ring).equals(bytesOf(empty)), `first ${first}, last ${last}`).toBe(true);
      }
    }
  });

  it('is left alone when an index is out of it', () => {
    const { entries } = layout;
    const { direct } = new Twins();
    for (const [first, last] of [
      [entries, 0],
      [0, entries],
      [entries, entries],
      [0xffffffff, 3],
      [3, 0xffffffff],
    ]) {
      const bytes = kvm.fill([['ring', first, last], ['page']]);
      const ring = viewOf(bytes);
      expect(drainCoalesced(direct, ring, () => expect.fail('an entry was taken'))).toBeUndefined();
      expect(bytesOf(ring).equals(bytes)).toBe(true);
    }
  });

  it('performs the writes as the dispatcher does, and hands out ports and what nobody claims', () => {
    const entry = fc.record({ address, length, pio: fc.constantFrom(0, 0, 0, 1, 0xffffffff), data });
    const property = fc.property(
      fc.array(entry, { maxLength: layout.entries - 1 }),
      fc.nat(layout.entries - 1),
      (entries, first) => {
        const twins = new Twins();
        const place = (index: number) => (first + index) % layout.entries;
        const lines = entries.map((one, index) => [
          'entry',
          place(index),
          one.address,
          one.length,
          one.pio,
          one.data,
        ]);
        const ring = viewOf(kvm.fill([['ring', first, place(entries.length)], ...lines, ['page']]));
        const seen: CoalescedWrite[] = [];
        expect(drainCoalesced(twins.answering, ring, (one) => seen.push(one))).toBe(entries.length);
        const unclaimed = entries.filter(
          (one) => one.length >= 1 && one.length <= 8 && (one.pio || !write(twins, one)),
        );
        expect(seen).toEqual(
          unclaimed.map((one) => ({
            address: Number(one.address),
            pio: one.pio !== 0,
            data: new Uint8Array(BigUint64Array.of(one.data).buffer, 0, one.length),
          })),
        );
        twins.expectEqual();
      },
    );
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});

describe('a kvm_msi', () => {
  it('has a message in it as C has', () => {
    const lane = fc.nat(0xffffffff);
    const property = fc.property(
      lane,
      lane,
      lane,
      fc.option(lane, { nil: undefined }),
      (low, high, sent, devid) => {
        const made = kvmMsi({ addressLow: low, addressHigh: high, data: sent }, { devid });
        const flags = devid === undefined ? 0 : layout.validDevid;
        expect(made.length).toBe(layout.msi);
        expect(kvm.fill([['msi', low, high, sent, flags, devid ?? 0]]).equals(made)).toBe(true);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  });
});
