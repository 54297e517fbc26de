/**
 * Which functions of a machine can be passed through safely, and the inventory that dispatchers share.
 *
 * @module trapline/audit
 */

export { type Audit, type AuditOptions, audit, hasFinding } from './audit/audit.js';
export type { Finding, FoundRange, Severity } from './audit/finding.js';
export { findings } from './audit/findings.js';
export { type Edge, type PassthroughGroup, passthroughGroups, type Reason } from './audit/groups.js';
export { Inventory, type Peer, SharedPageError } from './audit/inventory.js';
export type { Growth, Move, Placement, Unplaced } from './audit/placement.js';
export { type AlignAll, type Plan, plan } from './audit/plan.js';
export type { FindingCode } from './audit/rules.js';
export type {
  BridgeWindow,
  Capabilities,
  InventoryBar,
  InventoryBridge,
  InventoryFunction,
  InventoryInterrupt,
  InventoryMsix,
  InventorySriov,
  Machine,
  MemoryRange,
} from './inventory/machine.js';
