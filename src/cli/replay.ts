import { parseArgs } from 'node:util';
import { InputError } from '../input-error.js';
import { readInventory } from '../inventory/read-machine.js';
import { replayJson } from '../report/replay-json.js';
import { replayPage } from '../report/replay-page.js';
import { replayText } from '../report/replay-text.js';
import { replayFile } from '../trace/replay-file.js';
import { writeOutput } from './output-file.js';
import { policyOption } from './policy-option.js';
import { progressBar } from './progress-bar.js';

export const help = `usage: trapline replay FILE --inventory lspci.txt [options]

Runs every access of a recorded trace through a dispatcher whose host pages answer
with the recorded values, and compares each read's answer with the recorded one.

  FILE               Linux mmiotrace log, or QEMU trace log; plain or gzip
  --inventory FILE   output of lspci -vvv of the same machine; may be repeated
                     (virtual functions appear late)
  --policy NAME      strict (default), xen or xenV3
  --json             one JSON object on standard output, nothing else
  --report FILE      also writes an HTML page: heat maps, timeline, table entries
  --strict           end at the first bad line
  --help             this text

  $ trapline replay test/fixtures/m3/mmiotrace.txt.gz --inventory test/fixtures/m3/lspci.txt | tail -n 3
  vectors armed: 97 times (0000:01:00.0 6, 0000:02:00.0 49, 0000:03:00.0 11, 0000:04:00.0 11, 0000:05:00.0 20)

  differences: 0, every read was answered as recorded

Exit status: 0, 1 when a difference is unexplained, 2 for bad input.
`;

/** `trapline replay`; returns the exit status. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      inventory: { type: 'string', multiple: true, default: [] },
      policy: { type: 'string', default: 'strict' },
      json: { type: 'boolean', default: false },
      report: { type: 'string' },
      strict: { type: 'boolean', default: false },
    },
  });
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0)
    throw new InputError(`expected one FILE, got ${positionals.length}`);
  if (values.inventory.length === 0)
    throw new InputError('expected --inventory FILE, the output of lspci -vvv');
  const policy = policyOption(values.policy);
  const inventory = await readInventory(values.inventory);
  const bar = progressBar(path);
  const result = await replayFile(path, inventory, {
    policy,
    strict: values.strict,
    progress: bar.update,
  }).finally(bar.stop);
  for (const sentence of result.bad) process.stderr.write(`${sentence}\n`);
  if (result.badLines > result.bad.length) {
    process.stderr.write(`${path}: ${result.badLines - result.bad.length} more bad lines\n`);
  }
  process.stdout.write(values.json ? `${JSON.stringify(replayJson(result))}\n` : replayText(result));
  if (values.report !== undefined) {
    await writeOutput('--report', values.report, replayPage(result));
    if (!values.json) process.stdout.write(`\nreport: ${values.report}\n`);
  }
  return result.replay.reasons.unexplained > 0 ? 1 : 0;
}
