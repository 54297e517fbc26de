import type { Audit } from '../audit/audit.js';
import type { Finding } from '../audit/finding.js';
import { edgesWithout } from '../audit/groups.js';
import type { Placement } from '../audit/placement.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';

/** Rises when a field changes its meaning or goes. */
const VERSION = 1;

/**
 * One machine's audit for other programs, one line of JSON when printed: addresses and sizes are numbers of bytes, ranges
 * [start, end), functions `0000:bb:dd.f`.
 */
export function auditJson(audit: Audit, host: string | null) {
  const { machine, plan } = audit;
  const vanishing = new Set(edgesWithout(audit.groups, audit.groupsAfter));
  const { alignAll } = plan;
  return {
    schema: 'trapline-audit',
    version: VERSION,
    host,
    pageSize: audit.pageSize,
    functions: machine.functions.length,
    severities: count(audit.findings),
    findings: audit.findings.map((finding) => ({ ...finding, functions: finding.functions.map(formatSbdf) })),
    groups: audit.groups.map(({ functions, edges }) => ({
      functions: functions.map(formatSbdf),
      edges: edges.map((edge) => ({
        ...edge,
        from: formatSbdf(edge.from),
        to: formatSbdf(edge.to),
        goneAfterPlan: vanishing.has(edge),
      })),
    })),
    plan: {
      ...placementJson(plan),
      option: plan.option,
      sideEffects: plan.sideEffects,
      fixed: plan.fixed,
      left: plan.left.map(short),
      groups: audit.groupsAfter.map(({ functions }) => functions.map(formatSbdf)),
      alignAll: {
        moved: alignAll.moved,
        functions: alignAll.functions,
        ...placementJson(alignAll.placement),
        left: alignAll.left.map(short),
      },
    },
    unseen: machine.unseen,
  };
}

export function count(findings: readonly Finding[]): Record<Finding['severity'], number> {
  const counts = { info: 0, warning: 0, high: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}

const short = ({ code, severity, what }: Finding) => ({ code, severity, what });

const placementJson = ({ moves, growth, unplaced, assumed }: Placement) => ({
  moves: moves.map(({ sbdf, ...move }) => ({ function: formatSbdf(sbdf), ...move })),
  growth: growth.map(({ bridge, ...rest }) => ({ bridge: formatSbdf(bridge as Sbdf), ...rest })),
  unplaced: unplaced.map(({ sbdf, index, bridge }) => ({
    function: formatSbdf(sbdf),
    index,
    bridge: bridge === undefined ? null : formatSbdf(bridge),
  })),
  assumedWindows: assumed,
});
