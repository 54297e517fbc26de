import { InputError } from '../input-error.js';
import { readLines } from '../lines.js';
import type { Policy } from '../policy.js';
import type { CreateTrap } from './harness.js';
import { Harness } from './harness.js';
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

/** A step's effects fit many times over. */
const LONGEST_LINE = 1 << 24;

/** Replays one file and counts into `tally`. Throws `InputError`, which names the line, at the first bad one. */
export async function conformFile(
  path: string,
  policy: Policy,
  create: CreateTrap,
  tally: Tally,
  onMismatch: (mismatch: Mismatch) => void,
): Promise<void> {
  const harness = new Harness(create, policy);
  const before = tally.scenarios;
  const replay = (text: string, line: number) => {
    const { step, input, expected } = parseLine(text);
    const got = harness.run(step);
    if (step.op === 'scenario') {
      tally.scenarios++;
      return;
    }
    tally.steps++;
    const fields = differences(expected, got);
    if (fields.length === 0) return;
    tally.mismatches++;
    onMismatch({ line, fields, input, expected, got });
  };
  await readLines(
    path,
    (bytes, start, end, line) => {
      const text = bytes.toString('utf8', start, end);
      try {
        if (text.trim() !== '') replay(text, line);
      } catch (error) {
        throw error instanceof InputError ? new InputError(`${path}:${line}: ${error.message}`) : error;
      }
    },
    { longest: LONGEST_LINE },
  );
  if (tally.scenarios === before) throw new InputError(`${path} has no scenario`);
}

export function differences(expected: Outcome, got: Outcome): string[] {
  return (['rc', 'data', 'ctl', 'fx'] as const).filter((field) => {
    const [one, other] = [expected[field], got[field]];
    return one !== other && JSON.stringify(one) !== JSON.stringify(other);
  });
}
