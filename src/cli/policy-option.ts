import { InputError } from '../input-error.js';
import { type Policy, policies } from '../policy.js';

/** What `--policy` names. Throws `InputError`. */
export function policyOption(name: string): Policy {
  const policy = Object.values(policies).find((one) => one.name === name);
  if (policy) return policy;
  throw new InputError(`--policy: expected ${Object.keys(policies).join(', ')}, got ${name}`);
}
