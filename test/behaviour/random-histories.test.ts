import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Policy, policies } from '../../src/policy.js';
import { engines, reference } from '../engines.js';
import { type Action, Subject } from '../subject.js';
import { history } from '../topologies.js';

const RUNS = Number(process.env.RUNS ?? 150);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`random histories: SEED=${SEED} RUNS=${RUNS}`);

function expectEqual(actions: readonly Action[], policy: Policy, domain: 'guest' | 'hardware'): void {
  const subjects = [reference, ...engines.filter((engine) => engine !== reference)].map(
    (engine) => new Subject(engine, policy, domain),
  );
  const [first, ...others] = subjects;
  for (const [number, action] of actions.entries()) {
    const expected = first.act(action);
    for (const other of others) {
      const context = `action ${number}: ${JSON.stringify(action)}`;
      expect(other.act(action), context).toEqual(expected);
      expect(other.state(), context).toBe(first.state());
    }
  }
}

/** The shortest failing history, an action a line, and how to see it again. */
function report(details: fc.RunDetails<[Action[]]>): string {
  const actions = details.counterexample?.[0].map((action) => JSON.stringify(action)).join('\n');
  return `SEED=${details.seed} fails after ${details.numRuns} runs:\n${actions}\n${details.errorInstance}`;
}

describe.each(Object.values(policies).map((policy) => [policy.name, policy] as const))('%s', (_, policy) => {
  it.each(['guest', 'hardware'] as const)('does as the reference in a %s domain', (domain) => {
    const details = fc.check(
      fc.property(history(domain), (actions) => expectEqual(actions, policy, domain)),
      { seed: SEED, numRuns: RUNS },
    );
    if (details.failed) expect.fail(report(details));
  });
});
