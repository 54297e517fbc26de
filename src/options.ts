import type { Diagnostic, DiagnosticLimit } from './diagnostics.js';
import type { Host } from './host.js';
import type { Policy } from './policy.js';
import type { SharedMachine } from './shared-machine.js';

/** What a dispatcher is made with. */
export interface DispatcherOptions {
  /** All hardware, and the guest's memory map. */
  readonly host: Host;
  /** `hardware`: guest and host addresses are equal and its BAR writes move the physical BARs. Default: `guest`. */
  readonly domain?: 'hardware' | 'guest';
  /** Default: `policies.strict`. */
  readonly policy?: Policy;
  /**
   * Nothing maps directly: every page of the enabled BARs traps, as a host needs that cannot map guest pages (policy
   * strict). 16 bytes of linear memory a page.
   */
  readonly trapAll?: boolean;
  /** Gets what happens, as far as `diagnosticLimit` lets it through. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Default: 10 of a code and function in 1000 ms. */
  readonly diagnosticLimit?: DiagnosticLimit;
  /** Gets what a host callback threw. */
  readonly onError?: (error: unknown) => void;
  /**
   * The physical machine that other dispatchers have functions of too: an `Inventory` of `trapline/audit`. Pages with bytes
   * of functions that this one does not have are trapped, not mapped (policy strict).
   */
  readonly inventory?: SharedMachine;
  /** Bytes of linear memory at most, for page map, tables and rings. Default: 256 MiB. */
  readonly memoryLimit?: number;
  /** True: `createDispatcher` of `trapline/shared`. */
  readonly shared?: false;
  /** `trapline/core.wasm`, compiled, where the inlined copy must not be compiled. */
  readonly module?: WebAssembly.Module;
}
