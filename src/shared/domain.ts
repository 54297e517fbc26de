import { GENERATION, MAPPING, MESSAGE_CONTROL, OFF, ON, STATE, UNMAPPING } from '../../assembly/layout.js';
import { Domain } from '../domain.js';
import type { Core } from '../engine/core.js';
import type { DecodeResult } from '../function.js';
import type { DispatcherOptions } from '../options.js';
import type { FunctionBar } from '../pci/bar.js';
import type { PciFunction } from '../pci/function.js';
import type { SharedCore } from './core.js';
import { LockedPlan } from './locked-plan.js';
import { SharedOwnPages } from './own-pages.js';
import { SharedPageMap } from './page-map.js';

/**
 * A domain whose changes of what accesses see are made under the function's lock. The host is told without it.
 */
export class SharedDomain extends Domain {
  declare readonly core: SharedCore;
  /** Changes of decoding that were asked for inside an access. */
  private readonly deferred: { readonly fn: PciFunction; readonly on: boolean }[] = [];
  private resetting = false;

  constructor(options: DispatcherOptions, core: Core) {
    super(options, core, SharedOwnPages, SharedPageMap);
    this.plan = new LockedPlan(this.plan, (fn, work) => this.exclusive(fn, work));
  }

  override amend(fn: PciFunction, work: () => void): void {
    super.amend(fn, () => this.exclusive(fn, work));
  }

  /** Runs work that no access to the function may be in the middle of. */
  private exclusive(fn: PciFunction, work: () => void): void {
    const { core } = this;
    const record = core.records.of(fn.sbdf);
    // The work may remove the function.
    core.changing++;
    core.exports.acquire(record);
    try {
      work();
    } finally {
      core.publish((record + MESSAGE_CONTROL) / 4, fn.messageControl);
      // What is being switched off has no leaf from here on.
      if (core.words[(record + STATE) / 4] === UNMAPPING) core.publish((record + STATE) / 4, OFF);
      core.exports.release(record);
      core.changing--;
    }
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
    core.changing++;
    try {
      return super.setDecode(fn, on);
    } finally {
      core.publish(state, fn.decoding ? ON : OFF);
      core.changing--;
    }
  }

  override dropPages(fn: PciFunction): void {
    this.exclusive(fn, () => {
      const word = (this.core.records.of(fn.sbdf) + GENERATION) / 4;
      Atomics.add(this.core.words, word, 1);
    });
    super.dropPages(fn);
  }

  override release(fn: PciFunction): void {
    super.release(fn);
    this.core.records.remove(fn.sbdf);
  }
}
