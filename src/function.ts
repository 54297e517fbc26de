import type { Width } from './access.js';
import type { Bar, BarType, Vector } from './host.js';
import type { DeviceModel, Interrupts } from './msix/device-model.js';
import type { Sbdf } from './sbdf.js';
import type { ByteRegion } from './vfio/device-region.js';

/** A function as the embedder hands it over at `assign`. Addresses and sizes are in bytes. */
export interface FunctionDescription {
  /** `0000:bb:dd.f`, `bb:dd.f`, or segment << 16 | bus << 8 | device << 3 | function. */
  readonly sbdf: string | Sbdf;
  /** In any order; absent indices are empty. A `mem64` BAR takes the next index as well. */
  readonly bars: readonly BarDescription[];
  /** Default: that of `config`. A capability that `config` does not have is put into its list. */
  readonly msix?: MsixLayout;
  /** Memory decoding is on from the start. Default: off. */
  readonly decode?: boolean;
  /** A raw configuration space, 256 or 4096 bytes; see `describeImage`. Default: a bare header made from the rest. */
  readonly config?: Uint8Array;
  /** A virtual function: no memory-enable bit and no BAR registers of its own; `setDecode` follows its physical one. */
  readonly virtual?: boolean;
  /**
   * Pages that a BAR does not fill are trapped, and only the BAR's own bytes on them reach the guest: the safe way to
   * serve a function that shares pages with one of another guest. Policy strict only.
   */
  readonly trapOnly?: boolean;
  /** Assign it whatever is on its pages: guests then reach each other's functions (CVE-2024-31146). */
  readonly shareUnsafe?: boolean;
  /**
   * What is behind a function without hardware: MSI-X is emulated whole, and the host is asked for nothing but the
   * guest's mappings and the pages of the model's registers, whose host addresses tell the BARs apart.
   */
  readonly software?: DeviceModel;
  /** What the guest reads in place of the device's bytes. Policy strict only, if there are any. */
  readonly registers?: readonly GuestRegister[];
}

/** A register, little endian, that is the guest's and not the device's: no access to its bytes reaches the device. */
export interface GuestRegister {
  /** Configuration space behind the header, or a memory BAR. */
  readonly space: 'config' | `bar${0 | 1 | 2 | 3 | 4 | 5}`;
  /** Bytes from the start of the space, at any alignment. */
  readonly offset: number;
  /** Bytes. */
  readonly width: Width;
  /** `hardware`: no register of the guest's after all, the device answers. */
  readonly value: number | 'hardware';
  /** Configuration space: the guest may write it; a reset brings `value` back. Default: its writes are dropped. */
  readonly writable?: boolean;
}

/** A BAR as the embedder hands it over. */
export interface BarDescription {
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** Of `io`, accesses are answered by a region door only. */
  readonly type: BarType;
  /** Guest-physical, a multiple of the size (policy xenV3 and virtual functions: of 4096, below that size of 16). */
  readonly address: number;
  /** Bytes, a power of two. */
  readonly size: number;
  /** Host-physical. Default: `address`. */
  readonly hostAddress?: number;
  /** Bit 3 of a memory BAR's register. Default: false. */
  readonly prefetchable?: boolean;
  /** This BAR's own initial state. Default: the function's `decode`. */
  readonly enabled?: boolean;
}

/** The MSI-X capability's Table and PBA registers, taken apart. */
export interface MsixLayout {
  /** Entries, 1 to 2048. */
  readonly count: number;
  /** 16 bytes an entry. */
  readonly table: BarOffset;
  /** A bit a vector, in whole 8-byte words. */
  readonly pba: BarOffset;
  /** Configuration-space offset of the capability. Default: where `config` has it, else 0x60. */
  readonly capability?: number;
}

/** A place in a BAR. */
export interface BarOffset {
  /** BAR indicator: the BAR's index. */
  readonly bir: number;
  /** Bytes from the BAR's start; a multiple of 8. */
  readonly offset: number;
}

/**
 * - `okay`: decoding is as asked.
 * - `noop`: it was so before.
 * - `fail`: it could not be switched on; a diagnostic says why.
 */
export type DecodeResult = 'okay' | 'noop' | 'fail';

/** Configuration cycles of 1, 2 or 4 bytes, aligned; any other reads all ones and writes nothing. */
export interface ConfigRegisters {
  /** 256 or 4096. */
  readonly size: number;
  /** Unsigned. */
  read(offset: number, width: number): number;
  /** What is read-only in a register stays. */
  write(offset: number, width: number, value: number): void;
}

/** An assigned function. */
export interface TrappedFunction {
  /** Where the guest has it. */
  readonly sbdf: Sbdf;
  /** By index, without the empty ones. */
  readonly bars: readonly Bar[];
  /** Undefined: it has no MSI-X. */
  readonly msix: MsixLayout | undefined;
  /** The COMMAND register's memory decoding as last set. */
  readonly decoding: boolean;
  /** The 16-bit Message Control register: enable, function mask, table size - 1. 0 without MSI-X. */
  readonly messageControl: number;
  /** A guest's write of Message Control; only enable (bit 15) and function mask (bit 14) count. */
  writeMessageControl(value: number): void;
  /** A guest's write of COMMAND, memory decoding bit. */
  setDecode(on: boolean): DecodeResult;
  /**
   * A guest's write of a BAR, whose address bits below the size are hardwired to 0. False, and nothing moves, while the
   * BAR is enabled. In the hardware domain the host address moves with the guest's.
   */
  moveBar(index: number, address: number): boolean;
  /** State of one MSI-X entry. Throws `bad-argument` for an index outside the table. */
  vector(index: number): Vector;
  /** Regions that are no BAR, in the order in which they were placed first. */
  readonly ranges: readonly RegionRange[];
  /**
   * Traps the guest's accesses to a region from now on, whether or not memory decoding is on; the region answers them.
   * One that is placed already moves. `address` is a multiple of 4096; what the region does not fill of its last 16 bytes
   * is nobody's. Throws `bad-argument`; `overlap` where an enabled BAR, another range, or something else of the guest's is;
   * `out-of-memory`; `busy` as `deassign`; what the host throws. Then it is where it was. Policy strict only.
   */
  placeRegion(region: ByteRegion, address: number): void;
  /** Ends that. False: it is not placed. Throws `busy`. */
  removeRegion(region: ByteRegion): boolean;
}

/** A region at guest addresses. */
export interface RegionRange {
  /** As it was placed. */
  readonly region: ByteRegion;
  /** Guest-physical. */
  readonly address: number;
  /** Accesses reach it: always, but where restoring a snapshot failed. */
  readonly enabled: boolean;
}

/** Whose byte a guest address is. */
export interface Location {
  /** The function that has the byte. */
  readonly fn: TrappedFunction;
  /** Of a region that is no BAR: of type `region`. */
  readonly bar: Bar;
  /** Bytes from the BAR's start. */
  readonly offset: number;
  /**
   * `adjacent`: on a page with bytes of the table, the PBA or `registers` in the same BAR. `rom`: answered from the ROM's copy. `region`: by a region that is no BAR. `neighbour`: on a page that traps for another BAR's sake.
   * `direct`: on a page that need not trap.
   */
  readonly owner: 'table' | 'pba' | 'adjacent' | 'rom' | 'region' | 'neighbour' | 'direct';
}

/** Guest pages that map directly to host pages. Bytes, multiples of 4096. */
export interface MappedRange {
  /** Guest-physical. */
  readonly guest: number;
  /** Host-physical. */
  readonly host: number;
  /** Of both. */
  readonly length: number;
}

/** What becomes of a BAR's guest pages: mapped directly, or trapped. */
export type GuestRange = DirectRange | TrapRange;

/** Pages of a BAR that map directly. */
export interface DirectRange extends MappedRange {
  /** The BAR's index. */
  readonly bar: number;
  /** Not to be trapped. */
  readonly kind: 'direct';
}

/** Pages of a BAR that must trap. Bytes, multiples of 4096. */
export interface TrapRange {
  /** The BAR's index. */
  readonly bar: number;
  /** To be trapped. */
  readonly kind: 'trap';
  /** Guest-physical. */
  readonly guest: number;
  /** From there on. */
  readonly length: number;
}

/** What `Dispatcher.assign` returns: a function that a guest finds, sizes, moves, enables and resets by itself. */
export interface AssignedFunction extends TrappedFunction {
  /** What a guest reads and writes by configuration cycles: decoding, BARs, ROM and Message Control follow from it. */
  readonly config: ConfigRegisters;
  /** How often its entries and registers were reset or restored. */
  readonly restarts: number;
  /** As described. */
  readonly registers: readonly GuestRegister[];
  /**
   * Function-level reset: decoding off, BARs and registers as assigned, MSI-X off, its entries masked and zero. A
   * guest does it by device control, bit 15, or by leaving D3hot. False: the hardware was not reset.
   */
  reset(): boolean;
  /**
   * The plan for the guest's memory map while decoding is on: which pages of the enabled BARs map directly to which
   * host pages, and which must trap (the holes). A page that another BAR has mapped (Xen's policies) is not among them.
   * `Host.mapGuestPages` and `unmapGuestPages` hear of each change.
   */
  readonly mapping: readonly GuestRange[];
  /** The vectors of a software function with MSI-X, for its model. */
  readonly interrupts: Interrupts | undefined;
}

/** A function without hardware that has MSI-X. */
export interface SoftwareDescription extends FunctionDescription {
  readonly msix: MsixLayout;
  readonly software: DeviceModel;
}

/** An assigned function without hardware that has MSI-X. */
export interface SoftwareFunction extends AssignedFunction {
  readonly interrupts: Interrupts;
}
