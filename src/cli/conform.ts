import { parseArgs } from 'node:util';
import { conformFiles, namedPolicy } from '../conform/report.js';
import { createDispatcher } from '../dispatcher.js';
import { InputError } from '../input-error.js';
import type { Policy } from '../policy.js';

export const help = `usage: trapline conform [--policy NAME] FILE...

Replays scenarios through the dispatcher and compares every answer and side effect
with the recorded one.

  FILE               scenarios as JSON lines; plain or gzip
  --policy NAME      xen or xenV3; default: as the file's suffix says, .xen.jsonl or
                     .xenV3.jsonl (or .gz), else the name of its folder
  --help             this text

  $ trapline conform test/fixtures/oracle/examples/b_common.xen.jsonl.gz
  conform: 6 scenarios, 44 steps, 0 mismatches

Exit status: 0 all equal, 1 mismatches, 2 a file cannot be read.
`;

/** `trapline conform`; returns the exit status. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals: files } = parseArgs({
    args,
    allowPositionals: true,
    options: { policy: { type: 'string' } },
  });
  const policy = given(values.policy);
  if (files.length === 0) throw new InputError('no file given');
  return conformFiles(files, policy, createDispatcher, {
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
  });
}

function given(name: string | undefined): Policy | undefined {
  const policy = name === undefined ? undefined : namedPolicy(name);
  if (name === undefined || policy) return policy;
  throw new InputError(`--policy ${JSON.stringify(name)} is neither xen nor xenV3`);
}
