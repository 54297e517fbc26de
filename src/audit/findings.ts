import type { Machine } from '../inventory/machine.js';
import type { Finding } from './finding.js';
import { sharedLines } from './findings/interrupt-lines.js';
import { msix } from './findings/msix.js';
import { unaligned, unnatural, unplaced } from './findings/placement.js';
import {
  sharedByOne,
  sharedBySeveral,
  sharedInLargerPages,
  sharedWithOthers,
} from './findings/shared-pages.js';
import { type MemoryMap, memoryMap } from './memory-map.js';

/** By code. */
const CHECKS: readonly ((map: MemoryMap) => Finding[])[] = [
  unaligned,
  sharedByOne,
  sharedBySeveral,
  msix,
  unnatural,
  sharedWithOthers,
  sharedLines,
  unplaced,
  sharedInLargerPages,
];

const known = new WeakMap<MemoryMap, readonly Finding[]>();

/** What makes passing functions of a machine through unsafe or slow, by code and address. `pageSize` in bytes. */
export function findings(machine: Machine, pageSize: number): readonly Finding[] {
  const map = memoryMap(machine, pageSize);
  const found = known.get(map) ?? CHECKS.flatMap((check) => check(map));
  known.set(map, found);
  return found;
}
