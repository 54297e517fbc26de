import type { Width } from './access.js';
import { type Outcome, readOutcome, writeOutcomes } from './explain/outcome.js';
import { holds, type Part, partsOf } from './explain/place.js';
import { PolicyMachine, type Serving } from './explain/policy-machine.js';
import { type Reason, reasonsFor } from './explain/rules.js';
import type { InventoryFunction } from './inventory/machine.js';
import { type Policy, policies } from './policy.js';

export interface ExplainOptions extends Serving {
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
  options?: ExplainOptions,
): Explanation {
  return new Explainer(inventory, options).explain(address, width);
}

/** `explain` for many accesses to one machine. */
export class Explainer {
  private readonly inventory: readonly InventoryFunction[];
  private readonly domain: 'guest' | 'hardware';
  private readonly strict: PolicyMachine;
  private readonly machines: readonly { readonly policy: Policy; readonly machine: PolicyMachine }[];

  /** Throws `TraplineError` where a function cannot be assigned. */
  constructor(
    inventory: readonly InventoryFunction[],
    { policies: asked = Object.values(policies), domain = 'guest', ...serving }: ExplainOptions = {},
  ) {
    this.inventory = inventory;
    this.domain = domain;
    this.strict = new PolicyMachine(inventory, policies.strict, domain, serving);
    this.machines = asked.map((policy) => ({
      policy,
      machine:
        policy === policies.strict ? this.strict : new PolicyMachine(inventory, policy, domain, serving),
    }));
  }

  explain(address: number, width: Width): Explanation {
    const { inventory, domain, strict } = this;
    strict.reset();
    const listed = inventory.filter(({ bars }) =>
      bars.some((bar) => holds(bar, address) || holds(bar, address + width - 1)),
    );
    const refusalsOf = ({ refusals }: PolicyMachine) => listed.flatMap((fn) => refusals.get(fn) ?? []);
    const malformed = refusalsOf(strict).some(({ code }) => code === 'bad-msix-capability');
    const parts = partsOf(inventory, strict.dispatcher, address, width);
    return {
      address,
      width,
      parts,
      policies: this.machines.map(({ policy, machine }) => {
        if (machine !== strict) machine.reset();
        const read = readOutcome(machine, address, width);
        const writes = writeOutcomes(machine, address, width);
        const reasons = reasonsFor({
          policy,
          domain,
          address,
          parts,
          read,
          writes,
          refusals: refusalsOf(machine),
          malformed: malformed && policy.malformed === 'accepted',
        });
        return { policy: policy.name, read, writes, reasons };
      }),
    };
  }
}
