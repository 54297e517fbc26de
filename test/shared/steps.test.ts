import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CIRCLES,
  DEPTH,
  ENTERED,
  EPOCH,
  FORWARDED_AT,
  GENERATION,
  HELD,
  HOLDER,
  MOST_WORKERS,
  ON,
  RECENT,
  SEEN,
  STATE,
  STATUS,
  UNCLAIMED_ACCESS,
  UNMAPPING,
  WAITED,
  WAITS,
  WORKERS,
} from '../../assembly/layout.js';
import type { PciFunction } from '../../src/pci/function.js';
import type { OwningCore, SharedExports } from '../../src/shared/core.js';
import { createDispatcher, type SharedDispatcher } from '../../src/shared.js';
import type { Block } from '../coverage/counters.js';
import { steppedCore } from '../stepped-core.js';
import { described } from './described.js';

// What threads do to each other between two of their steps, done on one thread between two blocks of the core.

const BAR = 0xfe000000;
const SECOND = BAR + 0x10000;

let module: WebAssembly.Module;
let blocks: readonly Block[];
beforeAll(async () => {
  const core = await steppedCore();
  module = new WebAssembly.Module(core.wasm);
  blocks = core.blocks;
});

let dispatcher: SharedDispatcher;
let core: OwningCore;
/** The records of 8 and of 16. */
let record: number;
let other: number;

beforeEach(() => {
  dispatcher = createDispatcher({ shared: true, host: { mapPage: () => new Uint8Array(4096).fill(7) } });
  dispatcher.assign(described(8, BAR));
  dispatcher.assign(described(16, SECOND));
  core = Reflect.get(dispatcher, 'core') as OwningCore;
  record = core.records.of(8);
  other = core.records.of(16);
});

const word = (pointer: number): number => core.words[pointer / 4];
const set = (pointer: number, value: number): void => {
  core.words[pointer / 4] = value;
};
const fn = (sbdf = 8): PciFunction => dispatcher.find(sbdf) as PciFunction;

/** Another worker: an instance of the stepped core. It never sleeps. */
class Stepped {
  readonly worker: number;
  readonly block: number;
  readonly exports: SharedExports;
  readonly dropped: number[] = [];
  passed = 0;
  private readonly actions = new Map<number, (time: number) => void>();
  private readonly times = new Map<number, number>();
  /** Its accesses are those of a handler. */
  nested = false;

  constructor() {
    const { worker, block } = dispatcher.share();
    this.worker = worker;
    this.block = block;
    const none = () => -1;
    const host = {
      complete_read: none,
      complete_write: none,
      unclaimed_read: none,
      unclaimed_write: none,
      forwarded_read4: none,
      forwarded_write4: none,
      pass_entry: () => {
        this.passed++;
        set(block + SEEN, word(EPOCH));
        if (!this.nested) set(block + ENTERED, word(EPOCH));
      },
      drop_stale: (stale: number) => this.dropped.push(stale),
      step: (id: number) => {
        const time = (this.times.get(id) ?? 0) + 1;
        this.times.set(id, time);
        this.actions.get(id)?.(time);
      },
    };
    const instance = new WebAssembly.Instance(module, { env: { memory: core.memory }, host });
    this.exports = instance.exports as unknown as SharedExports;
    set(WORKERS + 4 * worker, 0);
    this.exports.attach(worker, block);
    this.at('sleepUntilAcquired', 'else', 2, () => {
      throw new Error('it would sleep');
    });
  }

  /** At each beginning of the n-th block of a kind in a function, from 0 on; told the how manieth it is. */
  at(name: string, kind: string, which: number, action: (time: number) => void): void {
    this.actions.set(this.idOf(name, kind, which), action);
  }

  /** How often it began. */
  count(name: string, kind: string, which = 0): number {
    return this.times.get(this.idOf(name, kind, which)) ?? 0;
  }

  private idOf(name: string, kind: string, which: number): number {
    const ids = [...blocks.keys()].filter((id) => {
      const block = blocks[id];
      return block.file.startsWith('assembly/') && block.function === name && block.kind === kind;
    });
    if (ids[which] === undefined) throw new Error(`${name} has no ${kind} ${which}`);
    return ids[which];
  }

  get waits(): number {
    return word(this.block + WAITS);
  }

  get status(): number {
    return word(this.block + STATUS);
  }
}

/** At the first time only. */
const once = (action: () => void) => (time: number) => {
  if (time === 1) action();
};

it('an instance says where its cells are', () => {
  for (let turn = 0; turn < 3; turn++) {
    const { worker, block } = new Stepped();
    expect(word(WORKERS + 4 * worker)).toBe(block);
  }
});

describe('a lock', () => {
  it('that is free is taken at once, by the number of the worker + 1', () => {
    const { exports, worker } = new Stepped();
    expect(exports.acquire(record)).toBe(1);
    expect([word(record + HOLDER), word(record + DEPTH)]).toEqual([worker + 1, 0]);
    exports.release(record);
    expect(word(record + HOLDER)).toBe(0);
  });

  it('is counted for its holder, marked as waited for or not', () => {
    const stepped = new Stepped();
    const { exports, worker } = stepped;
    exports.acquire(record);
    for (const mark of [0, WAITED]) {
      set(record + HOLDER, worker + 1 + mark);
      for (const depth of [1, 2, 3]) {
        expect(exports.acquire(record)).toBe(1);
        expect([word(record + DEPTH), word(record + HOLDER)]).toEqual([depth, worker + 1 + mark]);
      }
      for (const depth of [2, 1, 0]) {
        exports.release(record);
        expect([word(record + DEPTH), word(record + HOLDER)]).toEqual([depth, worker + 1 + mark]);
      }
    }
    exports.release(record);
    expect(word(record + HOLDER)).toBe(0);
    expect(stepped.count('acquireTaken', 'loop')).toBe(0);
  });

  it('wakes who waits for it as it is given back, and where nobody does calls nothing', () => {
    const stepped = new Stepped();
    for (const [mark, woken] of [
      [0, 0],
      [WAITED, 1],
    ]) {
      stepped.exports.acquire(record);
      set(record + HOLDER, stepped.worker + 1 + mark);
      stepped.exports.release(record);
      expect([word(record + HOLDER), stepped.count('release', 'if', 1)]).toEqual([0, woken]);
    }
  });

  it('that is given back while it spins is taken, without a mark', () => {
    const stepped = new Stepped();
    core.exports.acquire(record);
    stepped.at('acquireTaken', 'loop', 0, (time) => {
      if (time === 5) core.exports.release(record);
    });
    expect(stepped.exports.acquire(record)).toBe(1);
    expect(word(record + HOLDER)).toBe(stepped.worker + 1);
    expect(stepped.count('acquireTaken', 'loop')).toBe(5);
    expect(stepped.count('sleepUntilAcquired', 'function')).toBe(0);
  });

  it('that another takes first is not taken', () => {
    const [stepped, rival] = [new Stepped(), new Stepped()];
    core.exports.acquire(record);
    stepped.at('acquireTaken', 'loop', 0, (time) => {
      if (time === 1) core.exports.release(record);
    });
    // Seen to be free, and not so any more.
    stepped.at(
      'acquireTaken',
      '&&',
      0,
      once(() => rival.exports.acquire(record)),
    );
    stepped.at('sleepUntilAcquired', 'loop', 0, () => rival.exports.release(record));
    expect(stepped.exports.acquire(record)).toBe(1);
    expect(word(record + HOLDER)).toBe((stepped.worker + 1 + WAITED) >>> 0);
  });

  it('that is given back before it looks who has it is taken, with the mark of those who may sleep', () => {
    const stepped = new Stepped();
    core.exports.acquire(record);
    stepped.at('sleepUntilAcquired', 'loop', 0, () => {
      expect(stepped.waits).toBe(record);
      core.exports.release(record);
    });
    expect(stepped.exports.acquire(record)).toBe(1);
    expect(word(record + HOLDER)).toBe((stepped.worker + 1 + WAITED) >>> 0);
    expect([stepped.waits, stepped.count('closesCircle', 'function')]).toEqual([0, 0]);
    stepped.exports.release(record);
    expect(word(record + HOLDER)).toBe(0);
  });

  it('that another has by the time of the mark is looked at again, and not marked', () => {
    const [stepped, rival] = [new Stepped(), new Stepped()];
    core.exports.acquire(record);
    stepped.at(
      'closesCircle',
      'function',
      0,
      once(() => {
        core.exports.release(record);
        rival.exports.acquire(record);
      }),
    );
    stepped.at('sleepUntilAcquired', 'loop', 0, (time) => {
      if (time === 1) return;
      expect(word(record + HOLDER)).toBe(rival.worker + 1);
      rival.exports.release(record);
    });
    expect(stepped.exports.acquire(record)).toBe(1);
    expect(stepped.count('sleepUntilAcquired', 'loop')).toBe(2);
  });

  it('that is given back after the mark is not slept for', () => {
    const stepped = new Stepped();
    core.exports.acquire(record);
    stepped.at('sleepUntilAcquired', 'else', 2, () => {
      expect(word(record + HOLDER)).toBe((1 + WAITED) >>> 0);
      core.exports.release(record);
    });
    expect(stepped.exports.acquire(record)).toBe(1);
    expect(word(record + HOLDER)).toBe((stepped.worker + 1 + WAITED) >>> 0);
  });

  it('is one for all workers', () => {
    const all = Array.from({ length: 5 }, () => new Stepped());
    for (const one of all) {
      one.exports.acquire(record);
      expect(word(record + HOLDER)).toBe(one.worker + 1);
      for (const rival of all) {
        if (rival !== one) expect(() => rival.exports.acquire(record)).toThrow('it would sleep');
      }
      set(record + HOLDER, one.worker + 1);
      one.exports.release(record);
      expect(word(record + HOLDER)).toBe(0);
    }
  });
});

describe('a circle of those who wait', () => {
  /** Workers that are in no access, with locks and waits as given: 0 has `record`. */
  function chain(length: number) {
    const places = Array.from({ length }, () => dispatcher.share());
    const records = [
      record,
      ...Array.from({ length: length - 1 }, (_, index) => core.records.of(800 + 8 * index)),
    ];
    for (const [index, { worker }] of places.entries()) set(records[index] + HOLDER, worker + 1);
    const wait = (index: number, at: number) => set(places[index].block + WAITS, at);
    for (let index = 0; index < length - 1; index++) wait(index, records[index + 1]);
    return { places, records, wait };
  }

  it.each([1, 2, 3, 5, 62])('through %i others is not waited for', (length) => {
    const stepped = new Stepped();
    const { wait } = chain(length);
    wait(length - 1, other);
    stepped.exports.acquire(other);
    expect(stepped.exports.acquire(record)).toBe(0);
    expect(stepped.waits).toBe(0);
    // Each walk comes by all of them, and there are as many walks.
    expect(stepped.count('closesCircle', 'loop', 0)).toBe(length + 1);
    expect(stepped.count('closesCircle', 'loop', 1)).toBe((length + 1) ** 2);
    expect(word(other + HOLDER)).toBe(stepped.worker + 1);
  });

  it('is one where its locks are marked as waited for', () => {
    const stepped = new Stepped();
    const { places, wait } = chain(1);
    wait(0, other);
    stepped.exports.acquire(other);
    set(record + HOLDER, places[0].worker + 1 + WAITED);
    set(other + HOLDER, stepped.worker + 1 + WAITED);
    expect(stepped.exports.acquire(record)).toBe(0);
  });

  it('of all workers is found', () => {
    expect(MOST_WORKERS).toBe(64);
    const stepped = new Stepped();
    const { wait, places } = chain(62);
    // The dispatcher's own is the last of 64.
    const last = core.records.of(8000);
    wait(61, last);
    set(last + HOLDER, 1);
    set(core.block + WAITS, other);
    stepped.exports.acquire(other);
    expect(places.at(-1)?.worker).toBe(63);
    expect(stepped.exports.acquire(record)).toBe(0);
    expect(stepped.count('closesCircle', 'loop', 0)).toBe(64);
  });

  it.each([1, 2, 3])('that opens before walk %i of 3 is none', (walk) => {
    const stepped = new Stepped();
    const { wait } = chain(2);
    wait(1, other);
    stepped.exports.acquire(other);
    stepped.at('closesCircle', 'loop', 0, (time) => {
      if (time === walk) wait(1, 0);
    });
    expect(() => stepped.exports.acquire(record)).toThrow('it would sleep');
    expect(stepped.count('closesCircle', 'loop', 0)).toBe(walk);
  });

  it('that opens as a lock is given back is none', () => {
    const stepped = new Stepped();
    const { records, wait } = chain(2);
    wait(1, other);
    stepped.exports.acquire(other);
    stepped.at('closesCircle', 'loop', 1, (time) => {
      if (time === 2) set(records[1] + HOLDER, 0);
    });
    expect(() => stepped.exports.acquire(record)).toThrow('it would sleep');
  });

  it('of others is theirs: it is walked as often as there are workers, and waited for', () => {
    const stepped = new Stepped();
    const { records, wait } = chain(2);
    wait(1, records[0]);
    stepped.exports.acquire(other);
    expect(() => stepped.exports.acquire(record)).toThrow('it would sleep');
    expect(stepped.count('closesCircle', 'loop', 0)).toBe(1);
    expect(stepped.count('closesCircle', 'loop', 1)).toBe(MOST_WORKERS);
  });

  it('ends an access of it with ones, and is counted', () => {
    const stepped = new Stepped();
    const { exports, block } = stepped;
    const { wait } = chain(1);
    wait(0, other);
    exports.acquire(other);
    const doors = [() => exports.read4(BAR), () => exports.read(BAR, 8), () => exports.trap_read(BAR, 0, 4)];
    for (const [index, read] of doors.entries()) {
      expect(read()).toBe(-1);
      expect([word(block + CIRCLES), stepped.status, word(block + HELD)]).toEqual([index + 1, 0, 0]);
    }
    expect(exports.write4(BAR, 5)).toBe(0);
    expect(word(block + CIRCLES)).toBe(doors.length + 1);
    expect(core.circles).toBe(0);
    expect(exports.mmap_read32(BAR)).toBe(-1);
    set(record + HOLDER, 0);
    expect(exports.read4(BAR)).toBe(0);
  });
});

describe('an access', () => {
  /** Word 2 of the table is what tells the functions apart. */
  const AT = BAR + 8;

  beforeEach(() => {
    dispatcher.write(AT, 4, 0x1234);
  });

  /** Another page, and another function, at the address. */
  function replaced(): void {
    fn().setDecode(false);
    fn().moveBar(0, BAR + 0x40000);
    if (dispatcher.find(24)) return;
    dispatcher.assign(described(24, BAR));
    dispatcher.write(AT, 4, 0x5678);
  }

  it.each([
    ['read4', (exports: SharedExports) => exports.read4(AT)],
    ['read', (exports: SharedExports) => exports.read(AT, 4)],
    ['trap_read', (exports: SharedExports) => exports.trap_read(AT, 0, 4)],
    ['mmap_read32', (exports: SharedExports) => exports.mmap_read32(AT)],
  ] as const)('whose page is another when it has the lock looks up again: %s', (_, read) => {
    const stepped = new Stepped();
    expect(read(stepped.exports)).toBe(0x1234);
    stepped.at('enterAtOnce', 'function', 0, (time) => {
      if (time === 2) replaced();
    });
    expect(read(stepped.exports)).toBe(0x5678);
    expect([word(record + HOLDER), word(core.records.of(24) + HOLDER)]).toEqual([0, 0]);
    expect(read(stepped.exports)).toBe(0x5678);
  });

  it('whose page has gone when it has the lock is nobody’s', () => {
    const stepped = new Stepped();
    expect(stepped.exports.read4(AT)).toBe(0x1234);
    stepped.at('enterAtOnce', 'function', 0, (time) => {
      if (time === 2) fn().setDecode(false);
    });
    expect([stepped.exports.read4(AT), stepped.status]).toEqual([-1, UNCLAIMED_ACCESS]);
    expect(word(record + HOLDER)).toBe(0);
  });

  it.each([
    [63, 0x1234],
    [64, -1],
  ])('whose page is another %i times is answered with %i', (times, value) => {
    const stepped = new Stepped();
    const again = () => {
      fn().setDecode(false);
      fn().setDecode(true);
    };
    stepped.exports.read4(AT);
    stepped.at('enterAtOnce', 'function', 0, (time) => {
      if (time === 2) again();
    });
    stepped.at('acquire', 'function', 0, (time) => {
      if (time > 1 && time <= times + 1) again();
    });
    expect(stepped.exports.read4(AT)).toBe(value);
    expect(stepped.status).toBe(value === -1 ? UNCLAIMED_ACCESS : 0);
    expect(word(record + HOLDER)).toBe(0);
  });

  it.each([
    ['read4', (exports: SharedExports) => exports.read4(AT)],
    ['write4', (exports: SharedExports) => exports.write4(AT, 0x1234)],
    ['read', (exports: SharedExports) => exports.read(AT, 4)],
    ['trap_read', (exports: SharedExports) => exports.trap_read(AT, 0, 4)],
  ] as const)('finds a page in the page map once until it passes an entry: %s', (_, access) => {
    const stepped = new Stepped();
    const looked = () => stepped.count('leafOf', 'function');
    for (let turn = 0; turn < 3; turn++) access(stepped.exports);
    expect(looked()).toBe(1);
    core.raiseEpoch();
    for (let turn = 0; turn < 3; turn++) access(stepped.exports);
    expect(looked()).toBe(2);
    stepped.nested = true;
    core.raiseEpoch();
    for (let turn = 0; turn < 3; turn++) access(stepped.exports);
    expect([looked(), word(stepped.block + ENTERED)]).toEqual([3, word(EPOCH) - 1]);
    stepped.nested = false;
    access(stepped.exports);
    expect([looked(), word(stepped.block + ENTERED)]).toEqual([3, word(EPOCH)]);
  });

  it('remembers 256 pages, and of those 256 apart the later one', () => {
    const stepped = new Stepped();
    const start = 0x4000_0000;
    dispatcher.assign({
      sbdf: 32,
      bars: [{ index: 0, type: 'mem32', address: start, size: 0x200000 }],
      msix: { count: 2048, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x100000 } },
      decode: true,
    });
    const looks = (page: number) => {
      const before = stepped.count('leafOf', 'function');
      stepped.exports.read4(start + 4096 * page);
      if (stepped.status !== 0) stepped.exports.leave_held();
      set(stepped.block + STATUS, 0);
      return stepped.count('leafOf', 'function') - before;
    };
    expect([0, 7, 0, 7, 256, 7, 0, 256, 256].map(looks)).toEqual([1, 1, 0, 0, 1, 0, 1, 1, 0]);
  });

  it('has what it found at the EPOCH of now only, all of its bits, and in its own block', () => {
    const stepped = new Stepped();
    const slot = stepped.block + RECENT + 16 * ((AT >>> 12) & 0xff);
    for (const [index, epoch] of [2, 0x80000002, 3].entries()) {
      set(EPOCH, epoch);
      expect(stepped.exports.read4(AT)).toBe(0x1234);
      expect(stepped.count('leafOf', 'function')).toBe(index + 1);
      expect([word(slot), word(slot + 4)]).toEqual([Math.floor(AT / 2 ** 20), epoch]);
    }
    stepped.exports.read4(BAR + 0x1000);
    expect(word(slot + 16 + 4)).toBe(3);
  });

  it('takes no other address for one that it found lately', () => {
    const stepped = new Stepped();
    const { exports } = stepped;
    expect(exports.read4(AT)).toBe(0x1234);
    const unclaimed = (value: number) => expect([value, stepped.status]).toEqual([-1, UNCLAIMED_ACCESS]);
    for (const bit of [20, 31, 32, 44, 51, 52, 53].map((power) => 2 ** power)) {
      unclaimed(exports.read4(AT + bit));
      set(stepped.block + STATUS, 0);
    }
    for (const number of [AT + 0.5, -AT, Number.NaN, Number.POSITIVE_INFINITY])
      unclaimed(exports.read4(number));
    for (const high of [1, 0x80000, 0x100000, 0x80000000]) expect(exports.trap_read(AT, high, 4)).toBe(-1);
    expect(exports.trap_read(AT, 0, 4)).toBe(0x1234);
  });

  it('to a page that does not trap looks for no function, wherever it is on the page', () => {
    const stepped = new Stepped();
    for (const epoch of [1, 0xfffffff0]) {
      set(EPOCH, epoch);
      for (let offset = 0; offset < 4096; offset += 8) {
        expect([stepped.exports.read4(BAR + 0x8000 + offset), stepped.status]).toEqual([
          -1,
          UNCLAIMED_ACCESS,
        ]);
      }
    }
    expect([stepped.count('spanOf', 'function'), stepped.count('acquire', 'function')]).toEqual([0, 0]);
    expect(stepped.dropped).toEqual([]);
  });

  it('on a page of two functions has the lock of the one whose byte is first', () => {
    const start = 0x5000_0000;
    const halves = [48, 56].map((sbdf, half) => {
      const address = start + 0x800 * half;
      dispatcher.assign({ sbdf, bars: [{ index: 0, type: 'mem32', address, size: 0x800 }], decode: true });
      return core.records.of(sbdf);
    });
    const stepped = new Stepped();
    const { exports, block } = stepped;
    for (let offset = 0; offset < 4096; offset += 4) {
      const holder = halves[offset < 0x800 ? 0 : 1];
      expect(exports.write4(start + offset, 1) & 0xff).toBe(FORWARDED_AT);
      expect([word(block + HELD), word(holder + HOLDER)]).toEqual([holder, stepped.worker + 1]);
      exports.leave_held();
      expect(halves.map((one) => word(one + HOLDER))).toEqual([0, 0]);
    }
  });

  it('does not wait for a function that is being switched off', () => {
    const stepped = new Stepped();
    core.exports.acquire(record);
    set(record + STATE, UNMAPPING);
    expect([stepped.exports.read4(AT), stepped.status]).toEqual([-1, UNCLAIMED_ACCESS]);
    core.exports.release(record);
    expect([stepped.exports.read4(AT), stepped.status]).toEqual([-1, UNCLAIMED_ACCESS]);
    set(record + STATE, ON);
    expect(stepped.exports.read4(AT)).toBe(0x1234);
  });

  it.each([false, true])(
    'to a function that decode-off waits for is unclaimed, found lately or not; from a handler: %s',
    (nested) => {
      const stepped = new Stepped();
      const found: unknown[] = [];
      const { exports } = core;
      const acquire = (which: number): number => {
        if (found.length === 0) {
          found.push(word(record + STATE), stepped.exports.read4(AT), stepped.status, word(record + HOLDER));
        }
        return exports.acquire(which);
      };
      expect(stepped.exports.read4(AT)).toBe(0x1234);
      stepped.nested = nested;
      Reflect.set(core, 'exports', { ...exports, acquire });
      fn().setDecode(false);
      expect(found).toEqual([UNMAPPING, -1, UNCLAIMED_ACCESS, 0]);
    },
  );

  it('of a page found lately drops what the function dropped before the lock, under it', () => {
    const stepped = new Stepped();
    stepped.at('enterAtOnce', 'function', 0, (time) => {
      if (time === 3) core.raiseGeneration(record);
    });
    const read = () => {
      expect(stepped.exports.read4(BAR + 0x800)).toBe(-1);
      expect([word(stepped.block + HELD), word(record + HOLDER)]).toEqual([record, stepped.worker + 1]);
      stepped.exports.leave_held();
      return [stepped.count('leafOf', 'function'), stepped.dropped.length];
    };
    expect([read(), read()]).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(read()).toEqual([2, 1]);
    expect(stepped.dropped).toEqual([record]);
  });

  it('passes an entry where the epoch is another, before it looks up', () => {
    const stepped = new Stepped();
    const seen: number[] = [];
    stepped.at('nearLeafOf', 'function', 0, () => seen.push(stepped.passed));
    for (let turn = 0; turn < 2; turn++) stepped.exports.read4(AT);
    core.raiseEpoch();
    for (let turn = 0; turn < 2; turn++) stepped.exports.write4(AT, 0);
    core.raiseEpoch();
    for (let turn = 0; turn < 2; turn++) stepped.exports.read(AT, 8);
    expect(seen).toEqual([1, 1, 2, 2, 3, 3]);
    core.raiseEpoch();
    stepped.exports.trap_read(0x1000, 0, 4);
    expect(stepped.passed).toBe(4);
  });

  it.each([
    [-1, []],
    [0, []],
    [1, ['stale']],
    [0x7fffffff, ['stale']],
  ])(
    'whose function dropped its pages %i epochs after the entry drops them under the lock',
    (after, stale) => {
      const stepped = new Stepped();
      // As where both have wrapped.
      for (const epoch of [100, 0xfffffff0]) {
        set(EPOCH, epoch);
        stepped.dropped.length = 0;
        set(record + GENERATION, (epoch + after) >>> 0);
        expect(stepped.exports.read4(BAR + 0x800)).toBe(-1);
        expect(word(stepped.block + HELD)).toBe(record);
        expect(word(record + HOLDER)).toBe(stepped.worker + 1);
        expect(stepped.dropped).toEqual(stale.map(() => record));
        stepped.exports.release(record);
      }
    },
  );
});

describe('the lock of an access', () => {
  const REGISTER = BAR + 0x800;

  it.each<[string, (exports: SharedExports) => unknown, boolean]>([
    ['a read of the table', (e) => e.read4(BAR), false],
    ['a read of 8 bytes of it', (e) => e.read(BAR, 8), false],
    ['a refused read', (e) => e.read(BAR, 2), true],
    ['an unaligned refused read', (e) => e.read4(BAR + 2), true],
    ['a read that straddles', (e) => e.read4(BAR + 0x3e), false],
    ['a read of a register', (e) => e.read4(REGISTER), true],
    ['an unaligned one', (e) => e.read4(REGISTER + 1), true],
    ['one of 2 bytes', (e) => e.read(REGISTER, 2), true],
    ['a write to the table', (e) => e.write4(BAR, 5), false],
    ['a write of 8 bytes to it', (e) => e.write(BAR, 8, 5, 6), false],
    ['a write of a mask', (e) => e.write4(BAR + 12, 0), true],
    ['a write of a mask by 8 bytes', (e) => e.write(BAR + 24, 8, 0, 0), true],
    ['a write of what is', (e) => e.write4(BAR + 12, 1), false],
    ['a write to a register', (e) => e.write4(REGISTER, 0), true],
    ['one of 4 bytes by the door for any width', (e) => e.write(REGISTER, 4, 0, 0), true],
    ['an unaligned one', (e) => e.write4(REGISTER + 2, 0), true],
    ['one of 1 byte', (e) => e.write(REGISTER, 1, 0, 0), true],
    ['a refused write', (e) => e.write(BAR, 1, 0, 0), true],
    ['a write that straddles', (e) => e.write4(BAR + 0x3e, 0), false],
    ['a width that is none', (e) => e.read(BAR, 3), false],
    ['a write of such a width', (e) => e.write(BAR, 5, 0, 0), false],
    ['a read of the table for another module', (e) => e.trap_read(BAR, 0, 4), false],
    ['a read of the table by v86', (e) => e.mmap_read32(BAR), false],
    ['a read of a register by v86', (e) => e.mmap_read32(REGISTER), true],
    ['a write to the table by v86', (e) => e.mmap_write32(BAR, 1), false],
    ['a write of a mask by v86', (e) => e.mmap_write32(BAR + 12, 0), true],
    ['a write to a register by v86', (e) => e.mmap_write32(REGISTER, 1), true],
    ['a write to the table for another module', (e) => e.trap_write(BAR, 0, 4, 1, 0), false],
    ['a write of a mask for another module', (e) => e.trap_write(BAR + 12, 0, 4, 0, 0), true],
  ])('is held on as the outcome says: %s', (_, access, held) => {
    const stepped = new Stepped();
    set(stepped.block + HELD, 0x40);
    access(stepped.exports);
    expect(word(record + HOLDER)).toBe(held ? stepped.worker + 1 : 0);
    expect(word(record + DEPTH)).toBe(0);
    if (held) expect(word(stepped.block + HELD)).toBe(record);
    else expect(word(stepped.block + HELD)).not.toBe(record);
  });

  it('is no lock where no function has the page', () => {
    const stepped = new Stepped();
    for (const address of [0x1000, -1, 0.5, NaN, 2 ** 52]) {
      set(stepped.block + HELD, record);
      expect(stepped.exports.read4(address)).toBe(-1);
      expect([stepped.status, word(stepped.block + HELD)]).toEqual([UNCLAIMED_ACCESS, 0]);
      set(stepped.block + HELD, record);
      expect(stepped.exports.write4(address, 1)).toBe(UNCLAIMED_ACCESS);
      expect(word(stepped.block + HELD)).toBe(0);
    }
  });
});

describe('on a page of two functions', () => {
  const PAGE = BAR + 0x20000;
  let lower: number;
  let upper: number;

  beforeEach(() => {
    for (const [sbdf, address] of [
      [32, PAGE],
      [40, PAGE + 0x100],
    ]) {
      dispatcher.assign({
        sbdf,
        bars: [{ index: 0, type: 'mem32', address, size: 0x100 }],
        msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x80 } },
        decode: true,
      });
      dispatcher.write(address + 8, 4, sbdf);
    }
    [lower, upper] = [core.records.of(32), core.records.of(40)];
  });

  it.each([
    ['the lower', () => [PAGE, lower, upper], 32],
    ['the upper', () => [PAGE + 0x100, upper, lower], 40],
  ] as const)('the lock is that of whose byte it is: %s', (_, which, data) => {
    const [address, own, others] = which();
    const stepped = new Stepped();
    const { exports } = stepped;
    core.exports.acquire(others);
    expect([
      exports.read4(address + 8),
      exports.mmap_read32(address + 8),
      exports.trap_read(address + 8, 0, 4),
    ]).toEqual([data, data, data]);
    expect(word(own + HOLDER)).toBe(0);
    // PBA and other registers of the BAR.
    for (const offset of [0x80, 0xc0]) {
      expect(exports.read4(address + offset)).toBe(-1);
      expect([word(stepped.block + HELD), word(own + HOLDER)]).toEqual([own, stepped.worker + 1]);
      exports.release(own);
    }
    expect(exports.write4(address + 12, 0)).not.toBe(0);
    expect([word(stepped.block + HELD), word(own + HOLDER)]).toEqual([own, stepped.worker + 1]);
    exports.release(own);
    expect(() => exports.read4(address === PAGE ? PAGE + 0x108 : PAGE + 8)).toThrow('it would sleep');
    expect(word(others + HOLDER)).toBe((1 + WAITED) >>> 0);
  });

  it('bytes of both are nobody’s to hold', () => {
    const stepped = new Stepped();
    stepped.exports.read4(PAGE + 0xfe);
    expect([word(stepped.block + HELD), word(lower + HOLDER), word(upper + HOLDER)]).toEqual([0, 0, 0]);
  });

  it('what is nobody’s has no lock', () => {
    const stepped = new Stepped();
    for (const address of [PAGE + 0x200, PAGE + 0xffc]) {
      expect(stepped.exports.read4(address)).toBe(-1);
      expect([word(stepped.block + HELD), word(lower + HOLDER), word(upper + HOLDER)]).toEqual([0, 0, 0]);
    }
  });
});
