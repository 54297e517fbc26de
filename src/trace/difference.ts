import type { Width } from '../access.js';
import { MSIX_ENTRY, VECTOR_CONTROL } from '../msix-layout.js';
import type { Policy } from '../policy.js';
import type { Sbdf } from '../sbdf.js';
import { KINDS, type Kind } from './function-counts.js';
import { NOBODY } from './page-owners.js';

/**
 * Why a read's answer differs from the recorded value.
 *
 * - `width`: bytes that the policy does not let this width or alignment read (of table and PBA, or past the end of a
 *   BAR) are ones; every other byte of the access is as recorded.
 * - `reset`: after something that may have reset the function (see `mayHaveReset`), the recorded value of table bytes
 *   that were not written since is that of a reset.
 * - `unexplained`: anything else.
 */
export const REASONS = ['width', 'reset', 'unexplained'] as const;
export type Reason = (typeof REASONS)[number];

export interface Difference {
  readonly line: number;
  readonly sbdf: Sbdf;
  readonly kind: Kind;
  readonly address: number;
  readonly width: Width;
  readonly recorded: bigint;
  /** Undefined: the dispatcher did not claim the access. */
  readonly answered: bigint | undefined;
  readonly reason: Reason;
}

/** A read, with its recorded value and the dispatcher's answer. */
export interface AnsweredRead {
  readonly address: number;
  readonly width: Width;
  readonly recorded: bigint;
  readonly answered: bigint;
}

const TABLE = KINDS.indexOf('table');
const PBA = KINDS.indexOf('pba');

/** Some of its bytes the policy does not let this read have, and they are all that differ. `kindOf`: of a byte. */
export function isRefused(read: AnsweredRead, policy: Policy, kindOf: (address: number) => number): boolean {
  const { address, width, recorded, answered } = read;
  const aligned = address % width === 0;
  let refused = false;
  for (let index = 0; index < width; index++) {
    const widths = readableWidths(kindOf(address + index), policy);
    // All four mean that an unaligned access is split.
    const allowed = (widths & width) !== 0 && (aligned || widths === 15);
    if (!allowed) refused = true;
    const got = byteOf(answered, index);
    if (got === byteOf(recorded, index)) continue;
    // Policies that drop an access which crosses owners answer all of it with ones.
    if (got !== 0xffn || (allowed && policy.crossing !== 'drop')) return false;
  }
  return refused;
}

/** Bit set of the widths with which bytes of a kind may be read. */
function readableWidths(kind: number, policy: Policy): number {
  if (kind === TABLE) return 4 | 8;
  if (kind === PBA) return policy.pbaWidths;
  // An unaligned access ran past the end of a BAR.
  return kind === NOBODY ? 0 : 1 | 2 | 4 | 8;
}

/**
 * Every dword that differs is as a reset leaves it (PCIe 6.1.4.2: masked; the rest is 0 in practice) and was not
 * written since. `start`: address of the table. `written`: offsets in it of the dwords written.
 */
export function isAfterReset(
  read: AnsweredRead,
  start: number,
  written: ReadonlyMap<number, number>,
): boolean {
  for (let index = 0; index < read.width; index += 4) {
    const offset = read.address + index - start;
    const value = dwordOf(read.recorded, index);
    if (value === dwordOf(read.answered, index)) continue;
    if (written.has(offset) || value !== (offset % MSIX_ENTRY === VECTOR_CONTROL ? 1n : 0n)) return false;
  }
  return true;
}

export const byteOf = (value: bigint, index: number): bigint => (value >> BigInt(8 * index)) & 0xffn;

const dwordOf = (value: bigint, index: number): bigint => (value >> BigInt(8 * index)) & 0xffffffffn;
