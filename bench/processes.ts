import { fork } from 'node:child_process';
import { LOCKED_SIZE, type LockCost, lockCosts } from './lock.js';
import { merge, undisturbed } from './merge.js';
import type { Plan } from './plan.js';
import type { Effort, Measurement } from './rounds.js';
import type { Row, Size } from './row.js';
import { many, type Plot } from './sizes.js';

/**
 * Code is optimised, and memory collected, when V8 asks for it and by the measured thread itself, not when another core
 * has time for it: a busy machine measures the same. And between two calls, not within a loop: V8 11 now and then
 * stays in a state where each turn of the loop asks for that.
 */
const FLAGS = ['--no-concurrent-recompilation', '--single-threaded-gc', '--no-use-osr'];

/** Each plan in a process of its own, so that no type feedback is shared. */
export function run<Result>(plan: Plan, execArgv: readonly string[] = []): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./plan.js', import.meta.url), [JSON.stringify(plan)], {
      execArgv: [...FLAGS, ...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let result: { value: Result } | undefined;
    child.on('message', (value) => {
      result = { value: value as Result };
    });
    child.on('exit', (code) => {
      if (result) resolve(result.value);
      else reject(new Error(`${JSON.stringify(plan)} ended with ${code}`));
    });
  });
}

/** How many processes a size gets: so many that the machine was left to, or so many at most. */
export interface Repeats {
  readonly wanted: number;
  readonly most: number;
}

/** Every subject in turn, again and again: what changes in the meantime changes all. Returns the rows of each. */
async function measureInTurn<Subject>(
  subjects: readonly Subject[],
  { wanted, most }: Repeats,
  plan: (subject: Subject, attempt: number, quiet: Pick<Effort, 'quiet' | 'quietNative'>) => Plan,
  sizeOf: (subject: Subject) => Size,
): Promise<Row[][]> {
  const measured = subjects.map((subject) => ({ subject, processes: [] as Measurement[] }));
  let quiet = Infinity;
  let quietNative = Infinity;
  // JSON has no Infinity.
  const known = (value: number) => (Number.isFinite(value) ? value : undefined);
  for (let attempt = 1; attempt <= most; attempt++) {
    for (const { subject, processes } of measured) {
      if (undisturbed(processes, quiet).length >= wanted) continue;
      const found = { quiet: known(quiet), quietNative: known(quietNative) };
      const result = await run<Measurement>(plan(subject, attempt, found));
      quiet = Math.min(quiet, result.canary);
      quietNative = Math.min(quietNative, result.nativeCanary ?? Infinity);
      processes.push(result);
    }
  }
  return measured.map(({ subject, processes }) => merge(sizeOf(subject), processes, quiet));
}

export async function measureSizes(
  plots: readonly Plot[],
  repeats: Repeats,
  effort: Effort,
  native: string | undefined,
  progress: (text: string) => void,
): Promise<Row[]> {
  const { wanted, most } = repeats;
  const rows = await measureInTurn(
    plots,
    repeats,
    (plot, attempt, quiet) => {
      const size = `${many(plot.functions, 'function')} of ${many(plot.vectors, 'vector')}`;
      progress(`${size}, process ${attempt} of ${wanted} to ${most}`);
      return { measure: 'accesses', ...plot, native, ...effort, ...quiet };
    },
    ({ functions, vectors }) => ({ functions, vectors }),
  );
  return rows.flat();
}

/** What the lock costs in the shared build, next to the other one. */
export async function measureLocks(repeats: Repeats, burst: number): Promise<LockCost[]> {
  const [without, locked] = await measureInTurn(
    [false, true],
    repeats,
    (shared, _, quiet) => ({ measure: 'lock', shared, rounds: 20, burst, ...quiet }),
    () => LOCKED_SIZE,
  );
  return lockCosts(without, locked);
}
