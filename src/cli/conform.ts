import { parseArgs } from 'node:util';
import { conformFiles, namedPolicy, OK } from '../conform/report.js';
import { createDispatcher } from '../dispatcher.js';
import type { Policy } from '../policy.js';
import { InputError } from './input-error.js';

export const help = `trapline conform [--policy xen|xenV3] FILE...

Replays scenario files (JSON lines, plain or gzip) through the dispatcher and compares every answer and side effect.
Without --policy a file's policy is its suffix .xen.jsonl or .xenV3.jsonl (or .gz), else its folder, xen or xenV3.

Exit status: 0 all equal, 1 mismatches, 2 a file cannot be read.`;

/** Returns the exit status. */
export async function conform(args: string[]): Promise<number> {
  const { files, policy } = parse(args);
  if (files.length === 0) {
    console.log(help);
    return OK;
  }
  return conformFiles(files, policy, createDispatcher, {
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
  });
}

/** No files: help is asked for. */
function parse(args: string[]): { files: string[]; policy: Policy | undefined } {
  const { values, positionals } = parsed(args);
  if (values.help) return { files: [], policy: undefined };
  const policy = values.policy === undefined ? undefined : namedPolicy(values.policy);
  if (values.policy !== undefined && !policy) {
    throw new InputError(`--policy ${JSON.stringify(values.policy)} is neither xen nor xenV3`);
  }
  if (positionals.length === 0) throw new InputError('no file given');
  return { files: positionals, policy };
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
