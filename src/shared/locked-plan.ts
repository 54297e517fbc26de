import type { PagePlan } from '../page-plan.js';
import type { FunctionBar } from '../pci/bar.js';
import type { PciFunction } from '../pci/function.js';

/**
 * A page plan that changes leaves under the lock of the function whose BARs they are, all of one function. Other functions' accesses
 * to the same page go on: they have the old leaf, and the same bytes of it.
 */
export class LockedPlan implements PagePlan {
  private readonly plan: PagePlan;
  private readonly exclusive: (fn: PciFunction, work: () => void) => void;

  constructor(plan: PagePlan, exclusive: (fn: PciFunction, work: () => void) => void) {
    this.plan = plan;
    this.exclusive = exclusive;
  }

  sharedPages(bars: readonly FunctionBar[]): number[] {
    return this.plan.sharedPages(bars);
  }

  trapsForOthers(page: number, bar: FunctionBar): boolean {
    return this.plan.trapsForOthers(page, bar);
  }

  traps(page: number): boolean {
    return this.plan.traps(page);
  }

  claim(bars: readonly FunctionBar[]): void {
    this.plan.claim(bars);
  }

  show(bars: readonly FunctionBar[]): void {
    this.locked(bars, () => this.plan.show(bars));
  }

  release(bars: readonly FunctionBar[]): void {
    this.locked(bars, () => this.plan.release(bars));
  }

  refresh(bars: readonly FunctionBar[]): void {
    this.locked(bars, () => this.plan.refresh(bars));
  }

  private locked([first]: readonly FunctionBar[], work: () => void): void {
    if (first) this.exclusive(first.fn, work);
  }
}
