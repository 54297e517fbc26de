import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
  type Trap,
} from '../../src/dispatcher.js';
import type { FunctionDescription, TrappedFunction } from '../../src/function.js';
import type { ByteRegion } from '../../src/index.js';
import { LspciReader } from '../../src/inventory/lspci.js';
import { readInventory } from '../../src/inventory/read-machine.js';
import { pbaSize, tableSize } from '../../src/msix-layout.js';
import { type Policy, policies } from '../../src/policy.js';
import { pagesOf } from '../../src/range.js';
import { formatSbdf } from '../../src/sbdf.js';
import { type FunctionCounts, KINDS, WIDTHS } from '../../src/trace/function-counts.js';
import { MmiotraceParser } from '../../src/trace/mmiotrace.js';
import { MmiotraceReplay } from '../../src/trace/mmiotrace-replay.js';
import { type Recording, record } from '../../src/trace/recording.js';
import { Replay } from '../../src/trace/replay.js';
import { replayFile } from '../../src/trace/replay-file.js';
import { MemoryHost } from '../memory-host.js';
import { BAR, nvmeLike, PBA, TABLE } from '../nvme-like.js';
import { type Action, Subject } from '../subject.js';
import { history } from '../topologies.js';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env.RUNS ?? 5);
console.log(`recorded histories: SEED=${SEED} RUNS=${RUNS}`);

const TWO_32 = 2 ** 32;

/** A way through a recording: what was read, or null where it tells that nobody claimed it. */
interface RecordedDoor {
  read(address: number, width: Width): bigint | null;
  write(address: number, width: Width, low: number, high: number): void;
}

const wide = (width: Width, low: number, high: number): bigint =>
  BigInt(low) + (width === 8 ? BigInt(high) << 32n : 0n);

const DOORS: Record<string, (recording: Recording) => RecordedDoor> = {
  'read and write': (recording) => ({
    read: (address, width) => {
      const low = recording.read(address, width);
      return low === UNCLAIMED ? null : wide(width, low, recording.high);
    },
    write: (address, width, low, high) => recording.write(address, width, low, high),
  }),
  'readBig and writeBig': (recording) => ({
    read: (address, width) => {
      if (width === 8) return recording.readBig(address) ?? null;
      const low = recording.read(address, width);
      return low === UNCLAIMED ? null : BigInt(low);
    },
    write: (address, width, low, high) => {
      if (width === 8) recording.writeBig(address, wide(8, low, high));
      else recording.write(address, width, low);
    },
  }),
  'door for wasm': (recording) => {
    const { trap_read, trap_write } = recording.attach();
    return {
      read: (address, width) => {
        const low = trap_read(address % TWO_32, Math.floor(address / TWO_32), width) >>> 0;
        return BigInt.asUintN(8 * width, wide(width, low, recording.high));
      },
      write: (address, width, low, high) =>
        trap_write(address % TWO_32, Math.floor(address / TWO_32), width, low, high),
    };
  },
  ring: (recording) => {
    const ring = recording.createRing(3);
    const answer = (address: number, width: number, low: number, high: number, tail: number) => {
      const words = [address % TWO_32, Math.floor(address / TWO_32), low, high, 1, width, 0, tail];
      for (const [index, word] of words.entries()) ring.records.setUint32(32 + 4 * index, word, true);
      ring.answer(0, 3);
      return ring.records;
    };
    return {
      read: (address, width) => {
        const records = answer(address, width, 0, 0, 0x0121_0000);
        if ((records.getUint8(32 + 30) & 15) !== 3) return null;
        return records.getBigUint64(32 + 8, true);
      },
      write: (address, width, low, high) => {
        answer(address, width, low, high, 0x0101_0000);
      },
    };
  },
};

interface Replayed {
  readonly replay: Replay;
  readonly bad: string[];
  readonly notes: readonly string[];
  /** Accesses as the parser has them. */
  readonly accesses: { write: boolean; width: number; address: number; value: bigint }[];
}

function replayed(text: string, inventory: string, policy: Policy = policies.strict): Replayed {
  const reader = new LspciReader();
  for (const line of inventory.split('\n')) reader.line(line);
  const replay = new Replay(policy);
  const machine = new MmiotraceReplay(replay, reader.functions());
  const accesses: Replayed['accesses'] = [];
  const sink = new Proxy(machine, {
    get: (target, name) => {
      const method = Reflect.get(target, name);
      if (name !== 'access') return typeof method === 'function' ? method.bind(target) : method;
      return (write: boolean, width: Width, address: number, low: number, high: number, time: number) => {
        accesses.push({ write, width, address, value: wide(width, low, high) });
        target.access(write, width, address, low, high, time);
      };
    },
  });
  const parser = new MmiotraceParser(sink);
  const bad: string[] = [];
  for (const [index, line] of text.trimEnd().split('\n').entries()) {
    replay.line = index + 1;
    const expected = parser.line(Buffer.from(line), 0, line.length);
    if (expected) bad.push(`${line}: expected ${expected}`);
  }
  machine.start();
  return { replay, bad, notes: machine.notes, accesses };
}

/** `sbdf kind R4` -> count, those that are not 0. */
function listed(functions: Iterable<readonly [number, FunctionCounts]>): Record<string, number> {
  const list: Record<string, number> = {};
  for (const [sbdf, counts] of functions) {
    for (const kind of KINDS) {
      for (const width of WIDTHS) {
        for (const write of [false, true]) {
          const count = counts.count(kind, write, width);
          if (count > 0) list[`${formatSbdf(sbdf)} ${kind} ${write ? 'W' : 'R'}${width}`] = count;
        }
      }
      if (counts.unaligned(kind) > 0) list[`${formatSbdf(sbdf)} ${kind} unaligned`] = counts.unaligned(kind);
    }
  }
  return Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Recorded and replayed: every read answered as it was, and the same counts. */
function expectSame(recording: Recording, text: string, policy: Policy): Replayed {
  const result = replayed(text, recording.inventory, policy);
  const { replay } = result;
  expect(result.bad).toEqual([]);
  expect(replay.differences.map(({ line, recorded, answered }) => ({ line, recorded, answered }))).toEqual(
    [],
  );
  expect(listed(replay.functions.map(({ sbdf, counts }) => [sbdf, counts] as const))).toEqual(
    listed(recording.counts),
  );
  expect([replay.unclaimedReads, replay.unclaimedWrites]).toEqual([
    recording.unclaimedReads,
    recording.unclaimedWrites,
  ]);
  return result;
}

function overlap({ functions }: Dispatcher): boolean {
  const bars = functions.flatMap((fn) => fn.bars.filter(({ enabled }) => enabled));
  return bars.some((one) =>
    bars.some(
      (other) =>
        one !== other && one.address < other.address + other.size && other.address < one.address + one.size,
    ),
  );
}

/** Pages with bytes of a function's table or PBA. */
function structurePages({ bars, msix }: TrappedFunction): number[] {
  if (!msix) return [];
  const structures = [
    { ...msix.table, size: tableSize(msix.count) },
    { ...msix.pba, size: pbaSize(msix.count) },
  ];
  return structures.flatMap(({ bir, offset, size }) => {
    const bar = bars.find(({ index }) => index === bir);
    const start = (bar?.address ?? 0) + offset;
    return pagesOf({ start, end: start + size });
  });
}

/** The replay takes one that was reset for the newest, whose the page is under Xen's policies. */
function sharesStructures({ functions, policy }: Dispatcher): boolean {
  const pages = functions.flatMap((fn) => [...new Set(structurePages(fn))]);
  return policy.sharedPage === 'newest' && new Set(pages).size < pages.length;
}

/** A dispatcher whose accesses are recorded from its first function on. */
class RecordedTrap implements Trap {
  high = 0;
  text = '';
  readonly dispatcher: Dispatcher;
  readonly recording: Recording;
  readonly reads: bigint[] = [];
  private readonly door: RecordedDoor;

  constructor(options: DispatcherOptions, door: string) {
    this.dispatcher = createDispatcher(options);
    this.recording = record(this.dispatcher, (text) => (this.text += text), { clock: () => 0 });
    this.door = DOORS[door](this.recording);
  }

  assign(description: FunctionDescription): ReturnType<Trap['assign']> {
    return this.dispatcher.assign(description);
  }

  deassign(sbdf: number): void {
    this.dispatcher.deassign(sbdf);
  }

  read(address: number, width: Width): number {
    const value = this.door.read(address, width);
    this.reads.push(value ?? 2n ** BigInt(8 * width) - 1n);
    this.high = Number((value ?? 0n) >> 32n);
    return value === null ? UNCLAIMED : Number(value & 0xffffffffn);
  }

  write(address: number, width: Width, low: number, high = 0): boolean {
    this.door.write(address, width, low, high);
    return true;
  }
}

/** A history through a door, up to where BARs lie over one another: who has the bytes then depends on their past. */
function recordedHistory(
  actions: readonly Action[],
  door: string,
  policy: Policy,
  domain: 'guest' | 'hardware',
): RecordedTrap {
  let trap!: RecordedTrap;
  const create = (options: DispatcherOptions) => {
    trap = new RecordedTrap(options, door);
    return trap;
  };
  const subject = new Subject({ name: door, create }, policy, domain);
  const made = new Map<number, FunctionDescription>();
  for (const action of actions) {
    if (action.do === 'assign') {
      // A function that comes back is as it was: a trace has one layout for each.
      const sbdf = Number(action.description.sbdf);
      const description = made.get(sbdf) ?? action.description;
      subject.act({ do: 'assign', description });
      if (trap.dispatcher.functions.some((fn) => fn.sbdf === sbdf)) made.set(sbdf, description);
    } else {
      if (action.do === 'reset' && sharesStructures(trap.dispatcher)) break;
      subject.act(action);
    }
    if (action.do !== 'read' && action.do !== 'write' && overlap(trap.dispatcher)) break;
  }
  trap.recording.flush();
  return trap;
}

describe.each([
  ['strict', 'guest', 'BARs'],
  ['strict', 'hardware', 'BARs'],
  ['strict', 'guest', 'BARs, regions and registers'],
  ['xen', 'guest', 'BARs'],
  ['xen', 'hardware', 'BARs'],
  ['xenV3', 'guest', 'BARs'],
  ['xenV3', 'hardware', 'BARs'],
] as const)('random histories under %s in a %s domain, of %s', (name, domain, what) => {
  const policy = policies[name];
  const regions = what !== 'BARs';
  it.each(Object.keys(DOORS))('through %s are replayed with equal results', (door) => {
    const property = fc.property(history(domain, regions), (actions) => {
      const { recording, text, reads } = recordedHistory(actions, door, policy, domain);
      const { accesses } = expectSame(recording, text, policy);
      expect(accesses.filter(({ write }) => !write).map(({ value }) => value)).toEqual(reads);
    });
    const details = fc.check(property, { seed: SEED, numRuns: RUNS });
    if (details.failed) {
      const lines = details.counterexample?.[0].map((action) => JSON.stringify(action)).join('\n');
      expect.fail(`SEED=${details.seed}, door ${door}:\n${lines}\n${details.errorInstance}`);
    }
  });
});

const CONTROL = TABLE + 12;
/** Guest-physical, as PCIDEV, R and W lines have it. */
const BAR_TEXT = BAR.toString(16);

function recorded(host = new MemoryHost(), fn: FunctionDescription = nvmeLike) {
  const dispatcher = createDispatcher({ host });
  const assigned = dispatcher.assign(fn);
  let text = '';
  let time = 0;
  const recording = record(dispatcher, (more) => (text += more), { clock: () => (time += 1500.25) });
  const taken = () => {
    recording.flush();
    return text;
  };
  return { dispatcher, fn: assigned, recording, taken };
}

it('a ring is in the memory of the dispatcher’s', () => {
  const { dispatcher, recording } = recorded();
  const ring = recording.createRing(4);
  expect(ring.memory).toBe(dispatcher.attach().memory);
  expect(ring.records.buffer).toBe(ring.memory.buffer);
});

describe('the text', () => {
  it('has the lines of the kernel, and MARK lines for what they lack', () => {
    const { fn, recording, taken } = recorded();
    recording.write(CONTROL, 4, 0);
    recording.read(TABLE + 1, 1);
    recording.writeBig(PBA, 0xfedcba9876543210n);
    recording.read(BAR - 0x1000, 8);
    fn.writeMessageControl(0x8000);
    fn.setDecode(false);
    const lines = taken().trimEnd().split('\n');
    const [bar] = nvmeLike.bars;
    const size = bar.size.toString(16);
    expect(lines).toEqual([
      'VERSION 20070824',
      'MARK 1.500250 trapline policy strict',
      expect.stringMatching(
        new RegExp(`^PCIDEV [0-9a-f]{4} [0-9a-f]{8} 0 ${BAR_TEXT.slice(0, -1)}4( 0){6} ${size}( 0){6} $`),
      ),
      expect.stringMatching(/^MARK 3\.000500 trapline [0-9a-f]{4} reset$/),
      `MAP 4.500750 1 0x${BAR_TEXT} 0x${BAR_TEXT} 0x${size} 0x0 0`,
      `W 4 6.001000 1 0x${CONTROL.toString(16)} 0x0 0x0 0`,
      `R 1 7.501250 1 0x${(TABLE + 1).toString(16)} 0xff 0x0 0`,
      `W 8 9.001500 1 0x${PBA.toString(16)} 0xfedcba9876543210 0x0 0`,
      `R 8 10.501750 0 0x${(BAR - 0x1000).toString(16)} 0xffffffffffffffff 0x0 0`,
      'UNMAP 12.002000 1 0x0 0',
      expect.stringMatching(new RegExp(`^PCIDEV [0-9a-f]{4} [0-9a-f]{8} 0 4( 0){6} ${size}( 0){6} $`)),
      expect.stringMatching(/^MARK 13\.502250 trapline [0-9a-f]{4} control 8000$/),
    ]);
  });

  it.each([
    ['a width that is none', 0x1000, 3],
    ['a negative address', -4, 4],
    ['a fraction', 0.5, 4],
    ['an address of more than 52 bits', 2 ** 52, 4],
    ['no number', Number.NaN, 4],
  ])('has UNKNOWN for %s, which is answered as ever', (_, address, width) => {
    const { recording, taken } = recorded();
    expect(recording.read(address, width as Width)).toBe(UNCLAIMED);
    expect(recording.write(address, width as Width, 1)).toBe(false);
    expect(taken().match(/^UNKNOWN /gm)).toHaveLength(2);
    expect(taken()).not.toMatch(/^[RW] /m);
    expect(recording.unclaimedReads + recording.unclaimedWrites).toBe(0);
  });

  it('has what the fallback answered', () => {
    const { recording, taken } = recorded();
    const { trap_read } = recording.attach({ read: () => 0x1234, write: () => {} });
    expect(trap_read(0x1000, 0, 2)).toBe(0x1234);
    expect(taken()).toMatch(/^R 2 \S+ 0 0x1000 0x1234 0x0 0$/m);
  });

  it('has no ring record that is not ready, points to data, or is no copy', () => {
    const { recording, taken } = recorded();
    const ring = recording.createRing(4);
    for (const [index, tail] of [0x0120_0000, 0x0131_0000, 0x0021_0000, 0x0221_0000].entries()) {
      const words = [TABLE % TWO_32, Math.floor(TABLE / TWO_32), 0, 0, 1, 4, 0, tail];
      for (const [at, word] of words.entries()) ring.records.setUint32(32 * index + 4 * at, word, true);
    }
    ring.answer(0, 4);
    expect(taken()).not.toMatch(/^[RW] /m);
    expect(() => ring.answer(3, 2)).toThrow(/records \[3, 3 \+ 2\)/);
    expect(() => ring.answer(0, -1)).toThrow(/Ring\.answer/);
    expect(() => ring.answer(0.5, 1)).toThrow(/Ring\.answer/);
  });
});

it('counts by kind and width as the replay does, an access of two kinds once', () => {
  const { recording, taken } = recorded();
  recording.read(TABLE + 0x7c, 8);
  recording.write(PBA - 1, 2, 0);
  recording.read(PBA - 4, 4);
  recording.read(BAR, 1);
  expectSame(recording, taken(), policies.strict);
  expect(listed(recording.counts)).toEqual({
    '0000:01:00.0 adjacent R4': 1,
    '0000:01:00.0 direct R1': 1,
    '0000:01:00.0 straddle R8': 1,
    '0000:01:00.0 straddle W2': 1,
    '0000:01:00.0 straddle unaligned': 2,
  });
});

it('tells the registers of a function once, those in BARs', () => {
  const { dispatcher, fn, recording, taken } = recorded(new MemoryHost(), {
    ...nvmeLike,
    registers: [
      { space: 'bar0', offset: 0x104, width: 4, value: 0x1234 },
      { space: 'bar0', offset: 0x108, width: 2, value: 'hardware' },
      { space: 'config', offset: 0xe0, width: 4, value: 1 },
    ],
  });
  expect(recording.read(BAR + 0x104, 4)).toBe(0x1234);
  recording.read(BAR + 0x100, 8);
  dispatcher.deassign(fn.sbdf);
  recording.read(BAR + 0x104, 4);
  const lines = taken().split('\n');
  const [mark] = lines.filter((one) => one.includes('register'));
  expect(mark).toMatch(/ trapline 0100 register 0 104 4$/);
  expect(lines[lines.indexOf(mark) + 1]).toMatch(/^PCIDEV /);
  expect(lines.filter((one) => one.includes('register'))).toHaveLength(1);
  expectSame(recording, taken(), policies.strict);
  expect(listed(recording.counts)).toEqual({
    '0000:01:00.0 adjacent R4': 1,
    '0000:01:00.0 adjacent R8': 1,
  });
});

describe('regions that are no BAR', () => {
  const region = (size: number, byte: number): ByteRegion => ({
    size,
    read: (_, into) => into.fill(byte).length,
    write: (_, from) => from.length,
  });
  const [{ size }] = nvmeLike.bars;
  const END = BAR + size;
  const marks = (text: string) =>
    [...text.matchAll(/^MARK \S+ trapline \S+ region (.*)$/gm)].map(([, place]) => place);

  it('are told as they are placed, moved, removed and lost with their function', () => {
    const { dispatcher, fn, recording, taken } = recorded();
    const [one, other] = [region(0x2005, 1), region(0x10, 2)];
    const at = (offset: number) => (END + offset).toString(16);
    fn.placeRegion(one, END);
    expect(recording.read(END, 4)).toBe(0x01010101);
    fn.placeRegion(one, END + 0x1000);
    fn.placeRegion(other, END);
    expect(recording.read(END, 4)).toBe(0x02020202);
    expect(recording.read(END + 0x3004, 4)).toBe(0xffffff01);
    fn.removeRegion(one);
    recording.read(END + 0x1000, 4);
    dispatcher.deassign(fn.sbdf);
    recording.read(END, 4);
    expect(marks(taken())).toEqual([
      `${at(0)} 2005`,
      `${at(0)} 0`,
      `${at(0x1000)} 2005`,
      `${at(0)} 10`,
      `${at(0x1000)} 0`,
      `${at(0)} 0`,
    ]);
    expectSame(recording, taken(), policies.strict);
    expect(listed(recording.counts)).toEqual({ '0000:01:00.0 region R4': 3 });
    expect(recording.unclaimedReads).toBe(2);
  });

  it('have part of an access, and fail in it', () => {
    const { fn, recording, taken } = recorded(new MemoryHost(), {
      sbdf: '01:00.0',
      bars: [{ index: 0, type: 'mem32', address: 0x10000000, size: 0x1000 }],
      msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
      decode: true,
    });
    fn.placeRegion(region(0x1000, 0x5a), 0x10001000);
    fn.placeRegion({ size: 0x1000, read: () => -5 }, 0x10002000);
    recording.write(0x10000ffe, 4, 0);
    expect(recording.read(0x10000fff, 2)).toBe(0x5a00);
    expect(recording.read(0x10001ffe, 4)).toBe(0xffffffff);
    expectSame(recording, taken(), policies.strict);
    expect(listed(recording.counts)).toEqual({
      '0000:01:00.0 straddle R2': 1,
      '0000:01:00.0 straddle W4': 1,
      '0000:01:00.0 straddle unaligned': 2,
      '0000:01:00.0 region R4': 1,
      '0000:01:00.0 region unaligned': 1,
    });
  });

  it('change places with BARs', () => {
    const { fn, recording, taken } = recorded();
    const other = region(0x1000, 3);
    fn.placeRegion(other, END);
    recording.read(END, 4);
    fn.setDecode(false);
    fn.placeRegion(other, BAR);
    fn.moveBar(0, BAR + size);
    fn.setDecode(true);
    expect(recording.read(BAR, 4)).toBe(0x03030303);
    expect(recording.read(CONTROL + size, 4)).toBe(1);
    expect(expectSame(recording, taken(), policies.strict).notes).toEqual([]);
  });

  it('are there for what the host does while they are placed', () => {
    let access = () => {};
    const host = Object.assign(new MemoryHost(), {
      guestMapping: () => 'identity' as const,
      removeGuestMapping: () => access(),
    });
    const { fn, recording, taken } = recorded(host);
    access = () => expect(recording.read(END, 4)).toBe(0x04040404);
    fn.placeRegion(region(0x1000, 4), END);
    recording.read(END + 4, 4);
    expectSame(recording, taken(), policies.strict);
    expect(listed(recording.counts)).toEqual({ '0000:01:00.0 region R4': 2 });
  });
});

describe('state that no access shows', () => {
  it('a table written before the recording began', () => {
    const { dispatcher, fn } = recorded();
    fn.writeMessageControl(0xc000);
    dispatcher.write(TABLE, 4, 0xfee01000);
    dispatcher.write(TABLE + 0x1c, 4, 0);
    let text = '';
    const recording = record(dispatcher, (more) => (text += more));
    expect(recording.read(TABLE, 4)).toBe(0xfee01000);
    recording.read(TABLE + 0x18, 8);
    recording.flush();
    expect(recording.inventory).toContain('MSI-X: Enable+ Count=');
    const { replay } = expectSame(recording, text, policies.strict);
    expect(replay.accesses).toBe(2);
    expect(replay.function(fn.sbdf)?.trapped.messageControl).toBe(fn.messageControl);
  });

  it('a table under another function, whose page is not read for it', () => {
    const page = (sbdf: string, address: number): FunctionDescription => ({
      sbdf,
      bars: [{ index: 0, type: 'mem32', address, size: 0x100 }],
      msix: { count: 1, table: { bir: 0, offset: 0x8 }, pba: { bir: 0, offset: 0x40 } },
      decode: true,
    });
    const mapped: number[] = [];
    const host = {
      mapPage: (address: number) => {
        mapped.push(address);
        return null;
      },
    };
    const dispatcher = createDispatcher({ host, policy: policies.xen });
    dispatcher.assign(page('02:00.0', 0x10000000));
    // Under policy xen the address selects the field: its table starts within an entry.
    dispatcher.write(0x10000008, 4, 0x4051);
    dispatcher.assign(page('03:00.0', 0x10000800));
    let text = '';
    const recording = record(dispatcher, (more) => (text += more));
    expect(mapped).toEqual([]);
    recording.read(0x10000008, 4);
    recording.flush();
    expect(text).toMatch(/^MARK \S+ trapline 0200 table 0 4051$/m);
    expect(text.match(/ table /g)).toHaveLength(1);
    expectSame(recording, text, policies.xen);
  });

  it('where a BAR is that is not decoded, which Xen looks at', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost(), policy: policies.xen });
    const fn = dispatcher.assign({
      sbdf: '02:00.0',
      bars: [
        { index: 0, type: 'mem32', address: 0x10000000, size: 0x1000, enabled: true },
        { index: 2, type: 'mem32', address: 0x10002000, size: 0x1000 },
      ],
      msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 2, offset: 0x800 } },
    });
    let text = '';
    const recording = record(dispatcher, (more) => (text += more));
    const across = () => recording.read(0x10000ffe, 4);
    // Both ends must be forwarded.
    expect(across()).toBe(0xffffffff);
    fn.moveBar(2, 0x10001000);
    expect(across()).toBe(0);
    // It stays there while nobody tells otherwise.
    recording.write(0x10000000, 4, 0xfee01000);
    fn.writeMessageControl(0x8000);
    const snapshot = dispatcher.save();
    dispatcher.restore(snapshot);
    expect(across()).toBe(0);
    fn.moveBar(2, 2 ** 53 - 0x1000);
    expect(across()).toBe(0xffffffff);
    recording.flush();
    expect([...text.matchAll(/ trapline 0200 bar (.*)$/gm)].map(([, at]) => at)).toEqual([
      '2 10002000',
      '2 10001000',
      '2 10000000000000',
    ]);
    expectSame(recording, text, policies.xen);
  });

  it('a table written before, of a BAR that is decoded only later', () => {
    const { dispatcher, fn } = recorded();
    dispatcher.write(TABLE, 4, 0xfee01000);
    fn.setDecode(false);
    let text = '';
    const recording = record(dispatcher, (more) => (text += more));
    recording.read(TABLE, 4);
    fn.setDecode(true);
    expect(recording.read(TABLE, 4)).toBe(0xfee01000);
    recording.flush();
    const { replay } = expectSame(recording, text, policies.strict);
    expect(replay.unclaimedReads).toBe(1);
  });

  it.each([
    ['reset', ({ fn }: ReturnType<typeof recorded>) => fn.reset()],
    [
      'assigned anew',
      ({ dispatcher, fn }: ReturnType<typeof recorded>) => {
        dispatcher.deassign(fn.sbdf);
        dispatcher.assign(nvmeLike);
      },
    ],
  ])('a function that is %s', (_, restart) => {
    const guest = recorded();
    const { dispatcher, recording, taken } = guest;
    recording.write(TABLE, 4, 0xfee01000);
    recording.write(CONTROL, 4, 0);
    restart(guest);
    dispatcher.functions[0].setDecode(true);
    expect(recording.read(TABLE, 4)).toBe(0);
    expect(recording.read(CONTROL, 4)).toBe(1);
    expectSame(recording, taken(), policies.strict);
  });

  it('a snapshot restored', () => {
    const { dispatcher, recording, taken } = recorded();
    recording.write(TABLE, 4, 0xfee01000);
    const snapshot = dispatcher.save();
    recording.write(TABLE, 4, 0xfee02000);
    dispatcher.restore(snapshot);
    expect(recording.read(TABLE, 4)).toBe(0xfee01000);
    expectSame(recording, taken(), policies.strict);
  });

  it('BARs that change places', () => {
    const at = (index: number) => BAR + index * 0x10000;
    const small = (sbdf: string, index: number): FunctionDescription => ({
      sbdf,
      bars: [{ index: 0, type: 'mem32', address: index * 0x10000 + 0x10000000, size: 0x1000 }],
      msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
      decode: true,
    });
    const { dispatcher, recording, taken } = recorded();
    const first = dispatcher.assign(small('02:00.0', 0));
    const second = dispatcher.assign(small('0001:03:00.0', 1));
    recording.write(0x10000000, 4, 1);
    recording.write(0x10010000, 4, 2);
    for (const fn of [first, second]) fn.setDecode(false);
    first.moveBar(0, 0x10010000);
    second.moveBar(0, 0x10000000);
    for (const fn of [second, first]) fn.setDecode(true);
    expect(recording.read(0x10000000, 4)).toBe(2);
    expect(recording.read(0x10010000, 4)).toBe(1);
    expect(recording.read(at(5), 4)).toBe(UNCLAIMED);
    const { notes } = expectSame(recording, taken(), policies.strict);
    expect(notes).toEqual([]);
    expect(listed(recording.counts)).toMatchObject({
      '0001:03:00.0 table W4': 1,
      '0000:02:00.0 table R4': 1,
    });
  });

  it('vectors are armed as often', () => {
    const armed: number[] = [];
    const host = Object.assign(new MemoryHost(), { armVector: () => armed.push(1) });
    const { fn, recording, taken } = recorded(host);
    const enabled = [0x8000, 0xc000, 0x8000, 0, 0x8000];
    recording.write(TABLE, 4, 0xfee01000);
    for (const control of enabled) {
      fn.writeMessageControl(control);
      recording.write(CONTROL, 4, 1);
      recording.write(TABLE, 4, 0xfee01000 + control);
      recording.write(CONTROL, 4, 0);
    }
    const { replay } = expectSame(recording, taken(), policies.strict);
    expect(armed.length).toBeGreaterThan(0);
    expect(replay.function(fn.sbdf)?.armed).toBe(armed.length);
  });
});

describe('an access that the host makes', () => {
  /** A guest whose vector 0 is unmasked; `access` is done when it is armed. */
  function arming() {
    let access = () => {};
    const host = Object.assign(new MemoryHost(), { armVector: () => access(), disarmVector: () => access() });
    const guest = recorded(host);
    guest.recording.write(TABLE, 4, 0xfee01000);
    guest.recording.write(CONTROL, 4, 0);
    access = () => guest.recording.read(TABLE, 4);
    return guest;
  }

  it('while Message Control is written leaves it told', () => {
    const { fn, recording, taken } = arming();
    fn.writeMessageControl(0x8000);
    recording.read(CONTROL, 4);
    const { replay } = expectSame(recording, taken(), policies.strict);
    // The vector is disarmed and armed.
    expect(replay.accesses).toBe(5);
    expect(replay.function(fn.sbdf)?.trapped.messageControl).toBe(fn.messageControl);
  });

  it('while a function is reset leaves the reset told', () => {
    const { fn, recording, taken } = arming();
    fn.writeMessageControl(0x8000);
    fn.reset();
    fn.setDecode(true);
    expect(recording.read(CONTROL, 4)).toBe(1);
    const { replay } = expectSame(recording, taken(), policies.strict);
    expect(replay.function(fn.sbdf)?.trapped.messageControl).toBe(fn.messageControl);
  });

  it('while a snapshot is restored leaves all of it told', () => {
    const { dispatcher, fn, recording, taken } = arming();
    recording.write(TABLE + 0x10, 4, 0xfee02000);
    fn.writeMessageControl(0x8000);
    const snapshot = dispatcher.save();
    recording.write(TABLE + 0x10, 4, 0xfee03000);
    dispatcher.restore(snapshot);
    expect(recording.read(TABLE + 0x10, 4)).toBe(0xfee02000);
    const { replay } = expectSame(recording, taken(), policies.strict);
    expect(replay.function(fn.sbdf)?.trapped.messageControl).toBe(fn.messageControl);
  });
});

it('serves a function that only traps', () => {
  const { recording, taken } = recorded(new MemoryHost(), {
    sbdf: '01:00.0',
    bars: [
      { index: 0, type: 'mem32', address: 0x10000100, size: 0x100 },
      { index: 1, type: 'mem32', address: 0x10001000, size: 0x1000 },
    ],
    msix: { count: 1, table: { bir: 1, offset: 0 }, pba: { bir: 1, offset: 0x800 } },
    decode: true,
    trapOnly: true,
  });
  recording.write(0x10000104, 4, 0x1234);
  expect(recording.read(0x10000104, 4)).toBe(0x1234);
  expect(recording.read(0x100001fe, 4)).toBe(0xffff0000);
  recording.read(0x10000200, 4);
  recording.read(0x10000ffe, 4);
  expectSame(recording, taken(), policies.strict);
  expect(listed(recording.counts)).toMatchObject({ '0000:01:00.0 direct R4': 2 });
  expect(recording.unclaimedReads).toBe(2);
});

describe('a sink that throws', () => {
  it('reaches nobody but onError, and what it lost is in the text', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    dispatcher.assign(nvmeLike);
    const errors: unknown[] = [];
    const texts: string[] = [];
    let full = true;
    const sink = (text: string) => {
      if (full) throw new Error('full');
      texts.push(text);
    };
    const onError = (error: unknown) => {
      errors.push(error);
      throw error;
    };
    const recording = record(dispatcher, sink, { onError });
    for (let count = 0; count < 1100; count++) expect(recording.read(CONTROL, 4)).toBe(1);
    expect(errors).toMatchObject([{ message: 'full' }, { message: 'full' }]);
    full = false;
    recording.flush();
    expect(texts.join('')).toMatch(/^MARK 0\.000000 Lost 1024 events\.\nR 4 /);
    const lost: number[] = [];
    const parser = new MmiotraceParser({ lost: (count: number) => lost.push(count) } as never);
    const [mark] = texts[0].split('\n');
    expect(parser.line(Buffer.from(mark), 0, mark.length)).toBeUndefined();
    expect(lost).toEqual([1024]);
  });

  it('later, or with a clock that throws, does so too', async () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    const errors: unknown[] = [];
    const late = async () => {
      throw new Error('late');
    };
    const clock = () => {
      throw new Error('stopped');
    };
    const recording = record(dispatcher, late, { clock, onError: (error) => errors.push(error) });
    recording.read(0x1000, 4);
    recording.flush();
    await new Promise((resolve) => setTimeout(resolve));
    expect(errors.map((error) => (error as Error).message)).toEqual(['stopped', 'stopped', 'late']);
  });
});

it('leaves the dispatcher as it is: its own doors are the same and write nothing', () => {
  const { dispatcher, recording, taken } = recorded();
  const other = createDispatcher({ host: new MemoryHost() });
  expect(Object.getPrototypeOf(dispatcher)).toBe(Object.getPrototypeOf(other));
  expect(Object.keys(dispatcher)).toEqual(Object.keys(other));
  const before = taken();
  for (const name of ['read', 'write', 'readBig', 'writeBig', 'attach', 'createRing'] as const) {
    expect(dispatcher[name]).toBe(other[name]);
  }
  dispatcher.write(CONTROL, 4, 0);
  expect(dispatcher.read(CONTROL, 4)).toBe(0);
  expect(dispatcher.attach().trap_read(CONTROL % TWO_32, Math.floor(CONTROL / TWO_32), 4)).toBe(0);
  expect(taken()).toBe(before);
  expect(recording.counts.size).toBe(0);
});

it('files of text and inventory are replayed by the program', async () => {
  const { fn, recording, taken } = recorded();
  fn.writeMessageControl(0x8000);
  recording.write(TABLE, 4, 0xfee01000);
  recording.write(CONTROL, 4, 0);
  recording.read(PBA, 8);
  recording.read(PBA + 0x10, 4);
  const folder = mkdtempSync(join(tmpdir(), 'trapline-record-'));
  try {
    const [trace, lspci] = [join(folder, 'trace.txt'), join(folder, 'lspci.txt')];
    writeFileSync(lspci, recording.inventory);
    writeFileSync(trace, taken());
    const { replay, badLines, unknown, notes } = await replayFile(trace, await readInventory([lspci]), {
      strict: true,
    });
    expect({ badLines, unknown, notes }).toEqual({ badLines: 0, unknown: 0, notes: [] });
    expect(replay.differenceCount).toBe(0);
    expect(replay.function(fn.sbdf)?.armed).toBe(1);
    expect(listed(replay.functions.map(({ sbdf, counts }) => [sbdf, counts] as const))).toEqual(
      listed(recording.counts),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
