import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Policy, policies } from '../../src/policy.js';
import { doors, engines } from '../engines.js';
import { type Action, PAGES, type Pages, Subject } from '../subject.js';
import { history } from '../topologies.js';

const RUNS = Number(process.env.RUNS ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`random histories: SEED=${SEED} RUNS=${RUNS}`);

function expectEqual(
  actions: readonly Action[],
  policy: Policy,
  domain: 'guest' | 'hardware',
  pages: Pages,
  trapAll: boolean,
): void {
  const subjects = [...engines, ...doors].map((engine) => ({
    name: engine.name,
    subject: new Subject(engine, policy, domain, pages, undefined, trapAll),
  }));
  const [first, ...others] = subjects.map(({ subject }) => subject);
  for (const [number, action] of actions.entries()) {
    const expected = JSON.stringify(first.act(action));
    for (const [index, other] of others.entries()) {
      const context = `${subjects[index + 1].name}, action ${number}: ${JSON.stringify(action)}`;
      const got = JSON.stringify(other.act(action));
      if (got !== expected) expect.fail(`${context}\n  expected ${expected}\n  got      ${got}`);
    }
    // Costly; what a write did to the vectors shows sooner or later.
    const accesses = action.do === 'read' || action.do === 'write';
    if (accesses && number % 16 !== 0 && number !== actions.length - 1) continue;
    const state = first.state();
    for (const [index, other] of others.entries()) {
      const context = `${subjects[index + 1].name} after action ${number}: ${JSON.stringify(action)}`;
      expect(other.state(), context).toBe(state);
    }
  }
  const memory = first.host.plainMemory();
  for (const other of others) expect(other.host.plainMemory()).toBe(memory);
}

/** The shortest failing history, an action a line, and how to see it again. */
function report(details: fc.RunDetails<[Action[], Pages]>): string {
  const [actions, pages] = details.counterexample ?? [[], 'handlers'];
  const lines = actions.map((action) => JSON.stringify(action)).join('\n');
  return `SEED=${details.seed} fails after ${details.numRuns} runs, pages: ${pages}:\n${lines}\n${details.errorInstance}`;
}

describe.each([
  ...Object.values(policies).map((policy) => [policy.name, policy, false] as const),
  ['strict, all trapping', policies.strict, true] as const,
])('%s', (_, policy, trapAll) => {
  it.each(['guest', 'hardware'] as const)('does as the reference in a %s domain', (domain) => {
    const details = fc.check(
      fc.property(history(domain, policy === policies.strict), fc.constantFrom(...PAGES), (actions, pages) =>
        expectEqual(actions, policy, domain, pages, trapAll),
      ),
      { seed: SEED, numRuns: RUNS },
    );
    if (details.failed) expect.fail(report(details));
  });
});
