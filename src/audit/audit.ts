import { TraplineError } from '../errors.js';
import type { Machine } from '../inventory/machine.js';
import { type Finding, type Severity, severities } from './finding.js';
import { pageSizes } from './findings/shared-pages.js';
import { findings } from './findings.js';
import { type PassthroughGroup, passthroughGroups, type Reason } from './groups.js';
import { type Plan, plan } from './plan.js';

/** What an audit goes by. */
export interface AuditOptions {
  /** The hypervisor's, bytes: 4096 (default), 16384 or 65536. */
  readonly pageSize?: number;
  /** Reasons to keep functions together beyond IOMMU groups and shared pages. Default: none. */
  readonly together?: readonly Reason[];
}

/** What can be said of a machine whose functions are to be passed through. */
export interface Audit {
  /** The hypervisor's, bytes. */
  readonly pageSize: number;
  /** As it was given. */
  readonly machine: Machine;
  /** By code and address. */
  readonly findings: readonly Finding[];
  /** What may be passed through, as the machine is. */
  readonly groups: readonly PassthroughGroup[];
  /** How to place its BARs so that none shares a page. */
  readonly plan: Plan;
  /** The groups once the plan is carried out. */
  readonly groupsAfter: readonly PassthroughGroup[];
}

/** Audits a machine. Throws `bad-argument`. */
export function audit(machine: Machine, { pageSize = 4096, together = [] }: AuditOptions = {}): Audit {
  if (!pageSizes.some((size) => size === pageSize)) {
    throw new TraplineError('bad-argument', `audit: pageSize ${pageSize} is not 4096, 16384 or 65536`);
  }
  const planned = plan(machine, pageSize);
  return {
    pageSize,
    machine,
    findings: findings(machine, pageSize),
    groups: passthroughGroups(machine, pageSize, together),
    plan: planned,
    groupsAfter: passthroughGroups(planned.after, pageSize, together),
  };
}

/** Whether there is a finding of this severity or worse. */
export const hasFinding = ({ findings: all }: Audit, severity: Severity): boolean =>
  all.some((finding) => severities.indexOf(finding.severity) >= severities.indexOf(severity));
