import type { AddressRange } from '../regions/address-range.js';
import type { Sbdf } from '../sbdf.js';
import { type FindingCode, rules } from './rules.js';

/** How bad a finding is for passing a function through, ascending. */
export const severities = ['info', 'warning', 'high'] as const;
/** How bad a finding is for passing a function through, ascending: `info`, `warning`, `high`. */
export type Severity = (typeof severities)[number];

/** Bytes [start, end) and what they are. */
export interface FoundRange extends AddressRange {
  /** Function and BAR, or what `/proc/iomem` calls it. */
  readonly owner: string;
}

/** Something about a machine that matters for passing its functions through. */
export interface Finding {
  /** What kind it is; `rule` and `source` follow from it. */
  readonly code: FindingCode;
  /** Ascending: `info`, `warning`, `high`. */
  readonly severity: Severity;
  /** What is the matter, in one sentence. */
  readonly what: string;
  /** Those concerned, ascending. */
  readonly functions: readonly Sbdf[];
  /** The bytes concerned; none where it is not about addresses. */
  readonly ranges: readonly FoundRange[];
  /** Page addresses [start, end) that are not one owner's. */
  readonly pages: readonly AddressRange[];
  /** Why it matters. */
  readonly rule: string;
  /** Who says so. */
  readonly source: string;
  /** What to do. */
  readonly remedy: string;
}

/** With the rule and source of its code. */
export function finding(
  code: FindingCode,
  severity: Severity,
  what: string,
  concerned: readonly Sbdf[],
  remedy: string,
  ranges: readonly FoundRange[] = [],
  covered: readonly AddressRange[] = [],
): Finding {
  const functions = [...new Set(concerned)].sort((a, b) => a - b);
  const pages = covered.map(({ start, end }) => ({ start, end }));
  const { rule, source } = rules[code];
  return { code, severity, what, functions, ranges, pages, rule, source, remedy };
}
