import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HOLDER, WAITED, WAITS } from '../../assembly/layout.js';
import type { OwningCore } from '../../src/shared/core.js';
import { createDispatcher, release, type SharedDispatcher } from '../../src/shared.js';

const BAR = 0xfe000000;

let dispatcher: SharedDispatcher;
let core: OwningCore;
let words: Int32Array;
let first: number;
let second: number;
const running: Worker[] = [];

beforeEach(() => {
  dispatcher = createDispatcher({ shared: true, host: { mapPage: () => null } });
  for (const slot of [1, 2]) {
    dispatcher.assign({
      sbdf: 8 * slot,
      bars: [{ index: 0, type: 'mem32', address: BAR * slot, size: 0x1000 }],
    });
  }
  core = Reflect.get(dispatcher, 'core') as OwningCore;
  words = new Int32Array(core.memory.buffer);
  [first, second] = [core.records.of(8), core.records.of(16)];
});

afterEach(async () => {
  for (const worker of running.splice(0)) await worker.terminate();
});

const set = (record: number, holder: number) => Atomics.store(words, (record + HOLDER) / 4, holder);
const holder = (record: number) => Atomics.load(words, (record + HOLDER) / 4);
const soon = () => new Promise((resolve) => setTimeout(resolve, 1));

/** Another thread with an instance on the same memory; resolves to what the job returns. */
function inThread(job: string): { readonly result: Promise<unknown>; readonly block: number } {
  const { worker: number, block } = dispatcher.share();
  const worker = new Worker(
    `const { parentPort, workerData: { module, memory, number, block, first, second } } = require('node:worker_threads');
    const none = () => -1;
    const host = { complete_read: none, complete_write: none, unclaimed_read: none, unclaimed_write: none,
      forwarded_read4: none, forwarded_write4: none, drop_stale: none, pass_entry: none };
    const { exports: { attach, acquire, release } } = new WebAssembly.Instance(module, { env: { memory }, host });
    attach(number, block);
    parentPort.postMessage((() => { ${job} })());`,
    { eval: true, workerData: { module: core.module, memory: core.memory, number, block, first, second } },
  );
  running.push(worker);
  return {
    result: new Promise((resolve, reject) => worker.on('error', reject).on('message', resolve)),
    block,
  };
}

/** It sleeps at a lock, or is about to. */
async function sleeps(block: number): Promise<void> {
  while (Atomics.load(words, (block + WAITS) / 4) === 0) await soon();
  for (let turn = 0; turn < 20; turn++) await soon();
}

it('who was woken and gives up wakes the next', async () => {
  const other = dispatcher.share();
  set(first, other.worker + 1);
  const givesUp = inThread(
    'acquire(second); const acquired = acquire(first); release(second); return acquired;',
  );
  await sleeps(givesUp.block);
  const next = inThread('const acquired = acquire(first); release(first); return acquired;');
  await sleeps(next.block);
  // Another takes the lock that was freed, and waits for what the first sleeper has.
  Atomics.store(words, (other.block + WAITS) / 4, second);
  set(first, other.worker + 1);
  Atomics.notify(words, (first + HOLDER) / 4, 1);
  expect(await givesUp.result).toBe(0);
  Atomics.store(words, (other.block + WAITS) / 4, 0);
  while ((holder(first) & WAITED) === 0) await soon();
  set(first, 0);
  Atomics.notify(words, (first + HOLDER) / 4, 1);
  expect(await next.result).toBe(1);
});

it('who waits for a lock that the dead had freed is woken', async () => {
  const dead = dispatcher.share();
  set(first, dead.worker + 1);
  const waiting = inThread('const acquired = acquire(first); release(first); return acquired;');
  await sleeps(waiting.block);
  set(first, 0);
  release(dead);
  expect(await waiting.result).toBe(1);
});

it('two threads that release a worker leave the next one in its place alone', () => {
  const dead = dispatcher.share();
  set(first, dead.worker + 1);
  let holds = 0;
  const store = Atomics.store;
  vi.spyOn(Atomics, 'store').mockImplementationOnce((...args: Parameters<typeof store>) => {
    dispatcher.release(dead);
    holds = dispatcher.share().worker + 1;
    set(second, holds);
    return store(...args);
  });
  release(dead);
  vi.restoreAllMocks();
  expect(holder(first)).toBe(0);
  expect(holder(second)).toBe(holds);
});
