import type { Policy } from '../policy.js';

/** What a worker attaches with: `postMessage` takes it. One worker, once. */
export interface WorkerHandle {
  /** The worker's number. */
  readonly worker: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Where its block is in the memory. */
  readonly block: number;
  readonly serial: number;
  readonly policy: Policy['name'];
  readonly hardware: boolean;
}
