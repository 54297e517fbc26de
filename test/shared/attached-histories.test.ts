import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Policy, policies } from '../../src/policy.js';
import { attached, reference } from '../engines.js';
import { type Action, Subject } from '../subject.js';
import { history } from '../topologies.js';

const RUNS = Number(process.env.RUNS ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`histories of a worker that attached: SEED=${SEED} RUNS=${RUNS}`);

/** A page may be mapped by two workers, and is unmapped at their entries. */
const isMapping = (call: string): boolean => /^(map|unmap) /.test(call);

function expectEqual(
  actions: readonly Action[],
  policy: Policy,
  domain: 'guest' | 'hardware',
  plainPages: boolean,
): void {
  const [known, subject] = [reference, attached].map(
    (engine) => new Subject(engine, policy, domain, plainPages ? 'plain' : 'handlers'),
  );
  for (const [number, action] of actions.entries()) {
    // Which call is the n-th, and which page is mapped already, depends on who maps.
    if (action.do === 'throw' || action.do === 'mapping') continue;
    const [expected, got] = [known, subject].map((one) => {
      const { answer, calls } = one.act(action);
      return JSON.stringify({ answer, calls: calls.filter((call) => !isMapping(call)) });
    });
    if (got !== expected)
      expect.fail(
        `action ${number}: ${JSON.stringify(action)}\n  expected ${expected}\n  got      ${got}\n${subject.state()}`,
      );
  }
  expect(subject.state()).toBe(known.state());
  expect(subject.host.plainMemory()).toBe(known.host.plainMemory());
}

describe.each(Object.values(policies).map((policy) => [policy.name, policy] as const))('%s', (_, policy) => {
  it.each(['guest', 'hardware'] as const)('does as the reference in a %s domain', (domain) => {
    const details = fc.check(
      fc.property(history(domain, policy === policies.strict), fc.boolean(), (actions, plainPages) =>
        expectEqual(actions, policy, domain, plainPages),
      ),
      { seed: SEED, numRuns: RUNS },
    );
    if (!details.failed) return;
    const [shortest, plainPages] = details.counterexample ?? [[], false];
    const lines = shortest.map((action) => JSON.stringify(action)).join('\n');
    expect.fail(
      `SEED=${details.seed}${plainPages ? ', plain pages' : ''}:\n${lines}\n${details.errorInstance}`,
    );
  });
});
