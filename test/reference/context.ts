import type { Diagnostics } from '../../src/diagnostics.js';
import type { Host } from '../../src/host.js';
import type { Policy } from '../../src/policy.js';
import type { Sbdf } from '../../src/sbdf.js';
import type { ReferenceFunction } from './reference-function.js';

/** What every rule needs to know of the domain. */
export interface Context {
  readonly host: Host;
  readonly policy: Policy;
  /** The hardware domain: identity-mapped, moves physical BARs, may write the PBA. */
  readonly hardware: boolean;
  /** No page of a BAR maps directly. */
  readonly trapAll: boolean;
  readonly diagnostics: Diagnostics;
  /** Newest first. */
  readonly functions: ReferenceFunction[];
  readonly guard: Guard;
}

/** Runs what a guest caused; when a host callback throws, reports that and gives `otherwise`. */
export type Guard = <T>(address: number | undefined, run: () => T, otherwise: T) => T;

/** A host callback threw; no rule is carried on past it. */
export class HostFailure extends Error {
  readonly sbdf: Sbdf;

  constructor(sbdf: Sbdf, cause: unknown) {
    super('host callback threw', { cause });
    this.sbdf = sbdf;
  }
}

/** Every call of the host on behalf of a function goes through here. */
export function callHost<T>(sbdf: Sbdf, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new HostFailure(sbdf, cause);
  }
}
