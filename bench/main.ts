import { fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { AuditTime } from './audit.js';
import { type Growth, HEAP_FLAGS } from './heap.js';
import { lockCosts } from './lock.js';
import { merge, undisturbed } from './merge.js';
import type { PageCost } from './pages.js';
import type { Plan } from './plan.js';
import type { ReplaySpeed } from './replay.js';
import { print } from './report.js';
import type { Effort, Measured, Measurement } from './rounds.js';
import { judge } from './targets.js';
import type { WorkersSpeed } from './workers.js';

const HELP = `Usage: npm run bench -- [--quick] [--json]

Measures Trapline, the floors and its rivals side by side, and compares with the targets.

  --quick   fewer samples, fewer numbers of functions
  --json    one JSON document on standard output (npm adds its own lines: npm run --silent bench)
  --help    this text`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/**
 * Code is optimised, and memory collected, when V8 asks for it and by the measured thread itself, not when another core
 * has time for it: a busy machine measures the same. And between two calls, not within a loop: V8 11 now and then
 * stays in a state where each turn of the loop asks for that.
 */
const FLAGS = ['--no-concurrent-recompilation', '--single-threaded-gc', '--no-use-osr'];

/** Each plan in a process of its own, so that no type feedback is shared. */
function run<Result>(plan: Plan, execArgv: readonly string[] = []): Promise<Result> {
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

async function main(): Promise<void> {
  const counts = options.quick ? [1, 64, 1024] : [1, 8, 64, 1024, 16384];
  const batches = options.quick ? [1, 64] : [1, 4, 16, 64, 1024];
  const [wanted, most] = options.quick ? [1, 2] : [5, 10];
  const effort: Effort = { rounds: options.quick ? 5 : 8, burst: 2 };
  const measured = new Map(counts.map((functions): [number, Measurement[]] => [functions, []]));
  let quiet = Infinity;
  for (let attempt = 1; attempt <= most; attempt++) {
    for (const [functions, processes] of measured) {
      if (undisturbed(processes, quiet).length >= wanted) continue;
      progress(
        `${functions} function${functions > 1 ? 's' : ''}, process ${attempt} of ${wanted} to ${most}`,
      );
      // JSON has no Infinity.
      const known = Number.isFinite(quiet) ? { quiet } : {};
      const plan: Plan = { measure: 'accesses', functions, batches, ...effort, ...known };
      const result = await run<Measurement>(plan);
      quiet = Math.min(quiet, result.canary);
      processes.push(result);
    }
  }
  const rows = [...measured].flatMap(([functions, processes]) => merge(functions, processes, quiet));
  progress('the same eight pages');
  const pages = await run<PageCost[]>({ measure: 'pages', rounds: 20, burst: effort.burst });
  progress('the lock of the shared build');
  const built = async (shared: boolean) => {
    const processes: Measured[][] = [];
    while (processes.length < 3) {
      processes.push(await run<Measured[]>({ measure: 'lock', shared, rounds: 20, burst: effort.burst }));
    }
    return processes;
  };
  const locks = lockCosts(await built(false), await built(true));
  progress('two workers');
  const workers = await run<WorkersSpeed>({
    measure: 'workers',
    rounds: options.quick ? 5 : 15,
    window: 300,
  });
  progress('heap');
  const heap = await run<Growth[]>({ measure: 'heap' }, HEAP_FLAGS);
  progress('replay');
  const replay = await run<ReplaySpeed[]>({ measure: 'replay' });
  progress('audit');
  const audits = await run<AuditTime[]>({ measure: 'audit' });
  const document = {
    cpu: `${cpus()[0].model}, ${availableParallelism()} cores`,
    node: process.versions.node,
    v8: process.versions.v8,
    accesses: rows,
    pages,
    locks,
    workers,
    heap,
    replay,
    audits,
    targets: judge(rows, pages, locks, workers, heap, replay, audits),
  };
  if (options.json) console.log(JSON.stringify(document));
  else print(document);
}

function progress(text: string): void {
  if (!options.json) process.stderr.write(`measuring: ${text}\n`);
}

if (options.help) console.log(HELP);
else await main();
