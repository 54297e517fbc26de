import { fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Plan } from './plan.js';
import { print } from './report.js';
import type { Row } from './row.js';
import { judgeAccesses } from './targets.js';

const HELP = `Usage: npm run bench -- [--quick] [--json]

Measures Trapline, the floors and its rivals side by side, and compares with the targets.

  --quick   under 20 seconds, fewer samples and numbers of functions
  --json    one JSON document on standard output, nothing else
  --help    this text`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Each plan in a process of its own, so that no type feedback is shared. */
function run(plan: Plan): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./plan.js', import.meta.url), [JSON.stringify(plan)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    let rows: Row[] | undefined;
    child.on('message', (message) => {
      rows = message as Row[];
    });
    child.on('exit', (code) =>
      rows ? resolve(rows) : reject(new Error(`${JSON.stringify(plan)} ended with ${code}`)),
    );
  });
}

async function main(): Promise<void> {
  const counts = options.quick ? [1, 64, 1024] : [1, 8, 64, 1024, 16384];
  const rows: Row[] = [];
  for (const functions of counts) {
    if (!options.json) process.stderr.write(`measuring with ${functions} functions\n`);
    rows.push(...(await run({ functions, rounds: options.quick ? 6 : 30, burst: 2 })));
  }
  const document = {
    cpu: `${cpus()[0].model}, ${availableParallelism()} cores`,
    node: process.versions.node,
    v8: process.versions.v8,
    rows,
    targets: judgeAccesses(rows),
  };
  if (options.json) console.log(JSON.stringify(document));
  else print(document);
}

if (options.help) console.log(HELP);
else await main();
