import { parseArgs } from 'node:util';
import type { CreateTrap } from '../conform/harness.js';
import { conformFiles } from '../conform/report.js';
import { createDispatcher } from '../dispatcher.js';
import { InputError } from '../input-error.js';
import { createDispatcher as createShared } from '../shared.js';
import { policyOption } from './policy-option.js';

export const help = `usage: trapline conform [--policy NAME] [--shared] FILE...

Replays scenarios through the dispatcher and compares every answer and side effect
with the recorded one.

  FILE               scenarios as JSON lines; plain or gzip
  --policy NAME      strict, xen or xenV3; default: as the file's suffix says, such as
                     .xen.jsonl (or .gz), else the name of its folder
  --shared           by the dispatcher of trapline/shared
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
    options: { policy: { type: 'string' }, shared: { type: 'boolean' } },
  });
  const policy = values.policy === undefined ? undefined : policyOption(values.policy);
  if (files.length === 0) throw new InputError('no file given');
  const create = values.shared ? shared : createDispatcher;
  return conformFiles(files, policy, create, {
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
  });
}

const shared: CreateTrap = (options) => createShared({ ...options, shared: true });
