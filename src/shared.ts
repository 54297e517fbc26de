import { TraplineError } from './errors.js';
import type { DispatcherOptions } from './options.js';
import { SharedDispatcher } from './shared/dispatcher.js';

export type { SharedDispatcher } from './shared/dispatcher.js';

export interface SharedOptions extends Omit<DispatcherOptions, 'shared'> {
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
  if (typeof SharedArrayBuffer === 'undefined') {
    throw new TraplineError(
      'no-threads',
      'createDispatcher: shared true needs SharedArrayBuffer, which a page has when it is cross-origin isolated',
    );
  }
  if (!mayWait()) {
    throw new TraplineError(
      'no-threads',
      "createDispatcher: shared true is for workers: a browser's main thread may not wait for a lock",
    );
  }
  const { shared, ...rest } = options;
  if (shared !== true)
    throw new TraplineError('bad-argument', `createDispatcher: shared ${shared} is not true`);
  return new SharedDispatcher(rest);
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
