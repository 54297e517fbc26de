import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../src/access.js';
import { type Policy, policies } from '../../src/policy.js';
import { doors, type Engine, engines } from '../engines.js';
import { type Layout, layouts } from '../layouts.js';
import { Subject } from '../subject.js';

const WIDTHS = [1, 2, 4, 8];

/** A subject with the layout's functions, MSI-X enabled; undefined where the policy refuses them. */
function subjectOf(engine: Engine, layout: Layout, policy: Policy, domain: 'guest' | 'hardware') {
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
function walk(subjects: readonly Subject[], from: number, to: number): void {
  for (const width of WIDTHS) {
    for (let address = from; address < to; address++) {
      const low = Math.imul(address % 0x10000, 0x9e3779b1) >>> 0;
      const [high, written] =
        width === 8 ? [~low >>> 0, low] : [0, width === 4 ? low : low % 2 ** (8 * width)];
      const answers = subjects.map((subject) => {
        const wrote = subject.write(address, width, written, high);
        return `${wrote} ${subject.read(address, width)} ${subject.host.take()}`;
      });
      for (const answer of answers) {
        if (answer !== answers[0]) {
          expect.fail(`${width} bytes at ${address.toString(16)}: ${answers.join('\n')}`);
        }
      }
    }
  }
}

/** Around the PBA, the one place where the domain matters. */
function pbaOf({ bars, msix }: Layout['functions'][number]): [number, number][] {
  const bar = bars.find(({ index }) => index === msix?.pba.bir);
  if (!msix || !bar) return [];
  const start = bar.address + msix.pba.offset;
  return [[start - 16, start + 8 * Math.ceil(msix.count / 64) + 16]];
}

const named = Object.values(policies).map((policy) => [policy.name, policy] as const);

describe.each(named)('%s', (_, policy) => {
  // The other doors are ways into the same code: one policy will do.
  const compared = policy === policies.strict ? [...engines, ...doors] : engines;
  const accepted = layouts.filter((layout) => !layout.malformed || policy.malformed === 'accepted');

  describe.each(accepted)('$name', (layout) => {
    it('answers every access of a guest domain as the reference', () => {
      const subjects = compared.map((engine) => subjectOf(engine, layout, policy, 'guest'));
      // From before the page, too: such an access may end on it.
      for (const page of layout.pages) walk(subjects, page - 8, page + PAGE_SIZE);
      expect(new Set(subjects.map((subject) => subject.state())).size).toBe(1);
    });
  });

  describe.each(accepted.filter((layout) => !layout.guestOnly))('$name', (layout) => {
    it('answers every access to the PBA of the hardware domain as the reference', () => {
      const subjects = compared.map((engine) => subjectOf(engine, layout, policy, 'hardware'));
      for (const [from, to] of layout.functions.flatMap(pbaOf)) walk(subjects, from, to);
    });
  });
});
