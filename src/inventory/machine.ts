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
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  /** What the kernel calls it. */
  readonly name: string;
  /** 0: not within another. */
  readonly depth: number;
}

/** A function of a machine, as far as the sources show it. */
export interface InventoryFunction {
  /** Segment 0 where the sources have none. */
  readonly sbdf: Sbdf;
  /** The class and device names of `lspci`'s first line, or what stands for it. */
  readonly name: string;
  /** Vendor ID, 16 bits. Undefined: not shown; so with what follows. */
  readonly vendor: number | undefined;
  /** Device ID, 16 bits. */
  readonly device: number | undefined;
  /** 16 bits each. */
  readonly subsystem:
    | {
        /** Subsystem Vendor ID. */
        readonly vendor: number;
        /** Subsystem ID. */
        readonly device: number;
      }
    | undefined;
  /** By index; 6 is the expansion ROM. I/O BARs too. */
  readonly bars: readonly InventoryBar[];
  /** The indices are a guess by order: `lspci -v` does not print them. */
  readonly barsGuessed: boolean;
  /** COMMAND, memory decoding. */
  readonly decode: boolean | undefined;
  /** Undefined: it has none, or none is shown; so with `sriov` and `bridge`. */
  readonly msix: InventoryMsix | undefined;
  /** A physical function's. */
  readonly sriov: InventorySriov | undefined;
  /** A PCI-to-PCI bridge's. */
  readonly bridge: InventoryBridge | undefined;
  /** For resets. */
  readonly capabilities: Capabilities;
  /** By pin, or by MSI. */
  readonly interrupt: InventoryInterrupt;
  /** A virtual function's physical one. */
  readonly physicalFunction: Sbdf | undefined;
  /** Its number. */
  readonly iommuGroup: number | undefined;
  /** The kernel driver in use, by name. */
  readonly driver: string | undefined;
}

/** A BAR as the sources show it. */
export interface InventoryBar {
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** What it decodes. */
  readonly type: BarType;
  /** Undefined: not assigned. */
  readonly address: number | undefined;
  /** Bytes. Undefined: not shown. */
  readonly size: number | undefined;
  /** Bit 3 of a memory BAR's register. */
  readonly prefetchable: boolean;
  /** It is not decoded. */
  readonly disabled: boolean;
  /** Known to the system, not in the function's own BAR registers: those of SR-IOV virtual functions. */
  readonly virtual: boolean;
}

/** The MSI-X capability. */
export interface InventoryMsix extends MsixLayout {
  /** Message Control, bit 15. */
  readonly enabled: boolean;
  /** Message Control, bit 14: all vectors are. */
  readonly masked: boolean;
  /** Offset of the capability in config space. */
  readonly capability: number;
}

/** The SR-IOV capability. */
export interface InventorySriov {
  /** VF Enable. */
  readonly enabled: boolean;
  /** NumVFs: VFs that are switched on. */
  readonly numVfs: number;
  /** TotalVFs: VFs that can be switched on. */
  readonly totalVfs: number;
  /** First VF Offset: routing ID of the first VF less that of the physical function. */
  readonly offset: number;
  /** VF Stride: routing ID of each next VF less that of the one before. */
  readonly stride: number;
  /** Bytes. */
  readonly systemPageSize: number;
  /** Bytes, ascending: what System Page Size can be set to. */
  readonly supportedPageSizes: readonly number[];
  /** By index; `address` is that of the first VF, `size` that of one VF. */
  readonly bars: readonly InventoryBar[];
}

/** A bridge's buses and windows. */
export interface InventoryBridge {
  /** Number of the bus behind it. */
  readonly secondary: number;
  /** Highest number of a bus behind it. */
  readonly subordinate: number;
  /** That are open. */
  readonly windows: readonly BridgeWindow[];
}

/** Memory [start, end) that a bridge passes on. */
export interface BridgeWindow {
  /** First byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  /** The window for prefetchable memory. */
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
  /** PCI Express capability. */
  readonly express?: number;
  /** Power Management capability. */
  readonly powerManagement?: number;
  /** Advanced Features capability. */
  readonly advancedFeatures?: number;
  /** BARs are fixed by this capability, whatever the registers say. */
  readonly enhancedAllocation?: number;
  /** A function level reset is implemented. */
  readonly functionLevelReset: boolean;
  /** D3hot to D0 does not reset. */
  readonly noSoftReset: boolean;
}
