import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { ENTERED, EPOCH, HOLDER, STATUS, UNCLAIMED_ACCESS, WAITED } from '../../assembly/layout.js';
import { UNCLAIMED } from '../../src/access.js';
import type { OwningCore } from '../../src/shared/core.js';
import { createDispatcher } from '../../src/shared.js';
import { described } from './described.js';

const BAR = 0xfe000000;

/** A function and, as worker 1, another thread with an instance of its own on the same memory. */
function twoWorkers(job: string) {
  const dispatcher = createDispatcher({
    shared: true,
    host: { mapPage: () => new Uint8Array(4096).fill(7) },
  });
  const fn = dispatcher.assign(described(8, BAR));
  const core = Reflect.get(dispatcher, 'core') as OwningCore;
  const record = core.records.of(8);
  const { worker: number, block: cells } = dispatcher.share();
  /** turn, counter, answer */
  const flags = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
    const { module, memory, cells, record, flags } = workerData;
    const none = () => -1;
    const host = { complete_read: none, complete_write: none, unclaimed_read: none, unclaimed_write: none,
      forwarded_read4: none, forwarded_write4: none,
      drop_stale: none, pass_entry: () => Atomics.store(new Uint32Array(memory.buffer), (cells + ${ENTERED}) / 4,
        Atomics.load(new Uint32Array(memory.buffer), ${EPOCH} / 4)) };
    const { exports } = new WebAssembly.Instance(module, { env: { memory }, host });
    exports.attach(${number}, cells);
    const say = (value) => { Atomics.store(flags, 0, value); Atomics.notify(flags, 0); };
    const await_ = (value) => { for (let now; (now = Atomics.load(flags, 0)) !== value; ) Atomics.wait(flags, 0, now); };
    ${job}`,
    { eval: true, workerData: { module: core.module, memory: core.memory, cells, record, flags } },
  );
  const ended = new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
  const say = (value: number) => {
    Atomics.store(flags, 0, value);
    Atomics.notify(flags, 0);
  };
  const until = (value: number) => {
    for (let now = Atomics.load(flags, 0); now !== value; now = Atomics.load(flags, 0)) {
      Atomics.wait(flags, 0, now);
    }
  };
  const lock = () => Atomics.load(core.words, (record + HOLDER) / 4);
  return { dispatcher, fn, core, record, cells, flags, ended, say, until, lock };
}

it('is held by one worker at a time', async () => {
  const COUNT = 200_000;
  const { core, record, flags, ended, say, until, lock } = twoWorkers(`
    say(1); await_(2);
    for (let turn = 0; turn < ${COUNT}; turn++) { exports.acquire(record); flags[1]++; exports.release(record); }`);
  until(1);
  say(2);
  for (let turn = 0; turn < COUNT; turn++) {
    core.exports.acquire(record);
    flags[1]++;
    core.exports.release(record);
  }
  await ended;
  expect(flags[1]).toBe(2 * COUNT);
  expect(lock()).toBe(0);
});

it('is waited for by an access until its holder releases it', async () => {
  const { dispatcher, flags, ended, until, lock } = twoWorkers(`
    exports.acquire(record); say(1);
    for (const end = Date.now() + 50; Date.now() < end; );
    flags[1] = 1;
    exports.release(record);`);
  until(1);
  expect(dispatcher.read(BAR, 4)).toBe(0);
  expect(flags[1]).toBe(1);
  await ended;
  expect(lock()).toBe(0);
});

it('is handed on to one who sleeps', async () => {
  const { core, record, flags, ended, until, lock } = twoWorkers(`
    say(1);
    exports.acquire(record); flags[1] = 1; exports.release(record);`);
  core.exports.acquire(record);
  until(1);
  while ((lock() & WAITED) === 0);
  expect(flags[1]).toBe(0);
  core.exports.release(record);
  await ended;
  expect(flags[1]).toBe(1);
  expect(lock()).toBe(0);
});

it('is taken again by its holder, and free when it was given back as often', async () => {
  const { core, record, lock, ended } = twoWorkers('');
  for (let depth = 0; depth < 3; depth++) core.exports.acquire(record);
  for (let depth = 0; depth < 2; depth++) {
    core.exports.release(record);
    expect(lock()).toBe(1);
  }
  core.exports.release(record);
  expect(lock()).toBe(0);
  await ended;
});

it('shows who waited for it a page that is there no more', async () => {
  const { fn, core, record, cells, flags, ended, until, lock } = twoWorkers(`
    say(1);
    flags[2] = exports.read4(${BAR});`);
  core.exports.acquire(record);
  until(1);
  while ((lock() & WAITED) === 0);
  fn.setDecode(false);
  core.exports.release(record);
  await ended;
  expect(flags[2]).toBe(-1);
  expect(core.words[(cells + STATUS) / 4]).toBe(UNCLAIMED_ACCESS);
  expect(lock()).toBe(0);
});

it('shows who waited for it another page at the address', async () => {
  const { dispatcher, fn, core, record, flags, ended, until, lock } = twoWorkers(`
    say(1);
    flags[2] = exports.read4(${BAR});`);
  core.exports.acquire(record);
  until(1);
  while ((lock() & WAITED) === 0);
  fn.setDecode(false);
  fn.moveBar(0, BAR + 0x10000);
  const other = dispatcher.assign(described(16, BAR));
  expect(dispatcher.write(BAR, 4, 0xfee00000)).toBe(true);
  expect(other.vector(0).addressLow).toBe(0xfee00000);
  core.exports.release(record);
  await ended;
  expect(flags[2] >>> 0).toBe(0xfee00000);
  expect(lock()).toBe(0);
});

it('each worker has cells of its own', async () => {
  const { dispatcher, core, cells, ended } = twoWorkers(`exports.read4(0);`);
  await ended;
  expect(core.words[(cells + STATUS) / 4]).toBe(UNCLAIMED_ACCESS);
  expect(core.cells[STATUS / 4]).toBe(0);
  expect(dispatcher.read(0, 4)).toBe(UNCLAIMED);
});

it.each([
  ['a table', 0],
  ['a page', 0x800],
])('whose holder waits for this worker is not waited for: %s of it reads ones', async (_, offset) => {
  const { dispatcher, core, record, flags, ended, until, lock } = twoWorkers(`
    await_(1);
    exports.acquire(flags[3]); say(2);
    exports.acquire(record); flags[1] = 1; exports.release(record);
    exports.release(flags[3]);`);
  const other = dispatcher.assign(described(16, BAR + 0x10000));
  flags[3] = core.records.of(other.sbdf);
  core.exports.acquire(record);
  Atomics.store(flags, 0, 1);
  Atomics.notify(flags, 0);
  until(2);
  while ((lock() & WAITED) === 0);
  expect(dispatcher.read(BAR + 0x10000 + offset, 4)).toBe(0xffffffff);
  expect(dispatcher.read(BAR + 0x10000 + offset + 1, 4)).toBe(0xffffffff);
  expect(dispatcher.write(BAR + 0x10000 + offset, 4, 1)).toBe(true);
  expect(dispatcher.circles).toBe(3);
  expect(flags[1]).toBe(0);
  core.exports.release(record);
  await ended;
  expect(flags[1]).toBe(1);
  expect(dispatcher.read(BAR + 0x10000 + offset, 4)).toBe(offset === 0 ? 0 : 0x07070707);
  expect(lock()).toBe(0);
});
