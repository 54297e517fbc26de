import { TraplineError } from '../errors.js';
import type { GuestRegister } from '../function.js';
import { hex } from '../hexadecimal.js';
import { isInteger } from '../integer.js';
import type { DeviceRegion } from '../vfio/device-region.js';
import { type Errno, errno } from '../vfio/errno.js';
import { guestAslsOf } from './asls.js';
import {
  type DriverField,
  driverField,
  driverFieldNames,
  OPREGION_SIZE,
  type OpRegionField,
} from './opregion-fields.js';
import {
  hasExtendedVbt,
  headerFaults,
  RVDA,
  RVDS,
  readHeader,
  VBT_LIMIT,
  VERSION,
  VERSION_2_0,
  VERSION_2_1,
  vbtAddress,
} from './opregion-header.js';
import { fieldEnd, OpRegionOverlay } from './opregion-overlay.js';
import { MappedBytes, type PhysicalMemory } from './physical-memory.js';

/** Where the firmware's OpRegion is, and what becomes of it for a guest. */
export interface OpRegionOptions {
  /** The host's, as firmware tables are in it. */
  readonly memory: PhysicalMemory;
  /** The dword at 0xfc of the graphics device's configuration space: any 32 bits, at any alignment. */
  readonly asls: number;
  /** What the guest's own ASLS starts with. Default: 0, none yet. Never the host's: it says where the guest's region is. */
  readonly guestAsls?: number;
  /** Bytes of extended VBT at most; more is refused. Default: 64 KiB, as a VBT's own size has 16 bits. */
  readonly vbtLimit?: number;
  /** Fields that the guest may write, each into a copy of its own. Default: none, and every write is refused. */
  readonly writable?: readonly DriverField[];
}

/** Why there is no OpRegion: the fault is in the firmware's data or the host's memory. */
export interface OpRegionRefusal {
  /** `ENODEV`: ASLS is 0 or all ones. `ENOMEM`: the host cannot map it. `EINVAL`: it cannot be used. */
  readonly error: Errno;
  /** Every fault found, a sentence each. */
  readonly faults: readonly string[];
}

/**
 * A run of bytes of the region that are answered alike.
 *
 * - `live`: the firmware's bytes at `hostAddress`, as they are now.
 * - `constant`: `bytes`.
 * - `guest`: a writable field; the firmware's at `hostAddress` until the guest writes it.
 * - `vbt`: the extended VBT's, at `hostAddress`.
 */
export type OpRegionSpan =
  | {
      /** Bytes from the region's start. */
      readonly offset: number;
      /** Behind the last byte, likewise. */
      readonly end: number;
      /** Answered from here. */
      readonly kind: 'constant';
      /** All of them. */
      readonly bytes: Uint8Array;
    }
  | {
      /** Bytes from the region's start. */
      readonly offset: number;
      /** Behind the last byte, likewise. */
      readonly end: number;
      /** Answered from the host's memory. */
      readonly kind: 'live' | 'guest' | 'vbt';
      /** Host-physical address of the first byte. */
      readonly hostAddress: number;
    };

/** Bytes [offset, end) of the region with one rule. */
interface Segment {
  readonly offset: number;
  readonly end: number;
  readonly kind: 'live' | 'version' | 'rvda' | 'guest' | 'vbt';
  readonly field?: OpRegionField;
}

/** PCI vendor type, Intel. */
const TYPE = 0x8000_8086;
const SUBTYPE = 1;
const VERSION_END = VERSION + 2;
const PATCHED_VERSION = Uint8Array.of(VERSION_2_1 & 0xff, VERSION_2_1 >> 8);

/**
 * Finds the OpRegion of an Intel graphics device in the host's memory. Throws `bad-argument` with every fault of the
 * options; what `memory.map` throws passes through, with nothing left mapped.
 */
export function openOpRegion(options: OpRegionOptions): OpRegion | OpRegionRefusal {
  const { memory, asls, guestAsls = 0, vbtLimit = VBT_LIMIT, writable = [] } = options;
  const wrong = optionFaults(options);
  if (wrong.length > 0) throw new TraplineError('bad-argument', ...wrong);
  if (asls === 0 || asls === 0xffff_ffff) {
    return refusal(errno.ENODEV, `ASLS: ${hex(asls)} says that there is no OpRegion`);
  }
  const base = MappedBytes.map(memory, asls, OPREGION_SIZE);
  if (!base) return refusal(errno.ENOMEM, unmappable('OpRegion', asls, OPREGION_SIZE));
  let opened = false;
  try {
    const bytes = new Uint8Array(OPREGION_SIZE);
    base.read(0, bytes);
    const header = readHeader(bytes);
    const faults = headerFaults(header, asls, vbtLimit);
    if (faults.length > 0) return refusal(errno.EINVAL, ...faults);
    let vbt: MappedBytes | undefined;
    const { rvds } = header;
    if (hasExtendedVbt(header)) {
      const address = Number(vbtAddress(header, asls));
      vbt = MappedBytes.map(memory, address, rvds);
      if (!vbt) return refusal(errno.ENOMEM, unmappable('extended VBT', address, rvds));
    }
    opened = true;
    return new OpRegion(base, vbt, vbt ? rvds : 0, guestAsls, writable);
  } finally {
    if (!opened) base.unmap();
  }
}

/**
 * An OpRegion as a guest sees it: always one contiguous region, the extended VBT behind the 8 KiB, and RVDA that says
 * so; what was 2.0 with an extended VBT says 2.1. All other bytes are the firmware's, read when they are asked for. The
 * same bytes as Linux's vfio-pci gives.
 */
export class OpRegion implements DeviceRegion {
  readonly type = TYPE;
  /** vfio's number for the OpRegion of Intel graphics. */
  readonly subtype = SUBTYPE;
  /** Bytes: 8 KiB, and the extended VBT. */
  readonly size: number;
  /** The guest's own register 0xfc, for `registers` of the function's description. */
  readonly guestAsls: GuestRegister;
  /** Absent unless fields are writable. A write that has a byte of anything else is EINVAL and changes nothing. */
  readonly write?: (position: number, from: Uint8Array) => number;
  private readonly base: MappedBytes;
  private readonly vbt: MappedBytes | undefined;
  private readonly rvda: Uint8Array;
  private readonly overlay: OpRegionOverlay;
  private readonly segments: readonly Segment[];
  private closed = false;

  /** Use `openOpRegion`. */
  constructor(
    base: MappedBytes,
    vbt: MappedBytes | undefined,
    vbtSize: number,
    guestAsls: number,
    writable: readonly DriverField[],
  ) {
    this.base = base;
    this.vbt = vbt;
    this.size = OPREGION_SIZE + vbtSize;
    this.guestAsls = guestAslsOf(guestAsls);
    this.rvda = new Uint8Array(RVDS - RVDA);
    if (vbt) new DataView(this.rvda.buffer).setUint32(0, OPREGION_SIZE, true);
    const fields = writable.map((name) => driverField(name) as OpRegionField);
    this.overlay = new OpRegionOverlay(fields.sort((left, right) => left.offset - right.offset));
    this.segments = segmentsOf(this.overlay.fields, this.size);
    if (fields.length > 0) this.write = (position, from) => this.writeFields(position, from);
  }

  /**
   * Fills `into` from a position and returns how many bytes it got, fewer where the region ends. EINVAL: the position
   * is outside. ENODEV: it was closed. What a reader of the memory throws passes through.
   */
  read(position: number, into: Uint8Array): number {
    if (this.closed) return errno.ENODEV;
    if (!this.has(position)) return errno.EINVAL;
    const end = Math.min(this.size, position + into.length);
    for (let index = this.segmentAt(position), from = position; from < end; index++) {
      const segment = this.segments[index];
      const to = Math.min(end, segment.end);
      this.fill(segment, from, into.subarray(from - position, to - position));
      from = to;
    }
    return end - position;
  }

  /**
   * What answers each byte now: sorted, without gaps from 0 to `size`, neighbours merged where they are alike. Changes
   * only if the firmware changes the version.
   */
  spans(): OpRegionSpan[] {
    const spans: OpRegionSpan[] = [];
    for (const segment of this.segments) {
      const span = this.span(segment);
      const last = spans.at(-1);
      if (span.kind === 'live' && last?.kind === 'live') spans[spans.length - 1] = { ...last, end: span.end };
      else spans.push(span);
    }
    return spans;
  }

  /** What the guest wrote: the bytes of each field that it wrote, in hexadecimal. */
  save(): Record<string, string> {
    return this.overlay.save();
  }

  stateFaults(state: unknown): string[] {
    return this.overlay.stateFaults(state);
  }

  restore(state: Record<string, string>): void {
    this.overlay.restore(state);
  }

  /** Unmaps everything. From now on everything is ENODEV. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.vbt?.unmap();
    this.base.unmap();
  }

  /** A guest's bytes at an allowed position; any other is not written at all. */
  private writeFields(position: number, from: Uint8Array): number {
    if (this.closed) return errno.ENODEV;
    if (!this.has(position) || !this.overlay.covers(position, from.length)) return errno.EINVAL;
    this.overlay.write(position, from, (offset, into) => this.base.read(offset, into));
    return from.length;
  }

  /** Index of the segment that holds a position: they leave no gap. */
  private segmentAt(position: number): number {
    let from = 0;
    let to = this.segments.length - 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.segments[middle].end <= position) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private has(position: number): boolean {
    return isInteger(position, 0, this.size - 1);
  }

  /** `into` is within the segment. */
  private fill({ kind, offset, field }: Segment, position: number, into: Uint8Array): void {
    const skipped = position - offset;
    const constant =
      kind === 'rvda'
        ? this.rvda
        : kind === 'guest'
          ? this.overlay.copyOf(field as OpRegionField)
          : kind === 'version' && this.isVersionPatched()
            ? PATCHED_VERSION
            : undefined;
    if (constant) into.set(constant.subarray(skipped, skipped + into.length));
    else if (kind === 'vbt') this.vbt?.read(skipped, into);
    else this.base.read(position, into);
  }

  /** Only 2.0 with an extended VBT, whose RVDA would be absolute, changes its version. */
  private isVersionPatched(): boolean {
    if (!this.vbt) return false;
    const version = new Uint8Array(2);
    this.base.read(VERSION, version);
    return (version[0] | (version[1] << 8)) === VERSION_2_0;
  }

  private span({ offset, end, kind }: Segment): OpRegionSpan {
    if (kind === 'rvda') return { offset, end, kind: 'constant', bytes: this.rvda.slice() };
    if (kind === 'version' && this.isVersionPatched()) {
      return { offset, end, kind: 'constant', bytes: PATCHED_VERSION.slice() };
    }
    if (kind === 'vbt') return { offset, end, kind, hostAddress: (this.vbt as MappedBytes).address };
    return { offset, end, kind: kind === 'guest' ? kind : 'live', hostAddress: this.base.address + offset };
  }
}

/** Sorted, from 0 to `size`. The writable fields are neither version nor RVDA. */
function segmentsOf(writable: readonly OpRegionField[], size: number): Segment[] {
  const ruled: Segment[] = [
    { offset: VERSION, end: VERSION_END, kind: 'version' },
    ...writable.map(
      (field): Segment => ({ offset: field.offset, end: fieldEnd(field), kind: 'guest', field }),
    ),
    { offset: RVDA, end: RVDS, kind: 'rvda' },
    { offset: OPREGION_SIZE, end: size, kind: 'vbt' },
  ];
  const segments: Segment[] = [];
  let next = 0;
  for (const segment of ruled) {
    if (segment.offset > next) segments.push({ offset: next, end: segment.offset, kind: 'live' });
    if (segment.end > segment.offset) segments.push(segment);
    next = segment.end;
  }
  return segments;
}

function optionFaults({ memory, asls, guestAsls, vbtLimit, writable }: OpRegionOptions): string[] {
  const faults: string[] = [];
  if (typeof memory?.map !== 'function') {
    faults.push('openOpRegion: memory: expected an object with a method map');
  }
  for (const [name, value] of Object.entries({ asls, guestAsls: guestAsls ?? 0, vbtLimit: vbtLimit ?? 0 })) {
    if (!isInteger(value, 0, 0xffff_ffff)) {
      faults.push(`openOpRegion: ${name}: expected an integer in [0, 2^32), got ${value}`);
    }
  }
  for (const [index, name] of (writable ?? []).entries()) {
    if (!driverField(name)) {
      faults.push(`openOpRegion: writable: expected ${driverFieldNames.join(', ')}, got ${name}`);
    } else if (writable?.indexOf(name) !== index) {
      faults.push(`openOpRegion: writable: ${name} is there twice`);
    }
  }
  return faults;
}

const refusal = (error: Errno, ...faults: string[]): OpRegionRefusal => ({ error, faults });

const unmappable = (what: string, address: number, length: number): string =>
  `memory.map: the ${what} at ${hex(address)}, ${length} bytes, cannot be mapped`;
