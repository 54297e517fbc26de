import type { Audit } from '../audit/audit.js';
import { type Finding, type FoundRange, severities } from '../audit/finding.js';
import { type Edge, edgesWithout, isBridge, type PassthroughGroup } from '../audit/groups.js';
import type { Placement, Unplaced } from '../audit/placement.js';
import type { Plan } from '../audit/plan.js';
import { rangeText } from '../audit/ranges.js';
import { barName } from '../audit/resource.js';
import { type FindingCode, rules } from '../audit/rules.js';
import { hex } from '../hexadecimal.js';
import { formatSbdf } from '../sbdf.js';
import { count } from './audit-json.js';
import { many } from './numbers.js';

/** Ranges of a finding that are printed. */
const RANGES = 12;

/** An audit for people. */
export function auditText(audit: Audit): string {
  const { machine, pageSize, findings } = audit;
  return [
    `${many(machine.functions.length, 'function')}, pages of ${pageSize / 1024} KiB: ${totals(findings)}`,
    ...findingLines(worstFirst(findings)),
    '',
    ...groupLines(audit),
    '',
    ...planLines(audit.plan),
    '',
    ...alignAllLines(audit.plan),
    ...(machine.unseen.length > 0 ? ['', 'Not seen', ...machine.unseen.map((text) => `  ${text}`)] : []),
    '',
  ].join('\n');
}

/** `2 high, 1 warning` */
export function totals(findings: readonly Finding[]): string {
  const counts = count(findings);
  const words = [...severities]
    .reverse()
    .filter((severity) => counts[severity] > 0)
    .map((severity) =>
      severity === 'warning' ? many(counts.warning, 'warning') : `${counts[severity]} ${severity}`,
    );
  return words.join(', ') || 'nothing found';
}

/** By kind, the kind with the worst finding first. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  const worst = new Map<FindingCode, number>();
  for (const { code, severity } of findings) {
    worst.set(code, Math.max(worst.get(code) ?? 0, severities.indexOf(severity)));
  }
  const rank = ({ code }: Finding) => worst.get(code) ?? 0;
  return [...findings].sort((a, b) => rank(b) - rank(a));
}

function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap((finding, index) => {
    const { code, severity, what, ranges, rule, source, remedy } = finding;
    const first = findings[index - 1]?.code !== code;
    const last = findings[index + 1]?.code !== code || findings[index + 1].remedy !== remedy;
    return [
      ...(first ? ['', `${code} ${rules[code].title}`, `  why: ${rule} (${source})`] : []),
      `  ${severity.padEnd(8)}${what}`,
      ...rangeLines(ranges),
      ...(last ? [`  do: ${remedy}`] : []),
    ];
  });
}

function rangeLines(ranges: readonly FoundRange[]): string[] {
  const lines = ranges.slice(0, RANGES).map((range) => `            ${rangeText(range)}  ${range.owner}`);
  return ranges.length > RANGES ? [...lines, `            and ${ranges.length - RANGES} more`] : lines;
}

function groupLines({ machine, groups, groupsAfter }: Audit): string[] {
  const bridges = machine.functions.filter(isBridge).length;
  const alone = groups.filter(({ functions }) => functions.length === 1);
  const gone = new Set(edgesWithout(groups, groupsAfter));
  return [
    `Groups that go to a guest together${bridges > 0 ? ` (${many(bridges, 'bridge')} left out)` : ''}`,
    ...groups.filter(({ functions }) => functions.length > 1).flatMap((group) => oneGroup(group, gone)),
    ...(alone.length > 0
      ? [`  alone: ${alone.map(({ functions }) => formatSbdf(functions[0])).join(' ')}`]
      : []),
  ];
}

function oneGroup({ functions, edges }: PassthroughGroup, gone: ReadonlySet<Edge>): string[] {
  return [
    `  ${functions.map(formatSbdf).join(' ')}`,
    ...edges.map((edge) => {
      const after = gone.has(edge) ? '; not after the plan' : '';
      return `    ${formatSbdf(edge.from)} and ${formatSbdf(edge.to)}: ${edge.detail}${after}`;
    }),
  ];
}

function planLines(plan: Plan): string[] {
  if (plan.option === '' && plan.fixed.length === 0) return ['Plan: nothing to move'];
  return [
    'Plan',
    ...placementLines(plan),
    ...plan.fixed.map((text) => `  cannot move ${text}`),
    ...(plan.option
      ? [`  boot Linux with ${plan.option}`, ...plan.sideEffects.map((text) => `    ${text}`)]
      : []),
    `  left: ${totals(plan.left)}`,
    ...plan.left
      .filter(({ severity }) => severity !== 'info')
      .map(({ code, severity, what }) => `    ${code} ${severity} ${what}`),
  ];
}

function placementLines({ moves, growth, unplaced, assumed }: Placement): string[] {
  return [
    ...moves.map((move) => `  ${barName(move)}  ${hex(move.from)} -> ${hex(move.to)}`),
    ...unplaced.map((one) => `  ${barName(one)}  ${noRoom(one)}`),
    ...growth.map(
      ({ bridge, window, by }) =>
        `  bridge ${formatSbdf(bridge)} must pass on ${by / 2 ** 20} MiB more than ${rangeText(window)}`,
    ),
    ...assumed.map((window) => `  window ${rangeText(window)} is assumed: no bridge or /proc/iomem shows it`),
  ];
}

export const noRoom = ({ bridge }: Unplaced): string =>
  bridge === undefined
    ? 'no free page in a window that it may be in'
    : `no free page until ${formatSbdf(bridge)} passes on more`;

function alignAllLines({ alignAll }: Plan): string[] {
  const { moved, functions, placement, left } = alignAll;
  const growth = placement.growth.reduce((sum, { by }) => sum + by, 0) / 2 ** 20;
  return [
    'pci=resource_alignment=all, prepared for Linux in 2024 and never merged, would have',
    moved === 0
      ? '  moved nothing'
      : `  moved ${many(moved, 'BAR')} of ${many(functions, 'function')} and left all sizes true${growth > 0 ? `, with ${growth} MiB more behind bridges` : ''}`,
    `  left: ${totals(left)}`,
  ];
}
