import { basename, dirname, resolve } from 'node:path';
import { InputError } from '../input-error.js';
import { type Policy, policies } from '../policy.js';
import { conformFile, type Mismatch, type Tally } from './compare.js';
import type { CreateTrap } from './harness.js';

const OK = 0;
const MISMATCHES = 1;
const BAD_INPUT = 2;

/** Where the answers go, a line at a time. */
export interface Output {
  print(line: string): void;
  printError(line: string): void;
}

/** Replays every file, bad ones among them or not, and returns the exit status. */
export async function conformFiles(
  paths: readonly string[],
  given: Policy | undefined,
  create: CreateTrap,
  output: Output,
): Promise<number> {
  const tally: Tally = { scenarios: 0, steps: 0, mismatches: 0 };
  let badInput = false;
  for (const path of paths) {
    const mismatches = new MismatchPrinter(path, output);
    try {
      const policy = given ?? policyOfPath(path);
      await conformFile(path, policy, create, tally, (mismatch) => mismatches.add(mismatch));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      badInput = true;
      output.printError(`trapline conform: ${error.message}`);
    }
  }
  const { scenarios, steps, mismatches } = tally;
  if (scenarios > 0 || !badInput) {
    output.print(`conform: ${scenarios} scenarios, ${steps} steps, ${mismatches} mismatches`);
  }
  if (badInput) return BAD_INPUT;
  return mismatches > 0 ? MISMATCHES : OK;
}

function namedPolicy(name: string): Policy | undefined {
  return Object.values(policies).find((policy) => policy.name === name);
}

function policyOfPath(path: string): Policy {
  const suffix = /\.(strict|xen|xenV3)\.jsonl(?:\.gz)?$/.exec(basename(path))?.[1];
  const policy = namedPolicy(suffix ?? basename(dirname(resolve(path))));
  if (policy) return policy;
  throw new InputError(
    `${path}: no policy: name it with --policy, a suffix .strict.jsonl, .xen.jsonl or .xenV3.jsonl, or a folder of such a name`,
  );
}

/** The first mismatch of a file in full, the next ones in a line each. */
class MismatchPrinter {
  private readonly path: string;
  private readonly output: Output;
  private count = 0;

  constructor(path: string, output: Output) {
    this.path = path;
    this.output = output;
  }

  add({ line, fields, input, expected, got }: Mismatch): void {
    this.count++;
    const { op } = input as { op: string };
    this.output.print(`${this.path}:${line}: ${op}: ${fields.join(', ')} differ`);
    if (this.count > 1) return;
    this.output.print(`  input    ${JSON.stringify(input)}`);
    this.output.print(`  expected ${JSON.stringify(expected)}`);
    this.output.print(`  got      ${JSON.stringify(got)}`);
  }
}
