/**
 * What an embedding program can do wrong. A guest can cause none of these.
 *
 * - `bad-argument`: a value has the wrong type or lies outside its range.
 * - `bad-msix-capability`: the MSI-X layout does not fit the BARs and the policy refuses that.
 * - `overlap`: BARs of two functions, or stolen memory and what else is in the machine, claim the same bytes.
 * - `shared-page`: another dispatcher of the inventory has a function on the same page.
 * - `duplicate-function`: a function with this SBDF is assigned already.
 * - `busy`: the function's decoding is being switched, by what called the host callback that asks.
 * - `unknown-function`: the function is not (or no longer) assigned to this dispatcher.
 * - `out-of-memory`: the dispatcher's linear memory is exhausted.
 * - `bad-snapshot`: what is to be restored is no snapshot, or is one of other functions.
 * - `bad-module`: the WebAssembly module is not Trapline's core.
 * - `no-threads`: shared memory is not there, or this thread may not wait for another.
 * - `unsupported-host`: the hypervisor's module does not have the functions that are needed of it.
 */
export type ErrorCode =
  | 'bad-argument'
  | 'bad-msix-capability'
  | 'overlap'
  | 'shared-page'
  | 'duplicate-function'
  | 'busy'
  | 'unknown-function'
  | 'out-of-memory'
  | 'bad-snapshot'
  | 'bad-module'
  | 'no-threads'
  | 'unsupported-host';

/** Thrown for misuse by the embedding program, never for anything that a guest does. */
export class TraplineError extends Error {
  /** Tells it from other errors where there are several copies of the class. */
  override readonly name = 'TraplineError';
  /** Stable; the sentences of `faults` are not. */
  readonly code: ErrorCode;
  /** Every fault found, a sentence each, naming function, field, value and rule. */
  readonly faults: readonly string[];

  constructor(code: ErrorCode, ...faults: string[]) {
    super(faults.join('; '));
    this.code = code;
    this.faults = faults;
  }
}
