import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { parseSbdf, type Sbdf } from '../sbdf.js';
import {
  ADDRESS_LIMIT,
  type AddressRange,
  FOUR_GIB,
  MIB,
  type NamedRange,
  overlap,
  PAGE_SIZE,
  rangeFault,
  rangeText,
  shown,
} from './address-range.js';
import { type E820Entry, e820Table } from './e820.js';
import type { ReservedMemoryRegion } from './reserved-memory-region.js';

/** What `planStolenMemory` plans for. All in bytes. */
export interface StolenRequest {
  /** Of the device's data stolen memory, as `decodeStolenBase` gives it. The guest's is at the same address. */
  readonly base: number;
  /** As `decodeGraphicsControl` gives it. 0: the device has none, and nothing is planned. */
  readonly size: number;
  /** Of the GTT's stolen memory directly below. */
  readonly gttSize?: number;
  /** The guest's RAM. */
  readonly ram: {
    /** From 0 up. */
    readonly low: number;
    /** From 4 GiB up. Default: 0. */
    readonly high?: number;
  };
  /** What the guest's firmware reserves anyway, such as `legacyHole`: in the table, and never stolen memory. */
  readonly reserved?: readonly NamedRange[];
  /** Where the guest's devices answer: PCI hole, ECAM. Not in the table, and neither RAM nor stolen memory. */
  readonly mmio?: readonly NamedRange[];
  /** Addresses from here on cannot be used: `stolenLimit`, or what the IOMMU translates. Default 2^52. */
  readonly limit?: number;
  /** What the user says the device has: must be true. */
  readonly expected?: {
    /** Of `base`. */
    readonly base?: number;
    /** Of `size`. */
    readonly size?: number;
  };
  /** Trap the guest's accesses instead of mapping the range. */
  readonly trapped?: boolean;
  /** The graphics function in the guest. Default 0000:00:02.0. */
  readonly sbdf?: Sbdf | string;
}

/** Memory behind a part of the range: a slice of the guest's RAM, or to be allocated and put there. */
export interface StolenBacking extends AddressRange {
  /** `ram`: a slice of the guest's RAM. `new`: to be allocated. */
  readonly source: 'ram' | 'new';
}

/** An IOMMU mapping of `size` bytes: the device's address `iova` leads to the guest's memory at `guest`. */
export interface IovaMapping {
  /** The device's address. */
  readonly iova: number;
  /** Guest-physical. */
  readonly guest: number;
  /** Bytes. */
  readonly size: number;
}

/** Where the guest's stolen memory is and what must be done for it. */
export interface StolenPlan {
  /** Within RAM (A), across its end (B), outside (C), or there is none. */
  readonly case: 'A' | 'B' | 'C' | 'none';
  /** The guest's stolen memory, where the host's is; undefined: none. */
  readonly range: AddressRange | undefined;
  /** What is behind it: ascending, without gaps. */
  readonly backing: readonly StolenBacking[];
  /** RAM that the guest loses, bytes. */
  readonly wasted: number;
  /** Memory to allocate, bytes. */
  readonly allocated: number;
  /** The guest's memory map, for its firmware. */
  readonly e820: readonly E820Entry[];
  /** The guest's memory, not the host's stolen memory, at the host's addresses. One for each backing. */
  readonly iova: readonly IovaMapping[];
  /** Guest ranges to map. */
  readonly mapped: readonly AddressRange[];
  /** Guest ranges to trap. Accesses to them are answered from the same backing. */
  readonly trapped: readonly AddressRange[];
  /** For the tables of a guest with a virtual IOMMU. */
  readonly reservedRegion: ReservedMemoryRegion | undefined;
  /** The host's GTT stolen memory. Never map it: a CPU access to it freezes the machine. */
  readonly hostGtt: AddressRange | undefined;
}

/** Ranges that no PC has RAM at: I/O APIC, interrupt messages, the 16 MiB of flash at the end of 4 GiB. */
export const platformRanges: readonly NamedRange[] = [
  { name: 'I/O APIC', start: 0xfec0_0000, end: 0xfec0_1000 },
  { name: 'interrupt messages', start: 0xfee0_0000, end: 0xfef0_0000 },
  { name: 'flash', start: 0xff00_0000, end: FOUR_GIB },
];

/**
 * Plans the guest's stolen memory at the host's address, where the graphics' page tables and blocks expect it:
 *
 * - A, within RAM: that slice of RAM is reserved;
 * - B, across the end of RAM: the missing part is allocated and follows RAM;
 * - C, outside RAM: all of it is allocated.
 *
 * Below 4 GiB that is RAM from 0, above it RAM from 4 GiB. Throws `bad-argument` for values that are wrong in
 * themselves, otherwise `overlap` where the range, RAM and what else is in the machine claim the same bytes; either
 * lists every fault.
 */
export function planStolenMemory(request: StolenRequest): StolenPlan {
  const { base, size, gttSize = 0, ram, reserved = [], mmio = [], trapped = false } = request;
  const sbdf = parseSbdf(request.sbdf ?? '0000:00:02.0');
  const faults = [...memoryFaults(request), ...(size === 0 ? [] : rangeFaults(request))];
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults.map(named));
  const [low, high] = [
    { name: 'RAM', start: 0, end: ram.low },
    { name: 'RAM', start: FOUR_GIB, end: FOUR_GIB + (ram.high ?? 0) },
  ];
  const range = size === 0 ? undefined : { name: 'stolen memory', start: base, end: base + size };
  const conflicts = [
    ...clashes(range ? [range] : [], [...platformRanges, ...mmio, ...reserved]),
    ...clashes([low, high], [...platformRanges, ...mmio]),
  ];
  if (conflicts.length > 0) throw new TraplineError('overlap', ...conflicts.map(named));
  const backing = range ? backingOf(range, base < FOUR_GIB ? low : high) : [];
  const bytes = (source: StolenBacking['source']) =>
    backing.reduce((sum, part) => sum + (part.source === source ? part.end - part.start : 0), 0);
  const place = range && { start: range.start, end: range.end };
  const places = place ? [place] : [];
  return {
    case: caseOf(backing),
    range: place,
    backing,
    wasted: bytes('ram'),
    allocated: bytes('new'),
    e820: e820Table([low, high], [...reserved, ...places]),
    iova: backing.map(({ start, end }) => ({ iova: start, guest: start, size: end - start })),
    mapped: trapped ? [] : places,
    trapped: trapped ? places : [],
    reservedRegion: place && { sbdf, ...place },
    hostGtt: place && gttSize > 0 ? { start: base - gttSize, end: base } : undefined,
  };
}

const named = (fault: string): string => `planStolenMemory: ${fault}`;

/** The part below the end of RAM is RAM's. A range never begins below the RAM of its side of 4 GiB. */
function backingOf({ start, end }: AddressRange, ram: AddressRange): StolenBacking[] {
  const border = Math.min(Math.max(ram.end, start), end);
  const parts: StolenBacking[] = [
    { start, end: border, source: 'ram' },
    { start: border, end, source: 'new' },
  ];
  return parts.filter((part) => part.start < part.end);
}

function caseOf(backing: readonly StolenBacking[]): StolenPlan['case'] {
  if (backing.length === 0) return 'none';
  if (backing.length === 2) return 'B';
  return backing[0].source === 'ram' ? 'A' : 'C';
}

function clashes(ranges: readonly NamedRange[], others: readonly NamedRange[]): string[] {
  return ranges.flatMap((range) =>
    others
      .filter((other) => overlap(range, other))
      .map((other) => `${range.name} ${rangeText(range)} overlaps ${other.name} ${rangeText(other)}`),
  );
}

/** Faults of everything but the range. */
function memoryFaults({ ram, reserved = [], mmio = [], size, gttSize = 0, limit }: StolenRequest): string[] {
  const faults: string[] = [];
  const page = (field: string, value: unknown, maximum: number) => {
    if (!isInteger(value, 0, maximum) || value % PAGE_SIZE !== 0) {
      faults.push(`${field} ${shown(value)} is no multiple of 4096 in [0, ${shown(maximum)}]`);
    }
  };
  page('ram.low', ram.low, FOUR_GIB);
  page('ram.high', ram.high ?? 0, ADDRESS_LIMIT - FOUR_GIB);
  page('size', size, ADDRESS_LIMIT);
  page('gttSize', gttSize, ADDRESS_LIMIT);
  if (!isInteger(limit ?? 0, 0, ADDRESS_LIMIT)) {
    faults.push(`limit ${shown(limit)} is not an integer in [0, 2^52]`);
  }
  for (const range of [...reserved, ...mmio]) faults.push(...[rangeFault(range.name, range) ?? []].flat());
  return faults;
}

/** Faults of the range by itself. */
function rangeFaults({ base, size, gttSize = 0, limit = ADDRESS_LIMIT, expected }: StolenRequest): string[] {
  const faults: string[] = [];
  for (const [field, given, actual] of [
    ['base', expected?.base, base],
    ['size', expected?.size, size],
  ] as const) {
    if (given !== undefined && given !== actual) {
      faults.push(`expected.${field} ${shown(given)} is not the device's ${shown(actual)}`);
    }
  }
  if (!isInteger(base, 0, ADDRESS_LIMIT) || base % MIB !== 0) {
    return [...faults, `base ${shown(base)} is no multiple of 1 MiB in [0, 2^52)`];
  }
  if (base === 0) faults.push('base 0 means that the firmware placed no stolen memory');
  if (base + size > limit) {
    faults.push(`end ${shown(base + size)} of stolen memory is above the limit ${shown(limit)}`);
  }
  if (base < FOUR_GIB && base + size > FOUR_GIB) {
    faults.push(`stolen memory ${rangeText({ start: base, end: base + size })} crosses 4 GiB`);
  }
  if (base > 0 && gttSize > base) {
    faults.push(`gttSize ${shown(gttSize)} does not fit below base ${shown(base)}`);
  }
  return faults;
}
