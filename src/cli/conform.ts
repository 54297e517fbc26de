import { parseArgs } from 'node:util';
import { conformFiles, namedPolicy, OK } from '../conform/report.js';
import { createDispatcher } from '../dispatcher.js';
import { InputError } from '../input-error.js';
import type { Policy } from '../policy.js';

export const help = `trapline conform [--policy xen|xenV3] FILE...

Replays scenario files (JSON lines, plain or gzip) through the dispatcher and compares every answer and side effect.
Without --policy a file's policy is its suffix .xen.jsonl or .xenV3.jsonl (or .gz), else its folder, xen or xenV3.

Exit status: 0 all equal, 1 mismatches, 2 a file cannot be read.`;

/** Returns the exit status. */
export async function conform(args: string[]): Promise<number> {
  const { values, positionals: files } = parsed(args);
  if (values.help) {
    console.log(help);
    return OK;
  }
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

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { policy: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}
