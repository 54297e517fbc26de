import type { InventoryBar, Machine, MemoryRange } from '../inventory/machine.js';
import { type AddressRange, FOUR_GIB, overlap } from '../regions/address-range.js';
import type { Sbdf } from '../sbdf.js';
import { busOf } from './bus.js';
import { pagesAround, roundDown, roundUp, sizeOf, without } from './ranges.js';
import type { Resource } from './resource.js';
import { isReservedAround, strangers } from './strangers.js';
import { WINDOW_GRAIN, type Window, Windows } from './windows.js';

/** A BAR's new place. */
export interface Move {
  /** Of the function. */
  readonly sbdf: Sbdf;
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** Host-physical address now, bytes. */
  readonly from: number;
  /** Host-physical address then, bytes. */
  readonly to: number;
  /** Bytes. */
  readonly size: number;
}

/** A bridge whose window must become larger. Bytes, in whole MiB. */
export interface Growth {
  /** Its SBDF. */
  readonly bridge: Sbdf;
  /** As it is now. */
  readonly window: AddressRange;
  /** How much larger. */
  readonly by: number;
}

/** A BAR for which there is no room. */
export interface Unplaced {
  /** Of the function. */
  readonly sbdf: Sbdf;
  /** 0 to 5; 6 is the expansion ROM. */
  readonly index: number;
  /** That must pass on more first; undefined: none can. */
  readonly bridge: Sbdf | undefined;
}

/** Where BARs go. */
export interface Placement {
  /** BARs that get another place. */
  readonly moves: readonly Move[];
  /** Windows that must become larger first. */
  readonly growth: readonly Growth[];
  /** BARs for which there is no room. */
  readonly unplaced: readonly Unplaced[];
  /** Windows that no source shows, in which something was placed. */
  readonly assumed: readonly AddressRange[];
}

/**
 * Gives each of these resources pages of its own within the windows of its bus, all others staying where they are: the
 * largest first, at the lowest free address, in the window that it is in if that has room.
 */
export function place(
  machine: Machine,
  all: readonly Resource[],
  moving: ReadonlySet<Resource>,
  pageSize: number,
): Placement {
  const windows = new Windows(machine, all);
  const staying = all.filter((resource) => !moving.has(resource));
  const rooms = new Rooms(machine, staying, pageSize);
  const moves: Move[] = [];
  const unplaced: Unplaced[] = [];
  const assumed = new Set<Window>();
  const missing = new Map<Window, number>();
  const order = [...moving].sort((a, b) => sizeOf(b) - sizeOf(a) || a.start - b.start);
  for (const resource of order) {
    const { sbdf, bar, start, end } = resource;
    const bus = busOf(resource.fn.sbdf);
    const length = roundUp(sizeOf(resource), pageSize);
    const suitable = windows.of(bus).filter((window) => overlap(window, resource) || admits(window, bar));
    const own = suitable.find((window) => window.start <= start && window.end >= end);
    const candidates = [...suitable].sort((a, b) => Number(b === own) - Number(a === own));
    const hit = rooms.take(candidates, bus, length, bar);
    if (hit) {
      moves.push({ sbdf, index: bar.index, from: start, to: hit.address, size: sizeOf(resource) });
      if (hit.window.assumed) assumed.add(hit.window);
      continue;
    }
    const narrow = own ?? candidates[0];
    unplaced.push({ sbdf, index: bar.index, bridge: narrow?.bridge });
    if (narrow?.bridge !== undefined) missing.set(narrow, (missing.get(narrow) ?? 0) + length);
  }
  return {
    moves: moves.sort((a, b) => a.sbdf - b.sbdf || a.index - b.index),
    unplaced,
    growth: [...missing].map(([{ bridge, start, end }, bytes]) => ({
      bridge: bridge as Sbdf,
      window: { start, end },
      by: roundUp(bytes, WINDOW_GRAIN),
    })),
    assumed: [...assumed].map(({ start, end }) => ({ start, end })),
  };
}

/** Whole pages of windows that nobody has, ascending. */
class Rooms {
  private readonly machine: Machine;
  private readonly staying: readonly Resource[];
  private readonly outsiders: readonly MemoryRange[];
  private readonly pageSize: number;
  private readonly free = new Map<Window, { start: number; end: number }[]>();

  constructor(machine: Machine, staying: readonly Resource[], pageSize: number) {
    this.machine = machine;
    this.staying = staying;
    this.outsiders = strangers(machine.memory);
    this.pageSize = pageSize;
  }

  /** The lowest pages of the first window that has enough for this BAR; undefined: none has. */
  take(
    windows: readonly Window[],
    bus: number,
    length: number,
    bar: InventoryBar,
  ): { readonly window: Window; readonly address: number } | undefined {
    for (const window of windows) {
      const room = this.of(window, bus).find((one) => fits(one, length, bar));
      if (!room) continue;
      const address = room.start;
      room.start += length;
      return { window, address };
    }
    return undefined;
  }

  private of(window: Window, bus: number): { start: number; end: number }[] {
    let room = this.free.get(window);
    if (!room) {
      room = this.find(window, bus);
      this.free.set(window, room);
    }
    return room;
  }

  private find(window: Window, bus: number): { start: number; end: number }[] {
    const { machine, staying, outsiders, pageSize } = this;
    const taken = [...staying, ...outsiders.filter((range) => !isReservedAround(range, window))]
      .filter((range) => overlap(range, window))
      .map((range) => pagesAround(range, pageSize));
    return without(window, [...taken, ...behind(machine, bus)]).flatMap(({ start, end }) => {
      const whole = { start: roundUp(start, pageSize), end: roundDown(end, pageSize) };
      return whole.start < whole.end ? [whole] : [];
    });
  }
}

/** PCI-to-PCI bridge 1.2, 3.2.5.9: a prefetchable window is for prefetchable memory only. */
const admits = ({ prefetchable }: Window, bar: InventoryBar): boolean => !prefetchable || bar.prefetchable;

/** PCI 3.0 6.2.5.1: a 32-bit BAR, or a ROM, reaches no higher. */
const fits = ({ start, end }: AddressRange, length: number, { type }: InventoryBar): boolean =>
  end - start >= length && (type === 'mem64' || start + length <= FOUR_GIB);

/** What bridges on a bus pass on to others. */
const behind = (machine: Machine, bus: number): AddressRange[] =>
  machine.functions.flatMap(({ sbdf, bridge }) => (busOf(sbdf) === bus && bridge ? bridge.windows : []));
