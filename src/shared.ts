/**
 * The dispatcher for several threads, in shared memory.
 *
 * @module trapline/shared
 */

import { TAKEN } from '../assembly/layout.js';
import { TraplineError } from './errors.js';
import type { DispatcherOptions } from './options.js';
import { AttachedDispatcher, type AttachOptions } from './shared/attached-dispatcher.js';
import { SharedDispatcher } from './shared/dispatcher.js';
import type { WorkerHandle } from './shared/handle.js';
import { releaseDead } from './shared/release.js';

export type { AttachedDispatcher, AttachOptions } from './shared/attached-dispatcher.js';
export type { AttachedFunction } from './shared/attached-function.js';
export type { SharedDispatcher } from './shared/dispatcher.js';
export type { WorkerHandle } from './shared/handle.js';

/** What a dispatcher in shared memory is made with. */
export interface SharedOptions extends Omit<DispatcherOptions, 'shared'> {
  /** False: `createDispatcher` of `trapline`. */
  readonly shared: true;
  /** `trapline/shared.wasm`, compiled, where the inlined copy must not be compiled. */
  readonly module?: WebAssembly.Module;
}

/**
 * A dispatcher in shared memory, for workers. Throws `no-threads` where there is no SharedArrayBuffer (a page that is not
 * isolated from other origins) and where a thread may not wait for another (a browser's main thread); the dispatcher of
 * `trapline` is for these.
 */
export function createDispatcher(options: SharedOptions): SharedDispatcher {
  mustHaveThreads('createDispatcher: shared true');
  const { shared, ...rest } = options;
  if (shared !== true)
    throw new TraplineError('bad-argument', `createDispatcher: shared ${shared} is not true`);
  return new SharedDispatcher(rest);
}

/**
 * The functions of a dispatcher that another worker made, with the handle that its `share` returned: one worker, once. In the
 * dispatcher's own worker it would wait for itself. Throws `no-threads` as `createDispatcher`, `bad-argument`.
 */
export function attach(handle: WorkerHandle, options: AttachOptions): AttachedDispatcher {
  mustHaveThreads('attach');
  if (!(handle?.memory instanceof WebAssembly.Memory)) {
    throw new TraplineError('bad-argument', 'attach: handle is not what SharedDispatcher.share returned');
  }
  if (typeof options?.host?.mapPage !== 'function') {
    throw new TraplineError('bad-argument', 'attach: host has no method mapPage');
  }
  const { memory, block } = handle;
  if (Atomics.exchange(new Int32Array(memory.buffer), (block + TAKEN) / 4, 1) === 1) {
    throw new TraplineError('bad-argument', 'attach: handle has been attached with already');
  }
  return new AttachedDispatcher(handle, options);
}

/**
 * `SharedDispatcher.release` for any thread, a browser's main thread too: frees the locks of a worker that has died at once. The rest
 * is left to the dispatcher's worker, which may be waiting for one of them.
 */
export function release(handle: WorkerHandle): void {
  releaseDead(handle);
}

function mustHaveThreads(what: string): void {
  if (typeof SharedArrayBuffer === 'undefined') {
    throw new TraplineError(
      'no-threads',
      `${what} needs SharedArrayBuffer, which a page has when it is cross-origin isolated`,
    );
  }
  if (!mayWait()) {
    throw new TraplineError(
      'no-threads',
      `${what} is for workers: a browser's main thread may not wait for a lock, and uses createDispatcher of trapline`,
    );
  }
}

/** Throws where waiting is not allowed, and else returns at once: the value is another. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
