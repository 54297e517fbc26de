import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError } from '../src/input-error.js';
import type { AuditTime } from './audit.js';
import { formatBaseline, readBaseline } from './baseline.js';
import { compare, isSlower, linesOf, plotsOf } from './compare.js';
import { drawCurves } from './curves.js';
import { type Growth, HEAP_FLAGS } from './heap.js';
import { lossesOf } from './losses.js';
import { compileNative } from './native.js';
import type { PageCost } from './pages.js';
import { measureLocks, measureSizes, type Repeats, run } from './processes.js';
import type { ReplaySpeed } from './replay.js';
import { print } from './report.js';
import type { Effort } from './rounds.js';
import type { Row } from './row.js';
import { columns, curvePoints, isCompared, isUsual, type Plot } from './sizes.js';
import { judge } from './targets.js';
import type { WorkersSpeed } from './workers.js';

const HELP = `Usage: npm run bench -- [--quick] [--json] [--curves FILE] [--save FILE]
       npm run bench:compare -- [--quick] [--json] [--fail] [--save FILE] [--compare FILE]

Measures Trapline, the floors and its rivals side by side, and compares with the targets. With --compare, measures only
accesses, and says what changed since a baseline beyond the noise of the processes. Where there is a C compiler (cc, gcc
or clang), a native program is one of the rivals.

  --quick         fewer samples, fewer sizes
  --json          one JSON document on standard output (npm adds its own lines: npm run --silent bench)
  --curves FILE   measures more sizes, and draws how cost grows with functions and vectors, as SVG
  --save FILE     writes a baseline
  --compare FILE  compares with a baseline (npm run bench:compare: with bench/baseline.json)
  --fail          exit status 1 when something is slower than the baseline beyond the noise
  --help          this text`;

interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly fail: boolean;
  readonly help: boolean;
  readonly curves?: string;
  readonly save?: string;
  readonly compare?: string;
}

function parse(): Options {
  const flag = { type: 'boolean', default: false } as const;
  const file = { type: 'string' } as const;
  try {
    return parseArgs({
      options: { quick: flag, json: flag, fail: flag, help: flag, curves: file, save: file, compare: file },
    }).values;
  } catch (error) {
    throw new InputError(`${(error as Error).message.split(/\.\s/)[0]}: --help lists the options`);
  }
}

const machine = {
  cpu: `${cpus()[0].model}, ${availableParallelism()} cores`,
  node: process.versions.node,
  v8: process.versions.v8,
};

/** Before all is measured. */
function mustHaveFolders(...files: readonly (string | undefined)[]): void {
  for (const file of files) {
    if (file !== undefined && !existsSync(dirname(file))) throw new InputError(`${file}: no such folder`);
  }
}

class Run {
  private readonly options: Options;
  private readonly effort: Effort;

  constructor(options: Options) {
    this.options = options;
    this.effort = { rounds: options.quick ? 5 : 8, burst: 2 };
  }

  async whole(): Promise<void> {
    const { quick, json, curves, save } = this.options;
    mustHaveFolders(curves, save);
    const plots = [...columns(quick), ...(curves === undefined ? [] : curvePoints(quick))];
    const rows = await this.accesses(plots, quick ? { wanted: 1, most: 2 } : { wanted: 5, most: 10 });
    if (curves !== undefined) writeFileSync(curves, drawCurves(rows));
    if (save !== undefined)
      writeFileSync(save, formatBaseline({ ...machine, rows: rows.filter(isCompared) }));
    const document = { ...machine, accesses: rows, losses: lossesOf(rows), ...(await this.others(rows)) };
    if (json) console.log(JSON.stringify(document));
    else print(document);
  }

  /** Only what one process measures alone has no noise to compare with. */
  async comparison(file: string): Promise<void> {
    const { quick, json, fail, save } = this.options;
    mustHaveFolders(save);
    const baseline = readBaseline(file);
    const plots = plotsOf(baseline);
    if (plots.length === 0) throw new InputError(`${file}: has no row of a size that is compared`);
    const rows = await this.accesses(plots, quick ? { wanted: 2, most: 2 } : { wanted: 5, most: 10 });
    this.save(rows);
    const comparison = compare(baseline.rows, rows);
    if (json)
      console.log(JSON.stringify({ ...machine, baseline: { ...baseline, rows: undefined }, ...comparison }));
    else for (const line of linesOf(comparison, baseline, machine)) console.log(line);
    if (fail && isSlower(comparison)) process.exitCode = 1;
  }

  private save(rows: readonly Row[]): void {
    const { save } = this.options;
    if (save !== undefined)
      writeFileSync(save, formatBaseline({ ...machine, rows: rows.filter(isCompared) }));
  }

  private accesses(plots: readonly Plot[], repeats: Repeats): Promise<Row[]> {
    const native = compileNative();
    if (native === undefined)
      console.error('no C compiler (cc, gcc, clang): the native linear list is left out');
    return measureSizes(plots, repeats, this.effort, native, (text) => this.progress(text));
  }

  private async others(rows: readonly Row[]) {
    const { burst } = this.effort;
    this.progress('the same eight pages');
    const pages = await run<PageCost[]>({ measure: 'pages', rounds: 20, burst });
    this.progress('the lock of the shared build');
    const locks = await measureLocks(
      this.options.quick ? { wanted: 3, most: 4 } : { wanted: 5, most: 10 },
      burst,
    );
    this.progress('two workers');
    const workers = await run<WorkersSpeed>({
      measure: 'workers',
      rounds: this.options.quick ? 5 : 15,
      window: 300,
    });
    this.progress('heap');
    const heap = await run<Growth[]>({ measure: 'heap' }, HEAP_FLAGS);
    this.progress('replay');
    const replay = await run<ReplaySpeed[]>({ measure: 'replay' });
    this.progress('audit');
    const audits = await run<AuditTime[]>({ measure: 'audit' });
    const targets = judge(rows.filter(isUsual), pages, locks, workers, heap, replay, audits);
    return { pages, locks, workers, heap, replay, audits, targets };
  }

  private progress(text: string): void {
    if (!this.options.json) process.stderr.write(`measuring: ${text}\n`);
  }
}

try {
  const options = parse();
  if (options.help) console.log(HELP);
  else if (options.compare !== undefined) await new Run(options).comparison(options.compare);
  else await new Run(options).whole();
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
