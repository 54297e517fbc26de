import type { Width } from '../access.js';

/** Takes the accesses of a trace in their order. */
export interface AccessSink {
  /** `low` and `high` are the value that was read or written, `seconds` the trace's own clock. */
  access(write: boolean, width: Width, address: number, low: number, high: number, seconds: number): void;
}

/** The value has no bits beyond the width. */
export function fits(width: Width, low: number, high: number): boolean {
  if (width === 8) return true;
  return high === 0 && (width === 4 || low < (width === 1 ? 0x100 : 0x10000));
}
