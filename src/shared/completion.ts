import { DEPTH, HELD } from '../../assembly/layout.js';
import type { Width } from '../access.js';
import { type AccessDomain, Completion } from '../completion.js';
import type { SharedCore } from './core.js';

/** What of a domain the accesses of one worker need. */
export interface SharedAccessDomain extends AccessDomain {
  readonly core: SharedCore;
  /** The outermost access of this worker has ended: it has no lock. */
  accessEnded(): void;
}

/** Finishes accesses whose function's lock the core left held, and releases it, whatever happens meanwhile. */
export class SharedCompletion extends Completion {
  declare readonly domain: SharedAccessDomain;

  override read(outcome: number, low: number, high: number, width: Width): number {
    const { core } = this.domain;
    const { underway } = core;
    const held = core.cells[HELD / 4];
    const depth = core.word(held + DEPTH);
    core.underway = underway + 1;
    try {
      return super.read(outcome, low, high, width);
    } finally {
      this.end(held, depth, underway);
    }
  }

  override write(
    outcome: number,
    low: number,
    high: number,
    width: Width,
    data: number,
    dataHigh: number,
  ): void {
    const { core } = this.domain;
    const { underway } = core;
    const held = core.cells[HELD / 4];
    const depth = core.word(held + DEPTH);
    core.underway = underway + 1;
    try {
      super.write(outcome, low, high, width, data, dataHigh);
    } finally {
      this.end(held, depth, underway);
    }
  }

  /** `depth`: as it was when the access had the lock, which accesses that it made and that failed may have left higher. */
  private end(held: number, depth: number, underway: number): void {
    const { domain } = this;
    const { core } = domain;
    if (held !== 0) {
      core.words[(held + DEPTH) / 4] = depth;
      core.exports.release(held);
    }
    core.underway = underway;
    if (underway > 0) return;
    if (core.exhausted) core.freeLocks();
    domain.accessEnded();
  }
}
