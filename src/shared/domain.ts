import { MAPPING, OFF, ON, STATE, TABLE_LOW, UNMAPPING } from '../../assembly/layout.js';
import { Domain } from '../domain.js';
import type { Core } from '../engine/core.js';
import { TraplineError } from '../errors.js';
import type { DecodeResult } from '../function.js';
import { SoftwareHost } from '../msix/software-host.js';
import type { DispatcherOptions } from '../options.js';
import type { FunctionBar } from '../pci/bar.js';
import type { PciFunction } from '../pci/function.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { OwningCore } from './core.js';
import { LockedPlan } from './locked-plan.js';
import { SharedPageList } from './page-list.js';
import { SharedPageMap } from './page-map.js';

/**
 * A domain whose changes of what accesses see are made under the function's lock, by the worker that made the dispatcher. The
 * host is told without it.
 */
export class SharedDomain extends Domain {
  declare readonly core: OwningCore;
  /** Changes of decoding that were asked for inside an access. */
  private readonly deferred: { readonly fn: PciFunction; readonly on: boolean }[] = [];
  private resetting = false;

  constructor(options: DispatcherOptions, core: Core) {
    super(options, core, SharedPageList, SharedPageMap);
    this.plan = new LockedPlan(this.plan, (fn, work) => this.exclusive(fn, work));
    (this.pageList as SharedPageList).isWorkers = (host) =>
      host === this.host || host instanceof SoftwareHost;
  }

  override amend(fn: PciFunction, work: () => void): void {
    super.amend(fn, () => this.exclusive(fn, work));
  }

  /**
   * Runs work that no access to the function may be in the middle of. Throws `busy` inside an access where who is in the middle
   * waits for this worker.
   */
  private exclusive<Result>(fn: PciFunction, work: () => Result): Result {
    const { core } = this;
    const record = core.records.of(fn.sbdf);
    if (core.exports.acquire(record) === 0) {
      throw new TraplineError(
        'busy',
        `function ${formatSbdf(fn.sbdf)}: the access in it waits for the one that changes it`,
      );
    }
    try {
      return work();
    } finally {
      core.publish((record + TABLE_LOW) / 4, fn.table?.start ?? 0);
      // What is being switched off has no leaf from here on.
      if (core.words[(record + STATE) / 4] === UNMAPPING) core.publish((record + STATE) / 4, OFF);
      core.exports.release(record);
    }
  }

  override failed(sbdf: Sbdf, error: unknown): void {
    this.core.noteFailure(error);
    super.failed(sbdf, error);
  }

  /** A guest's write in another worker changed a mask bit. */
  maskChanged(fn: PciFunction, vector: number): void {
    const { msixState, host } = fn;
    if (msixState && vector < msixState.layout.count)
      this.amend(fn, () => msixState.maskChanged(vector, host));
  }

  /** Inside an access it is left to the end of the outermost, and so is what is asked for after it: then it is `okay`. */
  override setDecode(fn: PciFunction, on: boolean): DecodeResult {
    const { core, deferred } = this;
    const follows = deferred.some((change) => change.fn === fn);
    if (core.underway === 0 || this.resetting || fn.switching || !(follows || (!on && fn.decoding))) {
      return this.switchDecode(fn, on);
    }
    deferred.push({ fn, on });
    return 'okay';
  }

  override switchOn(fn: PciFunction, bars: readonly FunctionBar[]): void {
    super.switchOn(fn, bars);
    const { core } = this;
    core.publish((core.records.of(fn.sbdf) + STATE) / 4, fn.decoding ? ON : OFF);
  }

  /** At once: a reset inside an access is over when the call returns. */
  override switchOff(fn: PciFunction): void {
    const { resetting } = this;
    this.resetting = true;
    try {
      super.switchOff(fn);
    } finally {
      this.resetting = resetting;
    }
  }

  /** The outermost access of this worker has ended: it has no lock. */
  accessEnded(): void {
    const { deferred } = this;
    for (let change = deferred.shift(); change; change = deferred.shift()) {
      const { fn, on } = change;
      if (this.functions.get(fn.sbdf) === fn) this.switchDecode(fn, on);
    }
  }

  private switchDecode(fn: PciFunction, on: boolean): DecodeResult {
    if (fn.switching) return super.setDecode(fn, on);
    const { core } = this;
    const state = (core.records.of(fn.sbdf) + STATE) / 4;
    if (on !== fn.decoding) core.publish(state, on ? MAPPING : UNMAPPING);
    // Accesses that begin from here on see it.
    if (fn.decoding && !on) core.raiseEpoch();
    try {
      return super.setDecode(fn, on);
    } finally {
      core.publish(state, fn.decoding ? ON : OFF);
    }
  }

  /** Workers unmap theirs at their next entry, before ids and storage of them are used again. */
  override dropPages(fn: PciFunction): void {
    this.exclusive(fn, () => this.core.raiseGeneration(this.core.records.of(fn.sbdf)));
    super.dropPages(fn);
  }

  override release(fn: PciFunction): void {
    super.release(fn);
    this.core.records.remove(fn.sbdf);
  }
}
