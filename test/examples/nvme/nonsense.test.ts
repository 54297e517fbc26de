import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BAR,
  CC,
  CC_ENABLED,
  CSTS,
  completionsAt,
  Driver,
  FATAL,
  QUEUES,
  READY,
  submissionsAt,
} from './driver.js';
import type { Touched } from './guest-ram.js';

const PAGE = 4096;
/** Where PRPs lead: to these pages, or out of RAM. Lists in them lead to pages among them again. */
const DATA = 0x20000;
const PAGES = 16;
const LAST_ADMIN = 0x0d;

const address = fc.oneof(
  { weight: 6, arbitrary: fc.nat(PAGES - 1).map((page) => BigInt(DATA + PAGE * page)) },
  { weight: 2, arbitrary: fc.nat(PAGES * PAGE - 1).map((offset) => BigInt(DATA + offset)) },
  { weight: 1, arbitrary: fc.bigInt(1n << 23n, (1n << 64n) - 1n) },
);
const dword = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(300),
  fc.nat(10).map((id) => id | (15 << 16)),
);

/** Any bytes, and bytes that come near a command. */
const entry = fc.oneof(
  fc.record({
    opcode: fc.oneof(fc.nat(LAST_ADMIN), fc.nat(255)),
    flags: fc.constantFrom(0, 0, 0, 1, 0x40),
    namespace: fc.constantFrom(0, 1, 1, 1, 2, 0xffffffff),
    prps: fc.tuple(address, address),
    dwords: fc.array(dword, { minLength: 6, maxLength: 6 }),
  }),
  fc.uint8Array({ minLength: 64, maxLength: 64 }),
);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ queue: fc.nat(1), entries: fc.array(entry, { maxLength: 8 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      offset: fc.oneof(
        fc.nat(0x40),
        fc.nat(0x2010),
        fc.nat(40).map((at) => 0x1000 + at),
      ),
      width: fc.constantFrom(1, 2, 4, 8),
      low: fc.oneof(fc.nat(0xffffffff), fc.nat(40)),
      high: fc.nat(0xffffffff),
    }),
  },
);

const within = ({ address: at, length }: Touched, start: number, end: number) =>
  at >= start && at + length <= end;

describe('a guest that writes nonsense', () => {
  test('into queues gets completions, never an exception, and no byte but where PRPs lead', () => {
    let completed = 0;
    const statuses = new Set<number>();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1), fc.array(entry, { maxLength: 12 })), { maxLength: 6 }),
        (rounds) => {
          const driver = new Driver().start(16);
          fillLists(driver);
          driver.ram.writes.length = 0;
          for (const [queue, entries] of rounds) {
            for (const bytes of entries) place(driver, queue, bytes);
            driver.ring(queue);
            for (const { status } of driver.peek(queue)) {
              completed++;
              statuses.add(status);
            }
            driver.consume(queue);
          }
          expect(driver.faults).toEqual([]);
          expect(driver.errors).toEqual([]);
          for (const touched of driver.ram.writes) {
            const known = [0, 1].some((id) =>
              within(touched, completionsAt(id), completionsAt(id) + 16 * 32),
            );
            expect(known || within(touched, DATA, DATA + PAGE * PAGES)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(completed).toBeGreaterThan(1000);
    expect(statuses.size).toBeGreaterThan(8);
  });

  test('into registers as well never gets an exception, leaves a state to restore, and a reset helps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const driver = new Driver().start(16);
        fillLists(driver);
        for (const one of steps) {
          if ('offset' in one) {
            driver.dispatcher.write(BAR + one.offset, one.width as 1 | 2 | 4 | 8, one.low, one.high);
            driver.dispatcher.read(BAR + one.offset, one.width as 1 | 2 | 4 | 8);
          } else {
            for (const bytes of one.entries) place(driver, one.queue, bytes, true);
            driver.ring(one.queue);
          }
        }
        expect(driver.faults).toEqual([]);
        expect(driver.errors).toEqual([]);
        expect(driver.migrate().save()).toBe(driver.save());
        driver.enable();
        driver.createQueue(1, 4);
        expect(driver.command(1, { opcode: 0, namespace: 1 }).status).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('no ring executes more commands than a queue has entries', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 64 }), fc.nat(0xffff), (size, tail) => {
        const driver = new Driver().start(size);
        driver.ram.reads.length = 0;
        driver.write(0x1008, tail);
        const fetched = driver.ram.reads.filter((touched) =>
          within(touched, submissionsAt(1), submissionsAt(1) + 64 * size),
        );
        expect(fetched).toHaveLength(tail < size ? tail : 0);
      }),
    );
  });

  test('queues that lie over each other end, and a reset helps', () => {
    const driver = new Driver().probe().enable();
    driver.write(CC, 0);
    driver.write(0x28, QUEUES);
    driver.write(0x30, QUEUES);
    driver.write(CC, CC_ENABLED);
    driver.write(0x1000, 31);
    expect([READY, READY | FATAL]).toContain(driver.read(CSTS));
    expect(driver.faults).toEqual([]);
    expect(driver.enable().command(0, { opcode: 0x0a, dwords: { 10: 7 } }).status).toBe(0);
  });
});

/** The guest's pages hold PRP lists that lead to these pages, to amid them, and out of RAM. */
function fillLists({ ram }: Driver): void {
  for (let at = DATA; at < DATA + PAGE * PAGES; at += 8) {
    const page = (at / 8) % 64;
    const value = page === 63 ? 2n ** 40n : BigInt(DATA + PAGE * (page % PAGES) + (page === 62 ? 8 : 0));
    ram.view.setBigUint64(at, value, true);
  }
}

type Entry = typeof entry extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * An entry whose PRPs keep off the driver's queues. Unless `creating`, it makes no queue either, so that what is touched
 * can be told from queues.
 */
function place(driver: Driver, queue: number, bytes: Entry, creating = false): void {
  if (bytes instanceof Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const dwords = Object.fromEntries(
      [10, 11, 12, 13, 14, 15].map((at) => [at, view.getUint32(4 * at, true)]),
    );
    driver.push(queue, {
      opcode: !creating && creates(queue, bytes[0]) ? 0xff : bytes[0],
      flags: bytes[1],
      id: view.getUint16(2, true),
      namespace: view.getUint32(4, true),
      prp1: Number(view.getBigUint64(24, true) | (1n << 40n)) % 2 ** 63,
      prp2: Number(view.getBigUint64(32, true) | (1n << 40n)) % 2 ** 63,
      dwords,
    });
    return;
  }
  const { opcode, flags, namespace, prps, dwords } = bytes;
  driver.push(queue, {
    opcode: !creating && creates(queue, opcode) ? 0x06 : opcode,
    flags,
    namespace,
    prp1: Number(prps[0]) % 2 ** 63,
    prp2: Number(prps[1]) % 2 ** 63,
    dwords: Object.fromEntries(dwords.map((value, index) => [10 + index, value])),
  });
}

const creates = (queue: number, opcode: number) => queue === 0 && (opcode === 1 || opcode === 5);
