import type { Sbdf } from '../../sbdf.js';
import type { Finding, FindingCode, FoundRange, Severity } from '../finding.js';
import { type ByteRange, common, rangeText } from '../ranges.js';
import { ownerOf, type Resource } from '../resource.js';
import { rules } from '../rules.js';

export const REALIGN = 'reassign the BARs as planned, or serve the page by trapping';

export function finding(
  code: FindingCode,
  severity: Severity,
  what: string,
  concerned: readonly Sbdf[],
  remedy: string,
  ranges: readonly FoundRange[] = [],
  covered: readonly ByteRange[] = [],
): Finding {
  const functions = [...new Set(concerned)].sort((a, b) => a - b);
  const pages = covered.map(({ start, end }) => ({ start, end }));
  const { rule, source } = rules[code];
  return { code, severity, what, functions, ranges, pages, rule, source, remedy };
}

export const found = (resource: Resource): FoundRange => ({
  start: resource.start,
  end: resource.end,
  owner: ownerOf(resource),
});

/** The part of a resource that is on these pages. */
export const foundOn = (resource: Resource, pages: ByteRange): FoundRange => ({
  ...common(resource, pages),
  owner: ownerOf(resource),
});

export const pageText = (pages: ByteRange, pageSize: number): string =>
  `${pages.end - pages.start > pageSize ? 'pages' : 'page'} ${rangeText(pages)}`;

export const functionsOf = (resources: readonly Resource[]): Sbdf[] => [
  ...new Set(resources.map(({ sbdf }) => sbdf)),
];
