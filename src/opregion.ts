/**
 * The OpRegion of an Intel graphics device, for a guest.
 *
 * @module trapline/opregion
 */

export type { GuestRegister } from './function.js';
export {
  type OpRegion,
  type OpRegionOptions,
  type OpRegionRefusal,
  type OpRegionSpan,
  openOpRegion,
} from './regions/opregion.js';
export type { DriverField } from './regions/opregion-fields.js';
export type { ByteReader, PhysicalMemory } from './regions/physical-memory.js';
