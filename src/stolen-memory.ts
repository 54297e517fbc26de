/**
 * Intel graphics' stolen memory: its registers, and a plan of a guest's.
 *
 * @module trapline/stolen-memory
 */

export type { Width } from './access.js';
export { type ErrorCode, TraplineError } from './errors.js';
export type { AddressRange, NamedRange } from './regions/address-range.js';
export { type E820Entry, e820Table, legacyHole } from './regions/e820.js';
export {
  decodeGraphicsControl,
  encodeGraphicsControl,
  type GraphicsControl,
  type GraphicsControlFields,
} from './regions/graphics-control.js';
export {
  type GraphicsGeneration,
  graphicsGeneration,
  graphicsGenerations,
} from './regions/graphics-generation.js';
export { moveTableEntry } from './regions/graphics-table-entry.js';
export { type IommuBypass, iommuBypass } from './regions/iommu-bypass.js';
export { type MemoryPage, MemoryRegion } from './regions/memory-region.js';
export {
  decodeReservedMemoryRegion,
  encodeReservedMemoryRegion,
  type ReservedMemoryRegion,
} from './regions/reserved-memory-region.js';
export {
  decodeStolenBase,
  encodeStolenBase,
  type StolenBaseRegisters,
  stolenLimit,
} from './regions/stolen-base.js';
export { type OpenStolenMemory, openStolenMemory, type StolenStore } from './regions/stolen-clearing.js';
export {
  type IovaMapping,
  planStolenMemory,
  platformRanges,
  type StolenBacking,
  type StolenPlan,
  type StolenRequest,
} from './regions/stolen-memory.js';
export { isGraphicsRegister, type StolenRegister, stolenRegisters } from './regions/stolen-registers.js';
export { decodeStolenReserved, type StolenReserved } from './regions/stolen-reserved.js';
export type { Sbdf } from './sbdf.js';
