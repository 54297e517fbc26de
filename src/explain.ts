import type { Width } from './access.js';
import { Machine } from './explain/machine.js';
import { type Outcome, readOutcome, writeOutcomes } from './explain/outcome.js';
import { holds, type Part, partsOf } from './explain/place.js';
import { type Reason, reasonsFor } from './explain/rules.js';
import type { InventoryFunction } from './inventory/machine.js';
import { type Policy, policies } from './policy.js';

export interface ExplainOptions {
  /** Default: all three. */
  readonly policies?: readonly Policy[];
  /** Whose accesses they are. Default: `guest`. */
  readonly domain?: 'guest' | 'hardware';
}

/** What an access to a machine touches, and what each policy makes of it. */
export interface Explanation {
  readonly address: number;
  readonly width: Width;
  /** Whose bytes they are, as policy strict sees it: low address first, a part for each owner. */
  readonly parts: readonly Part[];
  readonly policies: readonly PolicyAnswer[];
}

export interface PolicyAnswer {
  readonly policy: Policy['name'];
  readonly read: Outcome;
  /** One, or where bit 0 of vector control decides two: bit clear, bit set. */
  readonly writes: readonly Outcome[];
  readonly reasons: readonly Reason[];
}

/**
 * Runs the access through a dispatcher for each policy to which all functions of the inventory are assigned as they are
 * listed, guest addresses being host addresses. What lspci does not tell is assumed: the table entries are written and
 * masked. Throws `TraplineError` where a function cannot be assigned.
 */
export function explain(
  inventory: readonly InventoryFunction[],
  address: number,
  width: Width,
  { policies: asked = Object.values(policies), domain = 'guest' }: ExplainOptions = {},
): Explanation {
  const strict = new Machine(inventory, policies.strict, domain);
  const listed = inventory.filter(({ bars }) =>
    bars.some((bar) => holds(bar, address) || holds(bar, address + width - 1)),
  );
  const refusalsOf = ({ refusals }: Machine) => listed.flatMap((fn) => refusals.get(fn) ?? []);
  const malformed = refusalsOf(strict).some(({ code }) => code === 'bad-msix-capability');
  const parts = partsOf(inventory, strict.dispatcher, address, width);
  return {
    address,
    width,
    parts,
    policies: asked.map((policy) => {
      const machine = policy === policies.strict ? strict : new Machine(inventory, policy, domain);
      const read = readOutcome(machine, address, width);
      const writes = writeOutcomes(machine, address, width);
      const refusals = refusalsOf(machine);
      const reasons = reasonsFor({
        policy,
        domain,
        address,
        parts,
        read,
        writes,
        refusals,
        malformed: malformed && policy.malformed === 'accepted',
      });
      return { policy: policy.name, read, writes, reasons };
    }),
  };
}
