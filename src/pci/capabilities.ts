import { hex } from '../hexadecimal.js';

/** A capability: its id and where it stands in configuration space. */
export interface Capability {
  /** Capability ID: 8 bits, of an extended one 16. */
  readonly id: number;
  /** Bytes from the start of configuration space. */
  readonly offset: number;
}

/** What `capabilities` finds. */
export interface CapabilityLists {
  /** In the order of the list. */
  readonly standard: readonly Capability[];
  /** PCI Express extended capabilities; none in 256 bytes. */
  readonly extended: readonly Capability[];
  /** Where a list loops or leaves its space: it ends there. A sentence each. */
  readonly faults: readonly string[];
}

export const POWER_MANAGEMENT = 0x01;
export const MSI = 0x05;
export const PCI_EXPRESS = 0x10;
export const MSIX = 0x11;
export const ADVANCED_ERROR_REPORTING = 0x0001;

/** Status, its capability-list bit, and the list's head (PCI 3.0 6.2.3, 6.7). */
export const STATUS = 0x06;
export const CAPABILITY_LIST = 1 << 4;
export const POINTER = 0x34;
const FIRST = 0x40;
const FIRST_EXTENDED = 0x100;

/** Walks both capability lists of a configuration space. */
export function capabilities(bytes: Uint8Array): CapabilityLists {
  const faults: string[] = [];
  const standard: Capability[] = [];
  const has = (bytes[STATUS] & CAPABILITY_LIST) !== 0;
  walk(has ? bytes[POINTER] & ~3 : 0, FIRST, 256, faults, (offset) => {
    standard.push({ id: bytes[offset], offset });
    return bytes[offset + 1] & ~3;
  });
  const extended: Capability[] = [];
  if (bytes.length > 256) {
    walk(FIRST_EXTENDED, FIRST_EXTENDED, bytes.length, faults, (offset) => {
      // PCIe 7.6.3: id in bits 15..0, version in 19..16, next in 31..20. All zero or all ones: nothing there.
      const header = bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16);
      const id = header & 0xffff;
      if (id !== 0 && id !== 0xffff) extended.push({ id, offset });
      return id === 0xffff ? 0 : ((bytes[offset + 2] >> 4) | (bytes[offset + 3] << 4)) & ~3;
    });
  }
  return { standard, extended, faults };
}

function walk(
  start: number,
  lowest: number,
  end: number,
  faults: string[],
  visit: (offset: number) => number,
): void {
  const seen = new Set<number>();
  for (let offset = start; offset !== 0; offset = visit(offset)) {
    if (offset < lowest || offset + 4 > end) {
      faults.push(`the capability list leaves [${hex(lowest)}, ${hex(end)}) at ${hex(offset)}`);
      return;
    }
    if (seen.has(offset)) {
      faults.push(`the capability list loops at ${hex(offset)}`);
      return;
    }
    seen.add(offset);
  }
}

/** A copy of a configuration space whose standard list passes over these capabilities; their headers read zero. */
export function hideCapabilities(bytes: Uint8Array, ids: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  const { standard } = capabilities(bytes);
  const shown = standard.filter(({ id }) => !ids.includes(id));
  for (const { id, offset } of standard) if (ids.includes(id)) copy.fill(0, offset, offset + 2);
  if (standard.length > 0) copy[POINTER] = shown[0]?.offset ?? 0;
  shown.forEach(({ offset }, index) => {
    copy[offset + 1] = shown[index + 1]?.offset ?? 0;
  });
  if (shown.length === 0) copy[STATUS] &= ~CAPABILITY_LIST;
  return copy;
}
