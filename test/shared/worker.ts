import { Worker } from 'node:worker_threads';
import type { SharedDispatcher } from '../../src/shared/dispatcher.js';
import type { WorkerHandle } from '../../src/shared/handle.js';

/** Another thread with the built package, attached to a dispatcher. */
export interface Attached {
  readonly handle: WorkerHandle;
  /** What the job returns, or its error. */
  readonly result: Promise<unknown>;
  /** Words that both sides have; 0 at first. */
  readonly flags: Int32Array;
  /** Waits, letting the dispatcher serve, until a word has a value. */
  until(index: number, value: number): Promise<void>;
  /** Sets a word, and wakes who waits for it. */
  say(index: number, value: number): void;
  terminate(): Promise<number>;
}

/**
 * Runs a job, the body of an async function, in a worker. It has `view`, `mapped` (calls of its host), `pages` (a page by its
 * address, if not memory that is filled with 7), `shared` (the entry), `say` and `until`.
 */
export function inWorker(dispatcher: SharedDispatcher, job: string): Attached {
  const handle = dispatcher.share();
  const flags = new Int32Array(new SharedArrayBuffer(64));
  const worker = new Worker(
    `const { parentPort, workerData: { handle, flags } } = require('node:worker_threads');
    const say = (index, value) => { Atomics.store(flags, index, value); Atomics.notify(flags, index); };
    const until = (index, value) => { for (let now; (now = Atomics.load(flags, index)) !== value; ) Atomics.wait(flags, index, now); };
    const mapped = [], pages = {}, told = [], errors = [];
    const host = {
      mapPage(address, sbdf) { mapped.push('map ' + sbdf + ' ' + address.toString(16)); return address in pages ? pages[address] : new Uint8Array(4096).fill(7); },
      unmapPage(address, sbdf) { mapped.push('unmap ' + sbdf + ' ' + address.toString(16)); },
    };
    (async () => {
      const shared = await import('trapline/shared');
      const view = shared.attach(handle, { host, diagnosticLimit: 'none', onDiagnostic: ({ code }) => told.push(code), onError: (error) => errors.push(error.message) });
      ${job}
    })().then((result) => parentPort.postMessage({ result }), ({ message, code }) => parentPort.postMessage({ message, code }));`,
    { eval: true, workerData: { handle, flags } },
  );
  const result = new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message) => {
      if ('result' in message) resolve(message.result);
      else reject(Object.assign(new Error(message.message), { code: message.code }));
    });
  });
  result.catch(() => {});
  return {
    handle,
    result,
    flags,
    async until(index, value) {
      while (Atomics.load(flags, index) !== value) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    say(index, value) {
      Atomics.store(flags, index, value);
      Atomics.notify(flags, index);
    },
    terminate: () => worker.terminate(),
  };
}
