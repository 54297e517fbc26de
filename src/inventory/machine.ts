import type { MsixLayout } from '../function.js';
import type { BarType } from '../host.js';
import type { Sbdf } from '../sbdf.js';

/** A machine as its operating system shows it. */
export interface Machine {
  /** By SBDF, each once. */
  readonly functions: readonly InventoryFunction[];
  /** What `/proc/iomem` lists, in its order. Empty: not given, or addresses hidden. */
  readonly memory: readonly MemoryRange[];
  /** What the sources do not show, and so no finding covers: a sentence each. */
  readonly unseen: readonly string[];
}

/** A line of `/proc/iomem`. Bytes [start, end). */
export interface MemoryRange {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** 0: not within another. */
  readonly depth: number;
}

/** A function of a machine, as far as the sources show it. */
export interface InventoryFunction {
  readonly sbdf: Sbdf;
  /** The class and device names of `lspci`'s first line, or what stands for it. */
  readonly name: string;
  readonly vendor: number | undefined;
  readonly device: number | undefined;
  readonly subsystem: { readonly vendor: number; readonly device: number } | undefined;
  /** By index; 6 is the expansion ROM. I/O BARs too. */
  readonly bars: readonly InventoryBar[];
  /** The indices are a guess by order: `lspci -v` does not print them. */
  readonly barsGuessed: boolean;
  /** COMMAND, memory decoding. */
  readonly decode: boolean | undefined;
  readonly msix: InventoryMsix | undefined;
  readonly sriov: InventorySriov | undefined;
  readonly bridge: InventoryBridge | undefined;
  readonly capabilities: Capabilities;
  readonly interrupt: InventoryInterrupt;
  /** A virtual function's physical one. */
  readonly physicalFunction: Sbdf | undefined;
  readonly iommuGroup: number | undefined;
  readonly driver: string | undefined;
}

export interface InventoryBar {
  readonly index: number;
  readonly type: BarType;
  /** Undefined: not assigned. */
  readonly address: number | undefined;
  /** Bytes. Undefined: not shown. */
  readonly size: number | undefined;
  readonly prefetchable: boolean;
  readonly disabled: boolean;
  /** Known to the system, not in the function's own BAR registers: those of SR-IOV virtual functions. */
  readonly virtual: boolean;
}

export interface InventoryMsix extends MsixLayout {
  readonly enabled: boolean;
  readonly masked: boolean;
  /** Offset of the capability in config space. */
  readonly capability: number;
}

/** The SR-IOV capability. */
export interface InventorySriov {
  /** VF Enable. */
  readonly enabled: boolean;
  /** VFs that are switched on, and that can be. */
  readonly numVfs: number;
  readonly totalVfs: number;
  /** Routing ID of the first VF less that of the physical function, and of each next one less the one before. */
  readonly offset: number;
  readonly stride: number;
  /** Bytes. */
  readonly systemPageSize: number;
  /** Bytes, ascending: what System Page Size can be set to. */
  readonly supportedPageSizes: readonly number[];
  /** By index; `address` is that of the first VF, `size` that of one VF. */
  readonly bars: readonly InventoryBar[];
}

export interface InventoryBridge {
  readonly secondary: number;
  readonly subordinate: number;
  /** That are open. */
  readonly windows: readonly BridgeWindow[];
}

/** Memory [start, end) that a bridge passes on. */
export interface BridgeWindow {
  readonly start: number;
  readonly end: number;
  readonly prefetchable: boolean;
}

/** How a function interrupts. */
export interface InventoryInterrupt {
  /** 1 to 4: INTA to INTD. 0: none. */
  readonly pin: number | undefined;
  /** What the system routed the pin to. */
  readonly irq: number | undefined;
  /** COMMAND, INTx disabled. */
  readonly intxDisabled: boolean;
  /** MSI, not MSI-X, is enabled. */
  readonly msiEnabled: boolean;
}

/** Offsets in config space of the capabilities through which a function is reset, and what they say. */
export interface Capabilities {
  readonly express?: number;
  readonly powerManagement?: number;
  readonly advancedFeatures?: number;
  /** BARs are fixed by this capability, whatever the registers say. */
  readonly enhancedAllocation?: number;
  /** A function level reset is implemented. */
  readonly functionLevelReset: boolean;
  /** D3hot to D0 does not reset. */
  readonly noSoftReset: boolean;
}
