import type { Sbdf } from '../sbdf.js';

/** How bad a finding is for passing a function through, ascending. */
export const severities = ['info', 'warning', 'high'] as const;
export type Severity = (typeof severities)[number];

/**
 * - `F1`: a BAR does not begin at a page.
 * - `F2`: BARs of one function share a page.
 * - `F3`: BARs of several functions share a page.
 * - `F4`: a page of the MSI-X table or PBA holds other bytes too.
 * - `F5`: the MSI-X table or PBA is not where it may be.
 * - `F6`: a BAR's size is no power of two, or its address no multiple of it.
 * - `F7`: a BAR shares a page with something that is no PCI function.
 * - `F8`: functions share an interrupt line.
 * - `F9`: a BAR has no address, or is switched off.
 * - `F10`: functions share no page here, but do where pages are larger.
 */
export type FindingCode = 'F1' | 'F2' | 'F3' | 'F4' | 'F5' | 'F6' | 'F7' | 'F8' | 'F9' | 'F10';

/** Bytes [start, end) and what they are. */
export interface FoundRange {
  readonly start: number;
  readonly end: number;
  readonly owner: string;
}

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What is the matter, in one sentence. */
  readonly what: string;
  /** Those concerned, ascending. */
  readonly functions: readonly Sbdf[];
  /** The bytes concerned; none where it is not about addresses. */
  readonly ranges: readonly FoundRange[];
  /** Page addresses [start, end) that are not one owner's. */
  readonly pages: readonly { readonly start: number; readonly end: number }[];
  /** Why it matters, and who says so. */
  readonly rule: string;
  readonly source: string;
  /** What to do. */
  readonly remedy: string;
}
