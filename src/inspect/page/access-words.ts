import { Explainer, type Explanation } from '../../explain.js';
import { hex } from '../../hexadecimal.js';
import type { InventoryFunction } from '../../inventory/machine.js';
import { policies } from '../../policy.js';
import type { LoggedAccess } from './access-log.js';

/** An access in words. */
export interface AccessWords {
  /** `0000:00:08.0 BAR0+0x80`, or an address. */
  readonly place: string;
  /** Whose bytes they are. */
  readonly bytes: string;
  /** What became of it. */
  readonly effect: string;
  readonly reasons: readonly { readonly rule: string; readonly source: string }[];
}

/** Machines that are kept: each has a linear memory of its own. */
const MACHINES = 8;
const EXPLANATIONS = 8192;

/** Says accesses in the words of `explain`, each place once. */
export class Words {
  private readonly inventory: (epoch: number) => readonly InventoryFunction[] | undefined;
  private readonly machines = new Map<number, Explainer>();
  private readonly explained = new Map<string, Explanation>();

  constructor(inventory: (epoch: number) => readonly InventoryFunction[] | undefined) {
    this.inventory = inventory;
  }

  /** True: `of` answers at once. */
  knows({ epoch, address, width }: LoggedAccess): boolean {
    return this.explained.has(`${epoch} ${address} ${width}`);
  }

  /** Undefined: the machine that the access met is not known any more. */
  of(access: LoggedAccess): AccessWords | undefined {
    const explanation = this.explanation(access);
    if (!explanation) return undefined;
    const { parts, policies: answers } = explanation;
    const [{ read, writes, reasons }] = answers;
    const [{ sbdf, region, offset }] = parts;
    const outcome = access.write ? (writes[writes.length > 1 ? maskBit(access) : 0] ?? writes[0]) : read;
    return {
      place: sbdf === undefined ? hex(access.address) : `${sbdf} ${region}+${hex(offset ?? 0)}`,
      bytes: parts.map(({ text }) => text).join('; '),
      effect: outcome.text,
      reasons,
    };
  }

  clear(): void {
    this.machines.clear();
    this.explained.clear();
  }

  private explanation({ epoch, address, width }: LoggedAccess): Explanation | undefined {
    const key = `${epoch} ${address} ${width}`;
    const known = this.explained.get(key);
    if (known) return known;
    const explanation = this.machine(epoch)?.explain(address, width);
    if (!explanation) return undefined;
    if (this.explained.size >= EXPLANATIONS) this.explained.clear();
    this.explained.set(key, explanation);
    return explanation;
  }

  private machine(epoch: number): Explainer | undefined {
    const known = this.machines.get(epoch);
    if (known) return known;
    const inventory = this.inventory(epoch);
    if (!inventory) return undefined;
    const made = new Explainer(inventory, { policies: [policies.strict], trapAll: true, software: true });
    for (const oldest of this.machines.keys()) {
      if (this.machines.size < MACHINES) break;
      this.machines.delete(oldest);
    }
    this.machines.set(epoch, made);
    return made;
  }
}

/** Bit 0 of vector control, which a write of 4 bytes has in its low and one of 8 in its high lane. */
const maskBit = ({ width, low, high }: LoggedAccess): number => (width === 8 ? high : low) & 1;
