/**
 * Functions of PCI whose trapped accesses are answered: the dispatcher, what it is given and what it returns.
 *
 * @module trapline
 */

export { ADDRESS_LIMIT, PAGE_SIZE, UNCLAIMED, type Width } from './access.js';
export type { Diagnostic, DiagnosticCode, DiagnosticLevel, DiagnosticLimit } from './diagnostics.js';
export {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
  type Fallback,
  type Trap,
} from './dispatcher.js';
export type { ModuleDoors, V86Doors } from './engine/core.js';
export { type ErrorCode, TraplineError } from './errors.js';
export type {
  AssignedFunction,
  BarDescription,
  BarOffset,
  ConfigRegisters,
  DecodeResult,
  DirectRange,
  FunctionDescription,
  GuestRange,
  GuestRegister,
  Location,
  MappedRange,
  MsixLayout,
  RegionRange,
  SoftwareDescription,
  SoftwareFunction,
  TrappedFunction,
  TrapRange,
} from './function.js';
export type { Bar, BarType, GuestMapping, Host, HostPage, PageHandler, PageHost, Vector } from './host.js';
export type { OwnPage } from './memory/own-pages.js';
export type { DeviceModel, Interrupts, Raised } from './msix/device-model.js';
export {
  type DeliveryMode,
  decodeMessage,
  type InterruptMessage,
  type Message,
  type RemappableMessage,
} from './msix/message.js';
export { type Capability, type CapabilityLists, capabilities, hideCapabilities } from './pci/capabilities.js';
export { describeImage } from './pci/image.js';
export { type Policy, policies } from './policy.js';
export type { Ring } from './ring.js';
export { formatSbdf, parseSbdf, type Sbdf } from './sbdf.js';
export type { HeldBar, HeldFunction, SharedMachine } from './shared-machine.js';
export type { BarSnapshot, FunctionSnapshot, MsixSnapshot, RangeSnapshot, Snapshot } from './snapshot.js';
export type { ByteRegion, DeviceRegion } from './vfio/device-region.js';
export type { RegionDoor, RegionDoorOptions } from './vfio/door.js';
export { type Errno, errno } from './vfio/errno.js';
export {
  type ByteRange,
  type RegionInfo,
  type RegionPosition,
  regionFlags,
  regionOffset,
} from './vfio/region.js';
