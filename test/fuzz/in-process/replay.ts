import { differences } from '../../../src/conform/compare.js';
import { type CreateTrap, Harness } from '../../../src/conform/harness.js';
import type { Outcome, Step } from '../../../src/conform/scenario.js';
import { InputError } from '../../../src/input-error.js';
import { policies } from '../../../src/policy.js';
import { createReference } from '../../reference/reference.js';
import type { History } from './history.js';

/** A step that an engine answers otherwise than the reference. */
export interface Difference {
  readonly at: number;
  readonly expected: Outcome;
  readonly got: Outcome;
  readonly fields: readonly string[];
}

export interface Replayed {
  /** What can be run of the history, to the difference if there is one. */
  readonly history: History;
  /** The reference's. */
  readonly outcomes: readonly Outcome[];
  readonly difference: Difference | undefined;
}

/**
 * Runs a history through the reference and through engines, step by step. A step that is the embedder's misuse, which
 * each must refuse, is left out, and the rest run from the beginning.
 */
export function replay(history: History, engines: readonly CreateTrap[]): Replayed {
  const policy = policies[history.policy];
  let { steps } = history;
  for (;;) {
    const [reference, ...others] = [createReference, ...engines].map((create) => new Harness(create, policy));
    const outcomes: Outcome[] = [];
    let difference: Difference | undefined;
    let refused = false;
    for (const step of steps) {
      const expected = run(reference, step);
      const answers = others.map((other) => run(other, step));
      const got = answers.find((answer) => differences(expected, answer).length > 0);
      refused = expected.rc === REFUSED;
      if (refused && !got) break;
      outcomes.push(expected);
      if (!got && !expected.rc.startsWith(THROWN)) continue;
      const at = outcomes.length - 1;
      difference = { at, expected, got: got ?? expected, fields: differences(expected, got ?? expected) };
      break;
    }
    if (refused && !difference) {
      steps = steps.toSpliced(outcomes.length, 1);
      continue;
    }
    return { history: { ...history, steps: steps.slice(0, outcomes.length) }, outcomes, difference };
  }
}

const REFUSED = 'refused';
const THROWN = 'throws ';

function run(harness: Harness, step: Step): Outcome {
  try {
    return harness.run(step);
  } catch (error) {
    return { rc: error instanceof InputError ? REFUSED : `${THROWN}${error}`, fx: [] };
  }
}
