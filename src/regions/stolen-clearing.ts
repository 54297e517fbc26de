import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { ADDRESS_LIMIT, type AddressRange, rangeFault, shown } from './address-range.js';

/** The host's stolen memory. Offsets and lengths are in bytes from its base. */
export interface StolenStore {
  /** Bytes. */
  readonly size: number;
  /** Zeroes a range. May throw; the error reaches the caller. */
  zero(offset: number, length: number): void;
}

/** Stolen memory in use by one guest. */
export interface OpenStolenMemory {
  /** Zeroes it again. Once it is done, another call does nothing; where the store threw, another call tries again. */
  release(): void;
}

/**
 * Zeroes the host's stolen memory, which no reset of the device does, and again on `release`: blocks that ignore the
 * IOMMU write there, and the next guest could read it. `keep` lists ranges, as offsets, that firmware's data is in.
 * Throws `bad-argument`.
 */
export function openStolenMemory(
  store: StolenStore | Uint8Array,
  keep: readonly AddressRange[] = [],
): OpenStolenMemory {
  const size = store instanceof Uint8Array ? store.length : store.size;
  const ranges = rangesToZero(size, keep);
  const zero = () => {
    for (const { start, end } of ranges) {
      if (store instanceof Uint8Array) store.fill(0, start, end);
      else store.zero(start, end - start);
    }
  };
  zero();
  let open = true;
  return {
    release() {
      if (!open) return;
      zero();
      open = false;
    },
  };
}

/** What is left of [0, size) without the ranges to keep, which may overlap: ascending. Throws `bad-argument`. */
function rangesToZero(size: number, keep: readonly AddressRange[]): AddressRange[] {
  const faults: string[] = [];
  if (!isInteger(size, 0, ADDRESS_LIMIT)) {
    faults.push(`openStolenMemory: size ${shown(size)} is not an integer in [0, 2^52]`);
  }
  for (const range of keep) {
    const fault = rangeFault('openStolenMemory: keep', range);
    if (fault) faults.push(fault);
    else if (range.end > size) {
      faults.push(`openStolenMemory: keep end ${shown(range.end)} is past the size ${shown(size)}`);
    }
  }
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const ranges: AddressRange[] = [];
  let start = 0;
  for (const kept of [...keep].sort((a, b) => a.start - b.start)) {
    if (kept.start > start) ranges.push({ start, end: kept.start });
    start = Math.max(start, kept.end);
  }
  if (start < size) ranges.push({ start, end: size });
  return ranges;
}
