import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/access.js';
import { type Policy, policies } from '../../src/policy.js';
import { engines, reference } from '../engines.js';
import { type Layout, layouts } from '../layouts.js';
import { Subject } from '../subject.js';

const WIDTHS = [1, 2, 4, 8];

/** A subject with the layout's functions, MSI-X enabled; undefined where the policy refuses them. */
function subjectOf(
  engine: (typeof engines)[number],
  layout: Layout,
  policy: Policy,
  domain: 'guest' | 'hardware',
) {
  const subject = new Subject(engine, policy, domain);
  for (const description of layout.functions) {
    const { answer } = subject.act({ do: 'assign', description });
    expect(answer, layout.name).toBe('undefined');
    if (description.msix) subject.act({ do: 'control', sbdf: Number(description.sbdf), value: 0x8000 });
  }
  subject.host.take();
  return subject;
}

/** Every access that begins in [from, to): what it answers, and what it does to the host. */
function walk(subjects: readonly Subject[], from: number, to: number, reads: boolean): void {
  for (const width of WIDTHS) {
    for (let address = from; address < to; address++) {
      const low = Math.imul(address % 0x10000, 0x9e3779b1) >>> 0;
      const [high, written] =
        width === 8 ? [~low >>> 0, low] : [0, width === 4 ? low : low % 2 ** (8 * width)];
      const answers = subjects.map((subject) => {
        const wrote = subject.write(address, width, written, high);
        return `${wrote} ${reads ? subject.read(address, width) : ''} ${subject.host.take()}`;
      });
      for (const answer of answers) {
        if (answer !== answers[0]) {
          expect.fail(`${width} bytes at ${address.toString(16)}: ${answers.join('\n')}`);
        }
      }
    }
  }
}

describe.each(Object.values(policies).map((policy) => [policy.name, policy] as const))('%s', (_, policy) => {
  describe.each(layouts.filter((layout) => !layout.malformed || policy.malformed === 'accepted'))(
    '$name',
    (layout) => {
      // A hardware domain differs in its writes only.
      const domains = layout.guestOnly ? (['guest'] as const) : (['guest', 'hardware'] as const);
      it.each(domains)('answers every access of a %s domain as the reference', (domain) => {
        const subjects = [reference, ...engines.filter((engine) => engine !== reference)].map((engine) =>
          subjectOf(engine, layout, policy, domain),
        );
        for (const page of layout.pages) {
          // From before the page, too: such an access may end on it.
          walk(subjects, page - 8, page + PAGE_SIZE, domain === 'guest');
        }
        expect(new Set(subjects.map((subject) => subject.state())).size).toBe(1);
      });
    },
  );
});
