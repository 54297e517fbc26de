import type { Core } from '../engine/core.js';
import { TraplineError } from '../errors.js';
import type { MsixLayout } from '../function.js';
import type { Host } from '../host.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../pci/msix-capability.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { DeviceModel, Interrupts, Raised } from './device-model.js';
import { Msix, type MsixState } from './msix.js';
import { PendingBits } from './pending-bits.js';
import { PendingPage } from './pending-page.js';

/** What a snapshot keeps of a software function's MSI-X. */
export interface SoftwareMsixState extends MsixState {
  /** The vectors that are pending, ascending. */
  readonly pending: readonly number[];
  /** Uses of each vector. */
  readonly uses: readonly number[];
}

/**
 * MSI-X of a function without hardware, under every policy as QEMU's hw/pci/msix.c has it. A vector is masked while
 * MSI-X is disabled, the function is masked or its own bit is set; raised while masked, it is pending and sent when the
 * last of the three ends. One deviation: a model is told of disabling, so that unmasked and masked alternate.
 */
export class SoftwareMsix extends Msix implements Interrupts {
  readonly pendingBits: PendingBits;
  readonly pendingPage: PendingPage;
  private readonly model: DeviceModel;
  /** Runs a callback of the model; what it throws is reported. */
  private readonly attempt: (work: () => void) => void;
  private readonly uses: Uint32Array;
  /** 1: the model knows the vector as unmasked. */
  private readonly unmasked: Uint8Array;
  private detached = false;

  constructor(
    core: Core,
    sbdf: Sbdf,
    layout: MsixLayout,
    swapped: boolean,
    model: DeviceModel,
    attempt: (work: () => void) => void,
  ) {
    super(core, sbdf, layout, swapped);
    this.model = model;
    this.attempt = attempt;
    this.pendingBits = new PendingBits(layout.count);
    this.pendingPage = new PendingPage(this.pendingBits, (from, length) => this.poll(from, length));
    this.uses = new Uint32Array(layout.count);
    this.unmasked = new Uint8Array(layout.count);
  }

  /** Ends legacy interrupts (PCI 3.0 6.8.2.3 forbids them), then sends what the new bits let through. */
  override writeControl(value: number, host: Host): void {
    const enabled = (value & MSIX_ENABLE) !== 0;
    if (enabled && !this.enabled) host.disableIntx?.(this.sbdf);
    this.enabled = enabled;
    this.functionMask = (value & FUNCTION_MASK) !== 0;
    this.settleAll();
  }

  override maskChanged(index: number): void {
    this.settle(index);
  }

  /** Off, nothing pending, every entry as at first; uses are the model's and stay. */
  override reset(): void {
    this.pendingBits.clearAll();
    this.enabled = false;
    this.functionMask = false;
    this.vectors.reset();
    this.settleAll();
  }

  raise(vector: number): Raised {
    this.mustBeAssigned('raise');
    if (!(this.uses[vector] > 0)) return 'dropped';
    if (this.masked(vector)) {
      this.pendingBits.set(vector);
      return 'pending';
    }
    this.attempt(() => this.model.send(this.message(vector), vector));
    return 'sent';
  }

  clearPending(vector: number): void {
    this.mustBeAssigned('clearPending');
    if (this.exists(vector)) this.pendingBits.clear(vector);
  }

  use(vector: number): boolean {
    this.mustBeAssigned('use');
    if (!this.exists(vector)) return false;
    this.uses[vector]++;
    return true;
  }

  unuse(vector: number): void {
    this.mustBeAssigned('unuse');
    if (!(this.uses[vector] > 0)) return;
    this.uses[vector]--;
    if (this.uses[vector] === 0) this.pendingBits.clear(vector);
  }

  useAll(): void {
    this.mustBeAssigned('useAll');
    for (let vector = 0; vector < this.uses.length; vector++) this.uses[vector]++;
  }

  unuseAll(): void {
    this.mustBeAssigned('unuseAll');
    this.uses.fill(0);
    this.pendingBits.clearAll();
  }

  pending(vector: number): boolean {
    this.mustBeAssigned('pending');
    return this.exists(vector) && this.pendingBits.has(vector);
  }

  masked(vector: number): boolean {
    this.mustBeAssigned('masked');
    return !this.enabled || this.functionMask || !this.exists(vector) || this.vectors.masked(vector);
  }

  /** The guest reads the PBA's bytes [from, from + length): their vectors are polled first. */
  private poll(from: number, length: number): void {
    const end = Math.min((from + length) * 8, this.vectors.count);
    if (from * 8 < end) this.model.poll?.(from * 8, end);
  }

  /** The entries are gone: every call is misuse. */
  detach(): void {
    this.detached = true;
  }

  override save(): SoftwareMsixState {
    const pending = [...this.uses.keys()].filter((vector) => this.pendingBits.has(vector));
    return { ...super.save(), pending, uses: [...this.uses] };
  }

  /** As if every vector had been masked before: what is pending and not masked is sent, once. */
  override restore({ control, entries, pending, uses }: SoftwareMsixState, host: Host): void {
    if (control & MSIX_ENABLE) host.disableIntx?.(this.sbdf);
    if (this.detached) return;
    this.uses.set(uses);
    for (const [index, entry] of entries.entries()) this.vectors.set(index, entry);
    for (const vector of pending) this.pendingBits.set(vector);
    this.enabled = (control & MSIX_ENABLE) !== 0;
    this.functionMask = (control & FUNCTION_MASK) !== 0;
    this.settleAll();
  }

  private settleAll(): void {
    for (let vector = 0; vector < this.uses.length; vector++) this.settle(vector);
  }

  /**
   * What follows from a change of the vector's mask, once however it came about. Callbacks may change it again: then
   * that change was settled before this one ends.
   */
  private settle(vector: number): void {
    if (this.detached) return;
    const unmasked = !this.masked(vector);
    if (unmasked === (this.unmasked[vector] === 1)) return;
    this.unmasked[vector] = unmasked ? 1 : 0;
    if (!unmasked) {
      this.attempt(() => this.model.onVectorMasked?.(vector));
      return;
    }
    this.attempt(() => this.model.onVectorUnmasked?.(vector, this.message(vector)));
    if (this.detached || !this.pendingBits.has(vector)) return;
    // Cleared before it is sent: what is raised while it is sent is not lost.
    this.pendingBits.clear(vector);
    this.raise(vector);
  }

  private message(vector: number): { addressLow: number; addressHigh: number; data: number } {
    const { addressLow, addressHigh, data } = this.vectors.get(vector);
    return { addressLow, addressHigh, data };
  }

  private exists(vector: number): boolean {
    return this.uses[vector] !== undefined;
  }

  private mustBeAssigned(method: string): void {
    if (!this.detached) return;
    throw new TraplineError(
      'unknown-function',
      `${method}: function ${formatSbdf(this.sbdf)} is not assigned any more`,
    );
  }
}
