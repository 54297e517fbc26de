import type { Core } from '../engine/core.js';
import type { MsixLayout } from '../function.js';
import type { Host, Vector } from '../host.js';
import { FUNCTION_MASK, MESSAGE_CONTROL, MSIX_ENABLE } from '../pci/msix-capability.js';
import type { Policy } from '../policy.js';
import type { Sbdf } from '../sbdf.js';
import { Vectors } from './vectors.js';

/** What a snapshot keeps of a function's MSI-X. */
export interface MsixState {
  /** Message Control. */
  readonly control: number;
  /** One for each vector, in order. */
  readonly entries: readonly Omit<Vector, 'index'>[];
}

/** MSI-X of one function: Message Control and what it and the mask bits do to the vectors. */
export class Msix {
  readonly layout: MsixLayout;
  readonly vectors: Vectors;
  enabled = false;
  functionMask = false;
  protected readonly sbdf: Sbdf;

  constructor(core: Core, sbdf: Sbdf, layout: MsixLayout, swapped: boolean) {
    this.sbdf = sbdf;
    this.layout = layout;
    this.vectors = new Vectors(core, layout.count, swapped);
  }

  get control(): number {
    return (
      (this.layout.count - 1) | (this.enabled ? MSIX_ENABLE : 0) | (this.functionMask ? FUNCTION_MASK : 0)
    );
  }

  /**
   * A write of Message Control. When the host throws on the way, the register keeps its value; when a callback deassigns
   * the function, what is left to do is left.
   */
  writeControl(value: number, host: Host, policy: Policy, hardware: boolean): void {
    const enabled = (value & MSIX_ENABLE) !== 0;
    const functionMask = (value & FUNCTION_MASK) !== 0;
    if (enabled === this.enabled && functionMask === this.functionMask) return;

    const { vectors } = this;
    if (enabled && !functionMask && (!this.enabled || this.functionMask)) {
      for (let index = 0; index < vectors.count && !vectors.released; index++) {
        if (!vectors.masked(index) && vectors.isUpdated(index)) this.rearm(index, host);
      }
    } else if (!enabled && this.enabled) {
      // Updated again, so that mask, disable, enable, unmask arms the vector.
      for (let index = 0; index < vectors.count && !vectors.released; index++) {
        if (this.disarm(index, host)) vectors.setUpdated(index, true);
      }
    }
    if (!vectors.released) this.setControl(value, host, policy, hardware);
  }

  /** The register itself, without what follows for the vectors. */
  private setControl(value: number, host: Host, policy: Policy, hardware: boolean): void {
    const before = this.control;
    const enabled = (value & MSIX_ENABLE) !== 0;
    if (policy.intx === 'disabled' && !hardware && enabled && !this.enabled) host.disableIntx?.(this.sbdf);
    this.enabled = enabled;
    this.functionMask = (value & FUNCTION_MASK) !== 0;
    try {
      host.writeConfig?.(this.sbdf, (this.layout.capability as number) + MESSAGE_CONTROL, this.control);
    } catch (error) {
      this.enabled = (before & MSIX_ENABLE) !== 0;
      this.functionMask = (before & FUNCTION_MASK) !== 0;
      throw error;
    }
  }

  /** Off, and every entry as at first. */
  reset(host: Host, policy: Policy, hardware: boolean): void {
    this.writeControl(0, host, policy, hardware);
    this.vectors.reset();
  }

  save(): MsixState {
    const { vectors } = this;
    const entries = Array.from({ length: vectors.count }, (_, vector) => {
      const { index, ...entry } = vectors.get(vector);
      return entry;
    });
    return { control: this.control, entries };
  }

  /** Of a function that was reset. The host arms what was armed, with the message that the entry has now. */
  restore({ control, entries }: MsixState, host: Host, policy: Policy, hardware: boolean): void {
    const { vectors } = this;
    for (const [index, entry] of entries.entries()) {
      if (vectors.released) return;
      vectors.set(index, entry);
      if (!entry.armed) continue;
      host.armVector?.(this.sbdf, vectors.get(index));
      vectors.setArmed(index, true);
    }
    if (control !== this.control && !vectors.released) this.setControl(control, host, policy, hardware);
  }

  /** The guest changed a vector's mask bit. */
  maskChanged(index: number, host: Host): void {
    const { vectors } = this;
    const live = this.enabled && !this.functionMask;
    if (!vectors.masked(index) && live && vectors.isUpdated(index)) this.rearm(index, host);
    else host.maskVector?.(this.sbdf, vectors.get(index));
  }

  private rearm(index: number, host: Host): void {
    this.disarm(index, host);
    host.armVector?.(this.sbdf, this.vectors.get(index));
    this.vectors.setArmed(index, true);
    this.vectors.setUpdated(index, false);
  }

  /** True: it was armed. */
  private disarm(index: number, host: Host): boolean {
    const { vectors } = this;
    const armed = vectors.armed(index);
    host.disarmVector?.(this.sbdf, vectors.get(index));
    vectors.setArmed(index, false);
    return armed;
  }
}
