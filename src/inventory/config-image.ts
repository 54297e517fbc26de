import { barRegister, isWide, romAddress } from '../pci/bar-register.js';
import {
  CAPABILITY_LIST,
  capabilities,
  MSI,
  PCI_EXPRESS,
  POWER_MANAGEMENT,
  STATUS,
} from '../pci/capabilities.js';
import {
  CLASS,
  COMMAND,
  DEVICE_ID,
  FIRST_BAR,
  headerOf,
  headerType,
  INTX_DISABLE,
  IO,
  MEMORY,
  ROM_ENABLE,
  VENDOR_ID,
} from '../pci/header.js';
import { FUNCTION_MASK, MESSAGE_CONTROL, MSIX_ENABLE, readMsix } from '../pci/msix-capability.js';
import type { Sbdf } from '../sbdf.js';
import { type EnhancedBars, enhancedBars } from './enhanced-allocation.js';
import type { BridgeWindow, Capabilities, InventoryBar, InventoryMsix, InventorySriov } from './machine.js';
import type { SeenFunction } from './seen-function.js';

/** What is shown of a configuration space: the header, 256 bytes, all. */
const HEADER = 0x40;
const STANDARD = 256;
const EXTENDED = 4096;

const INTERRUPT_PIN = 0x3d;
const SUBSYSTEM = 0x2c;
/** PCI-to-PCI bridge 1.2, 3.2. */
const SECONDARY = 0x19;
const SUBORDINATE = 0x1a;
const MEMORY_BASE = 0x20;
const PREFETCHABLE_BASE = 0x24;
const PREFETCHABLE_UPPER_BASE = 0x28;
const PREFETCHABLE_UPPER_LIMIT = 0x2c;

/** Capability ids (PCI code and ID assignment 1.11). */
const SUBSYSTEM_ID = 0x0d;
const ADVANCED_FEATURES = 0x13;
const ENHANCED_ALLOCATION = 0x14;
const SRIOV = 0x0010;
const SRIOV_LENGTH = 0x40;

/** True for the lengths in which `lspci` and the kernel show a configuration space; any other breaks off. */
export const isWhole = (length: number): boolean => [HEADER, 128, STANDARD, EXTENDED].includes(length);

/**
 * What the first bytes of a configuration space, however many, show of a function: nothing below 64. What an interrupt
 * pin is routed to is not there: Interrupt Line is the firmware's word, and systems route anew.
 */
export function seenInImage(sbdf: Sbdf, bytes: Uint8Array): SeenFunction | undefined {
  // PCI 3.0 6.1: nobody answers.
  if (bytes.length < HEADER || bytes.every((byte) => byte === 0xff)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = headerType(bytes);
  const isBridge = type === 1;
  const command = view.getUint16(COMMAND, true);
  const vendor = view.getUint16(VENDOR_ID, true);
  const pin = bytes[INTERRUPT_PIN];
  const listed = listedIn(bytes, view, isBridge);
  return {
    sbdf,
    classCode: view.getUint16(CLASS, true),
    // A virtual function's own read all ones (PCIe 9.3.4.1).
    ...(vendor !== 0xffff && { vendor, device: view.getUint16(DEVICE_ID, true) }),
    subsystem: type === 0 ? identifiers(view, SUBSYSTEM) : listed?.subsystem,
    bars: replaced(barsOf(view, command), listed?.enhanced.bars ?? []),
    decode: (command & MEMORY) !== 0,
    msix: listed?.msix,
    sriov: listed?.sriov,
    bridge: isBridge
      ? { secondary: bytes[SECONDARY], subordinate: bytes[SUBORDINATE], windows: windowsOf(view) }
      : undefined,
    capabilities: listed?.capabilities,
    interrupt: {
      pin: pin <= 4 ? pin : 0,
      intxDisabled: (command & INTX_DISABLE) !== 0,
      msiEnabled: listed?.msiEnabled,
    },
  };
}

interface Listed extends Pick<SeenFunction, 'msix' | 'sriov' | 'subsystem'> {
  readonly capabilities: Capabilities;
  readonly msiEnabled: boolean;
  readonly enhanced: EnhancedBars;
}

/** What the capabilities say. Undefined: they are not shown. */
function listedIn(bytes: Uint8Array, view: DataView, isBridge: boolean): Listed | undefined {
  const has = (bytes[STATUS] & CAPABILITY_LIST) !== 0;
  if (has && bytes.length < STANDARD) return undefined;
  const image = bytes.subarray(0, bytes.length < EXTENDED ? STANDARD : EXTENDED);
  const { standard, extended } = has ? capabilities(image) : { standard: [], extended: [] };
  const at = (id: number) => standard.find((item) => item.id === id && item.offset + 8 <= STANDARD)?.offset;
  const word = (offset: number | undefined, from: number) =>
    offset === undefined ? 0 : view.getUint16(offset + from, true);
  const express = at(PCI_EXPRESS);
  const powerManagement = at(POWER_MANAGEMENT);
  const advancedFeatures = at(ADVANCED_FEATURES);
  const enhancedAllocation = at(ENHANCED_ALLOCATION);
  const subsystem = at(SUBSYSTEM_ID);
  const enhanced = enhancedBars(image, enhancedAllocation, isBridge);
  const sriov = extended.find(({ id, offset }) => id === SRIOV && offset + SRIOV_LENGTH <= EXTENDED);
  // Conventional PCI has no more than 256 bytes.
  const hasAll = image.length === EXTENDED || express === undefined;
  return {
    // Device Capabilities bit 28 (PCIe 7.5.3.3), AF Capabilities bit 1, PMCSR bit 3 (PCI PM 1.2, 3.2.4).
    capabilities: {
      ...(express !== undefined && { express }),
      ...(powerManagement !== undefined && { powerManagement }),
      ...(advancedFeatures !== undefined && { advancedFeatures }),
      ...(enhancedAllocation !== undefined && { enhancedAllocation }),
      functionLevelReset: (word(express, 6) & 0x1000) !== 0 || (word(advancedFeatures, 2) & 0x200) !== 0,
      noSoftReset: (word(powerManagement, 4) & 8) !== 0,
    },
    msix: (has && msixOf(image, view)) || 'none',
    sriov: sriov ? sriovOf(view, sriov.offset, enhanced.virtualBars) : hasAll ? 'none' : undefined,
    msiEnabled: (word(at(MSI), MESSAGE_CONTROL) & 1) !== 0,
    subsystem: subsystem === undefined ? undefined : identifiers(view, subsystem + 4),
    enhanced,
  };
}

function identifiers(view: DataView, offset: number): SeenFunction['subsystem'] {
  const vendor = view.getUint16(offset, true);
  const device = view.getUint16(offset + 2, true);
  return vendor === 0 || vendor === 0xffff ? undefined : { vendor, device };
}

function msixOf(image: Uint8Array, view: DataView): InventoryMsix | undefined {
  const msix = readMsix(image);
  if (!msix) return undefined;
  const control = view.getUint16(msix.capability + MESSAGE_CONTROL, true);
  return { ...msix, enabled: (control & MSIX_ENABLE) !== 0, masked: (control & FUNCTION_MASK) !== 0 };
}

/** Registers tell no sizes, and nothing of a 32-bit BAR that is not assigned. */
function barsOf(view: DataView, command: number): InventoryBar[] {
  const header = headerOf(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  const bars = registers(view, FIRST_BAR, header.bars, command);
  const rom = header.rom > 0 ? view.getUint32(header.rom, true) : 0;
  const address = romAddress(rom);
  if (address === 0) return bars;
  const disabled = (rom & ROM_ENABLE) === 0 || (command & MEMORY) === 0;
  return [
    ...bars,
    { index: 6, type: 'rom', address, size: undefined, prefetchable: false, disabled, virtual: false },
  ];
}

function registers(view: DataView, first: number, count: number, command: number): InventoryBar[] {
  const bars: InventoryBar[] = [];
  for (let index = 0; index < count; index++) {
    const at = first + 4 * index;
    const low = view.getUint32(at, true);
    const wide = isWide(low);
    const high = wide && index + 1 < count ? view.getUint32(at + 4, true) : 0;
    const { type, address, prefetchable } = barRegister(low, high);
    if (low !== 0 || address !== 0) {
      bars.push({
        index,
        type,
        address: address || undefined,
        size: undefined,
        prefetchable,
        disabled: (command & (type === 'io' ? IO : MEMORY)) === 0,
        virtual: false,
      });
    }
    if (wide) index++;
  }
  return bars;
}

/** The registers of BARs in Enhanced Allocation read zero (PCIe 7.8.5). */
function replaced(bars: readonly InventoryBar[], by: readonly InventoryBar[]): InventoryBar[] {
  const kept = bars.filter((bar) => !by.some(({ index }) => index === bar.index));
  return [...kept, ...by].sort((a, b) => a.index - b.index);
}

/** PCIe 9.3.3. The size of a virtual function's BAR is told by writing to it only. */
function sriovOf(view: DataView, at: number, enhanced: readonly InventoryBar[]): InventorySriov {
  const word = (offset: number) => view.getUint16(at + offset, true);
  const enabled = (word(8) & 1) !== 0;
  const spaceEnabled = (word(8) & 8) !== 0 ? MEMORY : 0;
  return {
    enabled,
    numVfs: enabled ? word(0x10) : 0,
    totalVfs: word(0x0e),
    offset: word(0x14),
    stride: word(0x16),
    supportedPageSizes: pageSizes(view.getUint32(at + 0x1c, true)),
    systemPageSize: pageSizes(view.getUint32(at + 0x20, true))[0] ?? 4096,
    bars: replaced(registers(view, at + 0x24, 6, spaceEnabled), enhanced),
  };
}

/** PCIe 9.3.3.12: bit n is 2^(n + 12) bytes. */
export function pageSizes(bits: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit)
    .filter((bit) => (bits >>> bit) & 1)
    .map((bit) => 2 ** (bit + 12));
}

/** PCI-to-PCI bridge 1.2, 3.2.5.8 to 3.2.5.11: in units of 1 MiB, base above limit where closed. */
function windowsOf(view: DataView): BridgeWindow[] {
  const word = (offset: number) => view.getUint16(offset, true);
  const base = (offset: number) => (word(offset) & 0xfff0) * 2 ** 16;
  const isWide = (word(PREFETCHABLE_BASE) & 0xf) === 1;
  const upper = (offset: number) => (isWide ? view.getUint32(offset, true) * 2 ** 32 : 0);
  return [
    { start: base(MEMORY_BASE), end: base(MEMORY_BASE + 2) + 2 ** 20, prefetchable: false },
    {
      start: base(PREFETCHABLE_BASE) + upper(PREFETCHABLE_UPPER_BASE),
      end: base(PREFETCHABLE_BASE + 2) + upper(PREFETCHABLE_UPPER_LIMIT) + 2 ** 20,
      prefetchable: true,
    },
  ].filter(({ start, end }) => start > 0 && end > start);
}
