import type { Policy } from '../policy.js';

/** What a worker attaches with: `postMessage` takes it. One worker, once. */
export interface WorkerHandle {
  /** The worker's number. */
  readonly worker: number;
  /** The core, compiled. */
  readonly module: WebAssembly.Module;
  /** Shared with all workers. */
  readonly memory: WebAssembly.Memory;
  /** Where its block is in the memory. */
  readonly block: number;
  /** Tells it from a handle of the same place before. */
  readonly serial: number;
  /** The dispatcher's, by name. */
  readonly policy: Policy['name'];
  /** The dispatcher's domain is `hardware`. */
  readonly hardware: boolean;
}
