import { InputError } from '../cli/input-error.js';
import type { Policy } from '../policy.js';
import type { CreateTrap } from './harness.js';
import { Harness } from './harness.js';
import { readLines } from './lines.js';
import { type Outcome, parseLine } from './scenario.js';

/** A step whose outcome differs. */
export interface Mismatch {
  /** Line in the file, from 1. */
  readonly line: number;
  /** `rc`, `data`, `ctl`, `fx`: those that differ. */
  readonly fields: readonly string[];
  readonly input: object;
  readonly expected: Outcome;
  readonly got: Outcome;
}

export interface Tally {
  scenarios: number;
  /** Any line but `scenario`. */
  steps: number;
  mismatches: number;
}

/** Replays one file and counts into `tally`. Throws `InputError`, which names the line, at the first bad one. */
export async function conformFile(
  path: string,
  policy: Policy,
  create: CreateTrap,
  tally: Tally,
  onMismatch: (mismatch: Mismatch) => void,
): Promise<void> {
  const harness = new Harness(create, policy);
  let number = 0;
  let scenarios = 0;
  try {
    for await (const text of readLines(path)) {
      number++;
      if (text.trim() === '') continue;
      const { step, input, expected } = parseLine(text);
      const got = harness.run(step);
      if (step.op === 'scenario') {
        scenarios++;
        tally.scenarios++;
        continue;
      }
      tally.steps++;
      const fields = differences(expected, got);
      if (fields.length === 0) continue;
      tally.mismatches++;
      onMismatch({ line: number, fields, input, expected, got });
    }
    if (scenarios === 0) throw new InputError('no scenario');
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${path}:${Math.max(number, 1)}: ${error.message}`);
    throw error;
  }
}

export function differences(expected: Outcome, got: Outcome): string[] {
  return (['rc', 'data', 'ctl', 'fx'] as const).filter(
    (field) => JSON.stringify(expected[field]) !== JSON.stringify(got[field]),
  );
}
