import type { Width } from './access.js';
import type { Sbdf } from './sbdf.js';

/**
 * What answers accesses to one 4 KiB host page: its memory, or callbacks.
 * Memory is little endian, 4096 bytes long, and its start is 8-byte aligned in its buffer.
 */
export type HostPage = Uint8Array | PageHandler;

/** Offsets are within the page and aligned to the width; data are unsigned 32-bit lanes. */
export interface PageHandler {
  /** Returns the value, or its low lane; for width 8 stores the high lane in `high[0]`. */
  read(offset: number, width: Width, high: Uint32Array): number;
  /** `high` counts for width 8 only. */
  write(offset: number, width: Width, low: number, high: number): void;
}

/** One MSI-X table entry as the guest wrote it, and what the host made of it. */
export interface Vector {
  /** Of the entry in the table, from 0. */
  readonly index: number;
  /** Message Address, unsigned. */
  readonly addressLow: number;
  /** Message Upper Address, unsigned. */
  readonly addressHigh: number;
  /** Message Data, 32 bits, unsigned. */
  readonly data: number;
  /** Vector control, bit 0. */
  readonly masked: boolean;
  /** Address or data were written since the vector was armed last. */
  readonly updated: boolean;
  /** The host delivers this vector's interrupt. */
  readonly armed: boolean;
}

/** A BAR as hosts see it. */
export interface Bar {
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** `region`: no BAR at all; its host address is 0. */
  readonly type: BarType | 'region';
  /** Guest-physical address, bytes. */
  readonly address: number;
  /** Host-physical address, bytes. */
  readonly hostAddress: number;
  /** Bytes. */
  readonly size: number;
  /** Accesses reach it. */
  readonly enabled: boolean;
}

/** What a base address register decodes: I/O ports, memory by an address of 32 or 64 bits, an expansion ROM. */
export type BarType = 'io' | 'mem32' | 'mem64' | 'rom';

/** What the guest's memory map holds at a page: nothing, the host page of the same number, or something else. */
export type GuestMapping = 'none' | 'identity' | 'other';

/** Whatever host pages come from. */
export type PageHost = Pick<Host, 'mapPage' | 'unmapPage'>;

/**
 * All hardware is behind this one interface. Every method may throw: the guest's access then reads all ones or is
 * dropped, and the error reaches `onError`. All addresses are in bytes.
 */
export interface Host {
  /** Maps a host page (4096-aligned). Null: it cannot be mapped. */
  mapPage(address: number, sbdf: Sbdf): HostPage | null;
  /** A host page that `mapPage` gave is not used any more. */
  unmapPage?(address: number, sbdf: Sbdf): void;
  /** What the guest has at this guest page. Default: nothing. */
  guestMapping?(address: number): GuestMapping;
  /** Removes an identity mapping of this guest page, so that its accesses trap (the hole). */
  removeGuestMapping?(address: number): void;
  /** Whether decoding may change for this BAR. Default: yes. */
  mayMapBar?(sbdf: Sbdf, bar: Bar): boolean;
  /** 16-bit configuration write. */
  writeConfig?(sbdf: Sbdf, register: number, value: number): void;
  /** Hardware domain: a guest, a reset or a snapshot moves the physical BAR to `bar.hostAddress`. It is not decoded then. */
  moveBar?(sbdf: Sbdf, bar: Bar): void;
  /** Disables the function's legacy interrupt: COMMAND, bit 10. */
  disableIntx?(sbdf: Sbdf): void;
  /** Delivers the vector's interrupt from now on. `vector.masked` says whether at once. */
  armVector?(sbdf: Sbdf, vector: Vector): void;
  /** Ends delivery. `vector.armed` is false where there is nothing to end. */
  disarmVector?(sbdf: Sbdf, vector: Vector): void;
  /** The mask bit changed. */
  maskVector?(sbdf: Sbdf, vector: Vector): void;
  /**
   * A guest page range maps directly to host pages from now on (multiples of 4096), because none of it must trap.
   * Throwing refuses, and decoding stays off. A page that a BAR is given back because another one on it went stays
   * unmapped then, its accesses unclaimed, until the next change on the page asks again.
   */
  mapGuestPages?(guest: number, host: number, length: number, sbdf: Sbdf): void;
  /** A range mapped before does not any more. */
  unmapGuestPages?(guest: number, length: number, sbdf: Sbdf): void;
  /** I/O ports, for a region door. Without them its I/O BARs cannot be accessed. Values are unsigned. */
  readPort?(port: number, width: 1 | 2 | 4, sbdf: Sbdf): number;
  /** As `readPort`. */
  writePort?(port: number, width: 1 | 2 | 4, value: number, sbdf: Sbdf): void;
  /** Claims the function's regions for a region door; false: somebody else has them. */
  requestRegions?(sbdf: Sbdf): boolean;
  /** Ends what `requestRegions` claimed. */
  releaseRegions?(sbdf: Sbdf): void;
  /** Resets the physical function. False: it cannot. */
  reset?(sbdf: Sbdf): boolean;
}
