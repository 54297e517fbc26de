import { floors, fromJs } from './accesses.js';
import { type Effort, type Measurement, measure } from './rounds.js';
import type { Row, Size } from './row.js';
import { addresses, assignFunctions, attachFunctions, type Case, program, USUAL } from './topology.js';

/** What a lock that nobody else wants adds to an access from JavaScript. */
export interface LockCost {
  readonly access: Case;
  /** Nanoseconds an access in the single-threaded build. */
  readonly without: number;
  /** In the shared one. */
  readonly locked: number;
  /** The difference, times the floor. */
  readonly added: number;
}

export const LOCKED_SIZE: Size = { functions: 64, vectors: USUAL.vectors };
const LOCKED: readonly Case[] = [
  'table-read',
  'table-write',
  'adjacent-read',
  'adjacent-write',
  'unaligned-read',
];

/** One build, in a process of its own: V8 does not see two kinds of dispatcher. */
export function measureLock(shared: boolean, effort: Effort): Measurement {
  const { functions } = LOCKED_SIZE;
  const dispatcher = shared ? attachFunctions(functions) : assignFunctions(functions);
  program(dispatcher, functions);
  const at = (what: Case): Float64Array => addresses(what, functions);
  return measure(
    [
      ...floors(at('table-read'), at('table-write')),
      ...LOCKED.map((what) => fromJs('trapline', dispatcher, what, at(what))),
    ],
    effort,
  );
}

/** Of both builds, the floor is that of the first. */
export function lockCosts(without: readonly Row[], locked: readonly Row[]): LockCost[] {
  const ns = (rows: readonly Row[], subject: string, access: string): number =>
    rows.find((row) => row.subject === subject && row.door === 'js' && row.access === access)?.ns ??
    Number.NaN;
  return LOCKED.map((access) => {
    const floor = ns(without, 'floor', access.endsWith('write') ? 'write' : 'read');
    const [before, after] = [ns(without, 'trapline', access), ns(locked, 'trapline', access)];
    return { access, without: before, locked: after, added: (after - before) / floor };
  });
}
