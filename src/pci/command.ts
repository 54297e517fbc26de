import type { FunctionOwner, PciFunction } from './function.js';
import { COMMAND, INTX_DISABLE, MEMORY } from './header.js';

/** Writes the physical COMMAND: as the guest has it, and without INTx where it uses MSI-X instead. */
export function writeCommand(owner: FunctionOwner, fn: PciFunction, memory: boolean): void {
  const quiet = owner.policy.intx === 'disabled' && !owner.hardware && fn.msixState?.enabled;
  const value = fn.command | (memory ? MEMORY : 0) | (quiet ? INTX_DISABLE : 0);
  fn.host.writeConfig?.(fn.sbdf, COMMAND, value);
}
