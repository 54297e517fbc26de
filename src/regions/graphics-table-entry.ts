import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { shown } from './address-range.js';

/**
 * The low 32 bits of a graphics page table entry (GTT) that points into the host's stolen memory, as they must be for
 * stolen memory at another address; the upper 32 are 0. Bases are below 4 GiB. For guests whose stolen memory is not at
 * the host's address; a plan of `planStolenMemory` needs none of it. Throws `bad-argument`; a base of 0 is no base.
 */
export function moveTableEntry(entry: number, hostBase: number, guestBase: number): number {
  const faults = Object.entries({ entry, hostBase, guestBase }).flatMap(([field, value]) => {
    const least = field === 'entry' ? 0 : 1;
    if (isInteger(value, least, 0xffff_ffff)) return [];
    return `moveTableEntry: ${field} ${shown(value)} is not an integer in [${least}, 2^32)`;
  });
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  return (entry - hostBase + guestBase) >>> 0;
}
