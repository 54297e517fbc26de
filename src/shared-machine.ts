import type { Sbdf } from './sbdf.js';

/** A BAR of an assigned function with hardware behind it. */
export interface HeldBar {
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** Host-physical, bytes; 0: it was never given an address. */
  readonly hostAddress: number;
  /** Bytes. */
  readonly size: number;
  /** Pages that it does not fill trap, and only its own bytes on them are accessed. */
  readonly trapsEdges: boolean;
}

/** A function that a dispatcher wants to have. */
export interface HeldFunction {
  /** Of the physical function. */
  readonly sbdf: Sbdf;
  /** Those with memory behind them. What they say may change; `moved` tells of new host addresses. */
  readonly bars: readonly HeldBar[];
  /** As described at `assign`. */
  readonly trapOnly: boolean;
  /** As described at `assign`. */
  readonly shareUnsafe: boolean;
}

/**
 * One physical machine whose functions several dispatchers have: whose bytes are on which host pages. `Inventory` of
 * `trapline/audit` is one. `user` stands for a dispatcher.
 */
export interface SharedMachine {
  /** Gives a function to a user. Throws `shared-page` where another user's is on one of its pages and that is not safe. */
  assign(user: object, fn: HeldFunction): void;
  /** A user gives a function back. */
  deassign(user: object, sbdf: Sbdf): void;
  /** BARs of a user's function have new host addresses. */
  moved(user: object, sbdf: Sbdf): void;
  /** Whether somebody else's bytes are on the pages of one of the user's BARs. */
  isShared(user: object, sbdf: Sbdf, bar: HeldBar): boolean;
  /** Whether another user may access all of a page with bytes of one of this user's BARs, or this one of a page of theirs. */
  isExposed(user: object, sbdf: Sbdf, bar: HeldBar): boolean;
}
