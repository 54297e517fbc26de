import { floors, fromJs } from './accesses.js';
import { median } from './median.js';
import { type Effort, type Measured, measure } from './rounds.js';
import { addresses, assignFunctions, attachFunctions, type Case, program } from './topology.js';

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

const FUNCTIONS = 64;
const LOCKED: readonly Case[] = [
  'table-read',
  'table-write',
  'adjacent-read',
  'adjacent-write',
  'unaligned-read',
];

/** One build, in a process of its own: V8 does not see two kinds of dispatcher. */
export function measureLock(shared: boolean, effort: Effort): readonly Measured[] {
  const dispatcher = shared ? attachFunctions(FUNCTIONS) : assignFunctions(FUNCTIONS);
  program(dispatcher, FUNCTIONS);
  const at = (what: Case): Float64Array => addresses(what, FUNCTIONS);
  return measure(
    [
      ...floors(at('table-read'), at('table-write')),
      ...LOCKED.map((what) => fromJs('trapline', dispatcher, what, at(what))),
    ],
    effort,
  ).measured;
}

/** Of some processes of each build. */
export function lockCosts(
  without: readonly (readonly Measured[])[],
  locked: readonly (readonly Measured[])[],
): LockCost[] {
  const ns = (processes: readonly (readonly Measured[])[], subject: string, access: string): number =>
    median(
      processes.map(
        (rows) =>
          rows.find((row) => row.subject === subject && row.door === 'js' && row.access === access)?.ns ??
          Number.NaN,
      ),
    );
  return LOCKED.map((access) => {
    const floor = ns(without, 'floor', access.endsWith('write') ? 'write' : 'read');
    const [before, after] = [ns(without, 'trapline', access), ns(locked, 'trapline', access)];
    return { access, without: before, locked: after, added: (after - before) / floor };
  });
}
