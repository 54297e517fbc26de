import type { Sbdf } from './sbdf.js';

/**
 * - `bad-size`: an access to table or PBA of a width or alignment that is not allowed.
 * - `unaligned-read`, `unaligned-write`: an access is split into bytes.
 * - `map-failed-read`, `map-failed-write`: the host page could not be mapped; all ones, or dropped.
 * - `hole-occupied`: the guest has something else mapped where accesses must trap.
 * - `bad-msix-capability`: the capability was refused at assign.
 * - `overlap`: decoding stays off because bytes would have two owners.
 * - `out-of-memory`: decoding stays off because the page map is full.
 * - `host-error`: a host callback threw.
 */
export type DiagnosticCode =
  | 'bad-size'
  | 'unaligned-read'
  | 'unaligned-write'
  | 'map-failed-read'
  | 'map-failed-write'
  | 'hole-occupied'
  | 'bad-msix-capability'
  | 'overlap'
  | 'out-of-memory'
  | 'host-error';

export type DiagnosticLevel = 'debug' | 'warning' | 'error';

export interface Diagnostic {
  readonly level: DiagnosticLevel;
  readonly code: DiagnosticCode;
  readonly sbdf: Sbdf;
  /** Guest-physical address of the access or page, where there is one. */
  readonly address: number | undefined;
  /** Diagnostics of this code and function that the limit held back since the last one. */
  readonly suppressed: number;
}

/** At most `burst` diagnostics of one code and function in `interval` milliseconds; or no limit. */
export type DiagnosticLimit = { readonly burst: number; readonly interval: number } | 'none';

const LEVELS: { readonly [code in DiagnosticCode]: DiagnosticLevel } = {
  'bad-size': 'warning',
  'unaligned-read': 'debug',
  'unaligned-write': 'debug',
  'map-failed-read': 'warning',
  'map-failed-write': 'warning',
  'hole-occupied': 'warning',
  'bad-msix-capability': 'error',
  overlap: 'warning',
  'out-of-memory': 'error',
  'host-error': 'error',
};

interface Window {
  start: number;
  sent: number;
  suppressed: number;
}

/** Counts every diagnostic and passes on as many as the limit allows. */
export class Diagnostics {
  /** How often each code occurred, whatever the limit. */
  readonly counts: Partial<Record<DiagnosticCode, number>> = {};
  private readonly sink: ((diagnostic: Diagnostic) => void) | undefined;
  private readonly limit: DiagnosticLimit;
  private readonly windows = new Map<string, Window>();

  constructor(sink: ((diagnostic: Diagnostic) => void) | undefined, limit: DiagnosticLimit) {
    this.sink = sink;
    this.limit = limit;
  }

  report(code: DiagnosticCode, sbdf: Sbdf, address?: number): void {
    this.counts[code] = (this.counts[code] ?? 0) + 1;
    if (!this.sink) return;
    let suppressed = 0;
    if (this.limit !== 'none') {
      const now = Date.now();
      const key = `${code} ${sbdf}`;
      let window = this.windows.get(key);
      if (!window) {
        window = { start: now, sent: 0, suppressed: 0 };
        this.windows.set(key, window);
      }
      if (now - window.start >= this.limit.interval) {
        window.start = now;
        window.sent = 0;
      }
      if (window.sent >= this.limit.burst) {
        window.suppressed++;
        return;
      }
      window.sent++;
      suppressed = window.suppressed;
      window.suppressed = 0;
    }
    this.sink({ level: LEVELS[code], code, sbdf, address, suppressed });
  }
}
