import {
  ADVANCED_ERROR_REPORTING,
  type Capability,
  type CapabilityLists,
  MSI,
  PCI_EXPRESS,
  POWER_MANAGEMENT,
} from './capabilities.js';
import type { RegisterMasks } from './config-space.js';
import { headerType } from './header.js';

const MSI_64_BIT = 1 << 7;
const MSI_MASKABLE = 1 << 8;

/** Masks of the registers that software may write and nothing listens to; all else is read-only. */
export function registerMasks(image: Uint8Array, lists: CapabilityLists): RegisterMasks[] {
  return [
    ...(headerType(image) === 1 ? BRIDGE : DEVICE),
    ...lists.standard.flatMap((capability) => standardMasks(image, capability)),
    ...lists.extended.flatMap(extendedMasks),
  ];
}

// PCI 3.0 6.2: status is write-1-to-clear in its error bits; cache line size, latency timer, interrupt line.
const DEVICE: readonly RegisterMasks[] = [
  { offset: 0x06, width: 2, clearable: 0xf900 },
  { offset: 0x0c, width: 1, writable: 0xff },
  { offset: 0x0d, width: 1, writable: 0xff },
  { offset: 0x3c, width: 1, writable: 0xff },
];

// PCI-to-PCI bridge 1.2, 3.2.5: bus numbers, secondary status, windows, bridge control.
const BRIDGE: readonly RegisterMasks[] = [
  ...DEVICE,
  { offset: 0x18, width: 4, writable: 0xffffffff },
  { offset: 0x1c, width: 2, writable: 0xf0f0 },
  { offset: 0x1e, width: 2, clearable: 0xf900 },
  { offset: 0x20, width: 4, writable: 0xfff0fff0 },
  { offset: 0x24, width: 4, writable: 0xfff0fff0 },
  { offset: 0x28, width: 4, writable: 0xffffffff },
  { offset: 0x2c, width: 4, writable: 0xffffffff },
  { offset: 0x30, width: 4, writable: 0xffffffff },
  { offset: 0x3e, width: 2, writable: 0x0bff, clearable: 0x0400 },
];

function standardMasks(image: Uint8Array, { id, offset }: Capability): RegisterMasks[] {
  if (id === POWER_MANAGEMENT) {
    // PCI PM 1.2, 3.2.4: power state, PME enable; PME status.
    return [{ offset: offset + 4, width: 2, writable: 0x0103, clearable: 0x8000 }];
  }
  if (id === MSI) return msiMasks(image, offset);
  if (id !== PCI_EXPRESS) return [];
  // PCIe 7.5.3: device, link, slot and root control and status, then the second ones.
  const masks: RegisterMasks[] = [
    { offset: offset + 0x08, width: 2, writable: 0x7fff },
    { offset: offset + 0x0a, width: 2, clearable: 0x000f },
    { offset: offset + 0x10, width: 2, writable: 0x0ffb },
    { offset: offset + 0x12, width: 2, clearable: 0xc000 },
    { offset: offset + 0x18, width: 2, writable: 0x1fff },
    { offset: offset + 0x1a, width: 2, clearable: 0x011f },
    { offset: offset + 0x1c, width: 2, writable: 0x001f },
    { offset: offset + 0x20, width: 4, clearable: 0x00010000 },
    { offset: offset + 0x28, width: 2, writable: 0xffff },
    { offset: offset + 0x30, width: 2, writable: 0xffff },
  ];
  return masks.filter((mask) => mask.offset + mask.width <= 256);
}

/** PCI 3.0 6.8.1: enable and multiple message enable; address; data; mask bits. */
function msiMasks(image: Uint8Array, offset: number): RegisterMasks[] {
  const control = image[offset + 2] | (image[offset + 3] << 8);
  const wide = (control & MSI_64_BIT) !== 0;
  const data = offset + (wide ? 12 : 8);
  const masks: RegisterMasks[] = [
    { offset: offset + 2, width: 2, writable: 0x0071 },
    { offset: offset + 4, width: 4, writable: 0xfffffffc },
    { offset: data, width: 2, writable: 0xffff },
  ];
  if (wide) masks.push({ offset: offset + 8, width: 4, writable: 0xffffffff });
  if (control & MSI_MASKABLE) masks.push({ offset: data + 4, width: 4, writable: 0xffffffff });
  return masks.filter((mask) => mask.offset + mask.width <= 256);
}

function extendedMasks({ id, offset }: Capability): RegisterMasks[] {
  if (id !== ADVANCED_ERROR_REPORTING || offset + 0x34 > 4096) return [];
  // PCIe 7.8.4: uncorrectable and correctable status, their masks and severity, control, root command and status.
  return [
    { offset: offset + 0x04, width: 4, clearable: 0xffffffff },
    { offset: offset + 0x08, width: 4, writable: 0xffffffff },
    { offset: offset + 0x0c, width: 4, writable: 0xffffffff },
    { offset: offset + 0x10, width: 4, clearable: 0xffffffff },
    { offset: offset + 0x14, width: 4, writable: 0xffffffff },
    { offset: offset + 0x18, width: 4, writable: 0x00000540 },
    { offset: offset + 0x2c, width: 4, writable: 0x00000007 },
    { offset: offset + 0x30, width: 4, clearable: 0x0000007f },
  ];
}
