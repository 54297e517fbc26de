import type { Width } from './access.js';
import type { Diagnostic, DiagnosticLimit } from './diagnostics.js';
import type { FunctionDescription, TrappedFunction } from './function.js';
import type { Host } from './host.js';
import type { Policy } from './policy.js';
import type { Sbdf } from './sbdf.js';

export interface DispatcherOptions {
  readonly host: Host;
  /** `hardware`: guest and host addresses are equal and its BAR writes move the physical BARs. Default: `guest`. */
  readonly domain?: 'hardware' | 'guest';
  /** Default: `policies.strict`. */
  readonly policy?: Policy;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Default: 10 of a code and function in 1000 ms. */
  readonly diagnosticLimit?: DiagnosticLimit;
  /** Gets what a host callback threw. */
  readonly onError?: (error: unknown) => void;
}

/** Answers one domain's trapped accesses. */
export interface Trap {
  /** High lane of the last 8-byte read, unsigned. */
  readonly high: number;
  assign(description: FunctionDescription): TrappedFunction;
  deassign(sbdf: string | Sbdf): void;
  /** The value, for width 8 its low lane, unsigned; or `UNCLAIMED`. */
  read(address: number, width: Width): number;
  /** `low` and `high` are 32-bit lanes. False: no function claims the address. */
  write(address: number, width: Width, low: number, high?: number): boolean;
}
