import type { Sbdf } from './sbdf.js';

const CODES = [
  'bad-size',
  'region-refused',
  'unaligned-read',
  'unaligned-write',
  'map-failed-read',
  'map-failed-write',
  'hole-occupied',
  'overlap',
  'shared-page',
  'page-offset',
  'bad-msix-capability',
  'pba-over-table',
  'out-of-memory',
  'host-error',
] as const;

/**
 * - `bad-size`: an access to table or PBA of a width or alignment that is not allowed.
 * - `region-refused`: a region that is no BAR does not take a write, which is dropped.
 * - `unaligned-read`, `unaligned-write`: an access is split into bytes.
 * - `map-failed-read`, `map-failed-write`: the host page could not be mapped; all ones, or dropped.
 * - `hole-occupied`: the guest has something else mapped where accesses must trap.
 * - `bad-msix-capability`: the capability was refused at assign.
 * - `pba-over-table`: an assigned function's PBA lies over its table, and wins (policy strict).
 * - `overlap`: decoding stays off because bytes would have two owners.
 * - `shared-page`: decoding stays off because a function of another dispatcher is on a BAR's page.
 * - `page-offset`: decoding stays off because a BAR's page offset differs between guest and host (Xen policies).
 * - `out-of-memory`: decoding stays off because the page map is full.
 * - `host-error`: a host callback threw.
 */
export type DiagnosticCode = (typeof CODES)[number];

/** `debug`: an access is split. `error`: the fault is the embedder's or the host's. `warning`: anything else. */
export type DiagnosticLevel = 'debug' | 'warning' | 'error';

/** Something that happened, once or more often, on the way of an access or a change. */
export interface Diagnostic {
  /** Follows from `code`. */
  readonly level: DiagnosticLevel;
  /** What happened. */
  readonly code: DiagnosticCode;
  /** The function that it happened to. */
  readonly sbdf: Sbdf;
  /** Guest-physical address of the access or page, where there is one. */
  readonly address: number | undefined;
  /** Diagnostics of this code and function that the limit held back since the last one. */
  readonly suppressed: number;
}

/** At most `burst` diagnostics of one code and function in `interval` milliseconds; or no limit. */
export type DiagnosticLimit =
  | {
      /** So many at most. */
      readonly burst: number;
      /** Milliseconds. */
      readonly interval: number;
    }
  | 'none';

const ERRORS: readonly DiagnosticCode[] = ['bad-msix-capability', 'out-of-memory', 'host-error'];

const levelOf = (code: DiagnosticCode): DiagnosticLevel =>
  ERRORS.includes(code) ? 'error' : code.startsWith('unaligned') ? 'debug' : 'warning';

interface Window {
  start: number;
  sent: number;
  suppressed: number;
}

type Sink = (diagnostic: Diagnostic) => void;

/** One code: counts every occurrence and passes on as many as the limit allows. */
export class DiagnosticCounter {
  count = 0;
  private readonly code: DiagnosticCode;
  private readonly sink: Sink | undefined;
  private readonly limit: DiagnosticLimit;
  private readonly windows = new Map<Sbdf, Window>();

  constructor(code: DiagnosticCode, sink: Sink | undefined, limit: DiagnosticLimit) {
    this.code = code;
    this.sink = sink;
    this.limit = limit;
  }

  /** Where nobody listens, all that there is to do. False: report instead. */
  countQuietly(): boolean {
    if (this.sink !== undefined) return false;
    this.count++;
    return true;
  }

  report(sbdf: Sbdf, address?: number): void {
    this.count++;
    if (this.sink !== undefined) this.send(this.sink, sbdf, address);
  }

  private send(sink: Sink, sbdf: Sbdf, address: number | undefined): void {
    const suppressed = this.limit === 'none' ? 0 : this.pass(this.limit, sbdf);
    if (suppressed < 0) return;
    sink({ level: levelOf(this.code), code: this.code, sbdf, address, suppressed });
  }

  /** How many were held back before this one, or -1 where this one is. */
  private pass({ burst, interval }: { burst: number; interval: number }, sbdf: Sbdf): number {
    const now = Date.now();
    let window = this.windows.get(sbdf);
    if (!window) {
      window = { start: now, sent: 0, suppressed: 0 };
      this.windows.set(sbdf, window);
    }
    if (now - window.start >= interval) {
      window.start = now;
      window.sent = 0;
    }
    if (window.sent >= burst) {
      window.suppressed++;
      return -1;
    }
    window.sent++;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }
}

/** A dispatcher's counters, one a code. */
export class Diagnostics {
  private readonly counters: ReadonlyMap<DiagnosticCode, DiagnosticCounter>;

  constructor(sink: Sink | undefined, limit: DiagnosticLimit) {
    this.counters = new Map(CODES.map((code) => [code, new DiagnosticCounter(code, sink, limit)]));
  }

  of(code: DiagnosticCode): DiagnosticCounter {
    return this.counters.get(code) as DiagnosticCounter;
  }

  report(code: DiagnosticCode, sbdf: Sbdf, address?: number): void {
    this.of(code).report(sbdf, address);
  }

  /** How often each code occurred, whatever the limit. */
  get counts(): Record<DiagnosticCode, number> {
    const counts = [...this.counters].map(([code, { count }]) => [code, count]);
    return Object.fromEntries(counts) as Record<DiagnosticCode, number>;
  }
}
