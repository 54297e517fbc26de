import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { beforeEach, describe, expect, it } from 'vitest';
import { ENTERED, EPOCH, HOLDER, SEEN, WAITS } from '../../assembly/layout.js';
import type { PageHost } from '../../src/host.js';
import type { AttachedDispatcher } from '../../src/shared/attached-dispatcher.js';
import type { OwningCore } from '../../src/shared/core.js';
import { attach, createDispatcher, type SharedDispatcher } from '../../src/shared.js';
import { attachHere } from './attach-here.js';
import { described } from './described.js';
import { inWorker } from './worker.js';

// The views of attach.test.ts are other threads'. Here they are on this one.

const BAR = 0xfe000000;
const SECOND = BAR + 0x10000;
const ADJACENT = 0x800;

let dispatcher: SharedDispatcher;
let calls: string[];
let told: string[];
/** What a page of the view does when its register at ADJACENT is read. */
let inside: () => number;
const host: Required<PageHost> = {
  mapPage(address, sbdf) {
    calls.push(`map ${sbdf} ${address.toString(16)}`);
    return {
      read: (offset) => (offset === ADJACENT ? inside() : offset),
      write: (offset, _, value) => void calls.push(`write ${offset} ${value}`),
    };
  },
  unmapPage: (address, sbdf) => void calls.push(`unmap ${sbdf} ${address.toString(16)}`),
};

function viewed(own: PageHost = host): AttachedDispatcher {
  return attachHere(dispatcher, {
    host: own,
    diagnosticLimit: 'none',
    onDiagnostic: ({ code }) => told.push(code),
    onError: (error) => told.push((error as Error).message),
  });
}

beforeEach(() => {
  calls = [];
  told = [];
  inside = () => 5;
  dispatcher = createDispatcher({ shared: true, host: { mapPage: () => new Uint8Array(4096).fill(1) } });
  dispatcher.assign(described(8, BAR));
  dispatcher.assign(described(16, SECOND));
});

const core = (): OwningCore => Reflect.get(dispatcher, 'core') as OwningCore;
const holder = (sbdf: number): number => core().records.of(sbdf) + HOLDER;
const locked = (sbdf: number): boolean => core().words[holder(sbdf) / 4] !== 0;

it('waits for the worker that made the dispatcher', async () => {
  const worker = new Worker(
    `import('trapline/shared').then(({ createDispatcher }) => {
      const { parentPort } = require('node:worker_threads');
      const dispatcher = createDispatcher({ shared: true, host: { mapPage: () => null } });
      dispatcher.assign({ ...${JSON.stringify(described(8, BAR))}, decode: false });
      parentPort.postMessage(dispatcher.share());
      parentPort.on('message', () => process.exit());
    });`,
    { eval: true },
  );
  const [handle] = await once(worker, 'message');
  const view = attach(handle, { host });
  const fn = view.find(8);
  expect([fn?.sbdf, view.find(16), fn?.setDecode(true), fn?.setDecode(true)]).toEqual([
    8,
    undefined,
    'okay',
    'noop',
  ]);
  expect(view.read(BAR + ADJACENT + 4, 4)).toBe(ADJACENT + 4);
  view.detach();
  worker.postMessage('end');
  await once(worker, 'exit');
});

it.each([['0000:00:02.0'], [16]])('finds function %s', (sbdf) => {
  expect(viewed().find(sbdf)?.sbdf).toBe(16);
});

it('finds none that is not assigned, and none by what is no SBDF', () => {
  const view = viewed();
  expect(view.find(24)).toBeUndefined();
  dispatcher.deassign(16);
  expect(view.find(16)).toBeUndefined();
  expect(() => view.find('no')).toThrow(expect.objectContaining({ code: 'bad-argument' }));
});

describe('rings', () => {
  function ask(ring: ReturnType<AttachedDispatcher['createRing']>, index: number, address: number): number {
    const { records } = ring;
    records.setUint32(32 * index, address, true);
    records.setUint32(32 * index + 16, 1, true);
    records.setUint32(32 * index + 20, 4, true);
    records.setUint32(32 * index + 28, 0x01210000, true);
    ring.answer(index, 1);
    return records.getUint32(32 * index + 8, true);
  }

  const CAPACITY = 65536;

  it.each([
    ['that fit', 0],
    ['for which the memory grows', 15 << 20],
  ])('%s are answered to their last record', (_, taken) => {
    const view = viewed();
    dispatcher.write(BAR + 8, 4, 0x77);
    core().allocate(taken);
    const ring = view.createRing(CAPACITY);
    expect(ring.offset + 32 * CAPACITY <= 16 << 20).toBe(taken === 0);
    for (const index of [0, CAPACITY - 1]) {
      expect(ask(ring, index, BAR + 8)).toBe(0x77);
      expect(ask(ring, index, BAR + ADJACENT)).toBe(5);
    }
    expect(ask(viewed().createRing(1), 0, BAR + 8)).toBe(0x77);
    expect(dispatcher.read(BAR + 8, 4)).toBe(0x77);
    expect([locked(8), locked(16)]).toEqual([false, false]);
  });

  it('do not fit into a full memory', () => {
    dispatcher = createDispatcher({ shared: true, host, memoryLimit: 1 << 20 });
    const view = viewed();
    expect(() => view.createRing(CAPACITY)).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    expect(view.createRing(100).capacity).toBe(100);
  });
});

describe('the doors for another wasm module', () => {
  it('are those of the dispatcher', () => {
    expect(Object.keys(viewed().attach()).sort()).toEqual(Object.keys(dispatcher.attach()).sort());
  });

  it('reach pages of the view at 4 bytes, and what nobody has falls back', () => {
    const seen: number[][] = [];
    const door = viewed().attach({ read: (...all) => seen.push(all), write: (...all) => seen.push(all) });
    expect(door.mmap_read32(BAR + ADJACENT)).toBe(5);
    expect(door.mmap_read32(SECOND + ADJACENT + 8)).toBe(ADJACENT + 8);
    door.mmap_write32(SECOND + ADJACENT + 4, 9);
    expect(calls).toEqual(['map 8 fe000000', 'map 16 fe010000', `write ${ADJACENT + 4} 9`]);
    expect(door.mmap_read32(0x10)).toBe(1);
    door.mmap_write32(0x14, 7);
    expect(seen).toEqual([
      [0x10, 0, 4],
      [0x14, 0, 4, 7, 0],
    ]);
    expect([locked(8), locked(16)]).toEqual([false, false]);
  });
});

describe('a host that throws', () => {
  it.each([
    ['an error', new Error('broken')],
    ['where the stack is exhausted', new RangeError('broken')],
  ])('%s for a page has it read ones', (_, error) => {
    const view = viewed({
      mapPage: () => {
        throw error;
      },
    });
    expect([view.read(BAR + ADJACENT, 2), view.read(BAR + ADJACENT, 8), view.high]).toEqual([
      0xffff, 0xffffffff, 0xffffffff,
    ]);
    expect(view.write(BAR + ADJACENT, 4, 0)).toBe(true);
    expect(told).toEqual(Array(3).fill(['host-error', 'broken']).flat());
    expect(view.counts['host-error']).toBe(3);
    expect(locked(8)).toBe(false);
  });

  it('for the end of one page has the others unmapped', () => {
    const view = viewed({
      ...host,
      unmapPage: (address, sbdf) => {
        host.unmapPage(address, sbdf);
        if (sbdf === 8) throw new Error(`no end of ${address.toString(16)}`);
      },
    });
    for (const address of [BAR + ADJACENT, BAR + 0x1800, SECOND + ADJACENT]) view.read(address, 4);
    calls.length = 0;
    view.detach();
    expect(calls).toEqual(['unmap 8 fe000000', 'unmap 8 fe001000', 'unmap 16 fe010000']);
    expect(told).toEqual(['host-error', 'no end of fe000000', 'host-error', 'no end of fe001000']);
  });
});

describe('pages', () => {
  it('of functions that have dropped theirs are unmapped by trim, but not inside an access', () => {
    const view = viewed();
    inside = () => {
      dispatcher.find(16)?.setDecode(false);
      view.trim();
      return calls.length;
    };
    view.read(SECOND + 4 + ADJACENT, 4);
    expect(view.read(BAR + ADJACENT, 4)).toBe(2);
    view.trim();
    expect(calls).toEqual(['map 16 fe010000', 'map 8 fe000000', 'unmap 16 fe010000']);
  });

  it('whose function was off and on after the entry are unmapped under its lock', () => {
    const view = viewed();
    view.read(SECOND + ADJACENT + 4, 4);
    inside = () => {
      dispatcher.find(16)?.setDecode(false);
      dispatcher.find(16)?.setDecode(true);
      return view.read(SECOND + ADJACENT + 4, 4);
    };
    expect(view.read(BAR + ADJACENT, 4)).toBe(ADJACENT + 4);
    const map = 'map 16 fe010000';
    expect(calls).toEqual([map, 'map 8 fe000000', 'unmap 16 fe010000', map]);
  });
});

it.each([1, 2, 4, 8] as const)('an access of %i bytes that memory answers gives its lock back', (width) => {
  const memory = new Uint8Array(4096);
  const view = viewed({ mapPage: () => memory });
  for (const offset of [0, 8, 1]) {
    const address = BAR + ADJACENT + offset;
    expect([view.write(address, width, 0x5a), locked(8)]).toEqual([true, false]);
    expect([view.read(address, width), view.read(address, width), locked(8)]).toEqual([0x5a, 0x5a, false]);
    memory.fill(0);
  }
});

it.each([
  ['the dispatcher', () => dispatcher],
  ['a view', viewed],
])('only the outermost access of %s passes an entry, and each sees the epoch', (_, made) => {
  dispatcher = createDispatcher({ shared: true, host });
  for (const [sbdf, address] of [
    [8, BAR],
    [16, SECOND],
  ])
    dispatcher.assign(described(sbdf, address));
  const view = made();
  const { cells } = Reflect.get(view, 'core') as OwningCore;
  const now = () => [cells[SEEN / 4], cells[ENTERED / 4]].map((at) => core().words[EPOCH / 4] - at);
  const seen: number[][] = [];
  inside = () => {
    seen.push(now());
    core().raiseEpoch();
    view.read(SECOND, 4);
    seen.push(now());
    return 5;
  };
  view.read(BAR + ADJACENT, 4);
  view.read(SECOND, 4);
  expect([...seen, now()]).toEqual([
    [0, 0],
    [0, 1],
    [0, 0],
  ]);
});

it('a lock whose holder waits for this worker is not waited for, and counted', () => {
  const view = viewed();
  const other = dispatcher.share();
  inside = () => {
    core().words[holder(16) / 4] = other.worker + 1;
    core().words[(other.block + WAITS) / 4] = core().records.of(8);
    const value = view.read(SECOND, 4);
    core().words[holder(16) / 4] = 0;
    return value;
  };
  expect(view.circles).toBe(0);
  expect(view.read(BAR + ADJACENT, 4)).toBe(0xffffffff);
  expect([view.circles, dispatcher.circles]).toEqual([1, 0]);
  expect(view.read(SECOND, 4)).toBe(0);
});

describe('a mask bit that it changes', () => {
  /** `changes` that a handler asked for before it unmasks vector 1 of the other function. */
  function unmasked(changes: number) {
    const view = viewed();
    const other = view.find(16);
    inside = () => {
      for (let count = 0; count < changes; count++) other?.writeMessageControl(0x8000);
      view.write(SECOND + 28, 4, 0);
      return 0;
    };
    view.read(BAR + ADJACENT, 4);
  }

  it('is the last of 61 changes that wait', () => {
    unmasked(60);
    expect(told).toEqual([]);
  });

  it('is reported where 61 changes wait already: the host is not told', () => {
    unmasked(61);
    expect(told).toEqual([
      'host-error',
      'vector: 61 changes wait for the end of the access, which is the most',
    ]);
    expect(dispatcher.find(16)?.vector(1).masked).toBe(false);
  });
});

it('that has detached has given its locks and its place back', () => {
  const view = viewed();
  inside = () => {
    expect(() => view.detach()).toThrow('detach: an access is under way');
    return 3;
  };
  expect(view.read(BAR + ADJACENT, 4)).toBe(3);
  const next = dispatcher.share().worker;
  view.detach();
  dispatcher.serve();
  expect(dispatcher.share().worker).toBe(next - 1);
});

it('a dispatcher whose workers have all left listens no more, and again to the next', async () => {
  const listening = () => Reflect.get(dispatcher, 'listening') as boolean;
  dispatcher.release(dispatcher.share());
  while (listening()) await new Promise(setImmediate);
  expect(listening()).toBe(false);
  const { result, terminate } = inWorker(dispatcher, 'return view.find(8).sbdf;');
  expect(listening()).toBe(true);
  expect(await result).toBe(8);
  await terminate();
});
