import type { Machine } from '../inventory/machine.js';
import type { Finding } from './finding.js';
import { sharedLines } from './findings/interrupt-lines.js';
import { msixCompany, msixFaults } from './findings/msix.js';
import { unaligned, unnatural, unplaced } from './findings/placement.js';
import {
  sharedByOne,
  sharedBySeveral,
  sharedInLargerPages,
  sharedWithOthers,
} from './findings/shared-pages.js';
import type { Subject } from './findings/subject.js';
import { resourcesOf } from './resource.js';
import { sharedPages } from './shared-pages.js';

/** By code. */
const CHECKS: readonly ((subject: Subject) => Finding[])[] = [
  unaligned,
  sharedByOne,
  sharedBySeveral,
  msixCompany,
  msixFaults,
  unnatural,
  sharedWithOthers,
  sharedLines,
  unplaced,
  sharedInLargerPages,
];

/** What makes passing functions of a machine through unsafe or slow, by code and address. `pageSize` in bytes. */
export function findings(machine: Machine, pageSize: number): Finding[] {
  const resources = resourcesOf(machine, pageSize);
  const subject = { machine, pageSize, resources, shared: sharedPages(resources, pageSize) };
  return CHECKS.flatMap((check) => check(subject));
}
