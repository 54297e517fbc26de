/** As much of a driver as makes its device send an interrupt. Registers are accessed through Trapline alone. */
export interface Driver {
  /** Which the device sends. */
  readonly vector: number;
  /** Acknowledges what was before, and has the device do something. */
  raise(): void;
  /** Whether it did that. */
  done(): boolean;
}
