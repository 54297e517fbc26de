import type { FunctionOwner, PciFunction } from './function.js';

/** The COMMAND register's offset. */
export const COMMAND = 0x04;
/** Its bits: memory decoding, legacy interrupt disabled (PCI 3.0 6.2.2). */
export const MEMORY = 1 << 1;
const INTX_DISABLE = 1 << 10;

/** Writes the physical COMMAND: as the guest has it, and without INTx where it uses MSI-X instead. */
export function writeCommand(owner: FunctionOwner, fn: PciFunction, memory: boolean): void {
  const quiet = owner.policy.intx === 'disabled' && !owner.hardware && fn.msixState?.enabled;
  const value = fn.command | (memory ? MEMORY : 0) | (quiet ? INTX_DISABLE : 0);
  fn.host.writeConfig?.(fn.sbdf, COMMAND, value);
}
