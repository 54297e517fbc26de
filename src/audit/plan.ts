import type { InventoryFunction, Machine } from '../inventory/machine.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import { resourceAlignment } from './boot-option.js';
import type { Finding } from './finding.js';
import { findings } from './findings.js';
import { type MemoryMap, memoryMap } from './memory-map.js';
import { type Placement, place } from './placement.js';
import { sizeOf } from './ranges.js';
import { ownerOf, type Resource } from './resource.js';
import { sharedPages } from './shared-pages.js';
import { isReservedAround, isStranger, strangers } from './strangers.js';

/** How the BARs of a machine can be placed so that none shares a page. */
export interface Plan extends Placement {
  /** Linux's boot option that makes the kernel do it; empty where there is nothing to do. */
  readonly option: string;
  /** What the option does beside that, a sentence each. */
  readonly sideEffects: readonly string[];
  /** BARs that are in the way and that no option moves, a sentence each. */
  readonly fixed: readonly string[];
  /** The machine when the plan is carried out; BARs that need a larger window first are left out. */
  readonly after: Machine;
  /** What an audit finds in it. */
  readonly left: readonly Finding[];
  /** What another way would have done. */
  readonly alignAll: AlignAll;
}

/**
 * What `pci=resource_alignment=all` would have done, which was prepared for Linux in 2024 and never merged: every memory
 * BAR begins at a page, and keeps its size.
 */
export interface AlignAll {
  /** BARs that would have moved. */
  readonly moved: number;
  /** Functions with such a BAR. */
  readonly functions: number;
  /** Where the BARs would go. */
  readonly placement: Placement;
  /** What an audit would find then. */
  readonly left: readonly Finding[];
}

/** Plans for a machine. `pageSize` in bytes. */
export function plan(machine: Machine, pageSize: number): Plan {
  const map = memoryMap(machine, pageSize);
  const all = map.resources;
  const { moving, touched, fixed } = involved(map);
  const placement = place(machine, all, moving, pageSize);
  const after = carriedOut(machine, placement);
  const left = findings(after, pageSize);
  const functions = [...touched];
  const bridges = placement.growth.map(({ bridge }) => bridge);
  return {
    ...placement,
    option: resourceAlignment(machine, [...functions, ...bridges], pageSize),
    sideEffects: functions.length > 0 ? sideEffects(all, touched, bridges, pageSize) : [],
    fixed,
    after,
    left,
    alignAll: alignAll(map, moving, { placement, left }),
  };
}

/** The option reaches BARs and the ROM, neither virtual functions nor what Enhanced Allocation fixes. */
const movable = ({ slice, bar, fn, sized }: Resource): boolean =>
  !slice && !bar.virtual && sized && fn.capabilities.enhancedAllocation === undefined;

function involved({ machine, resources: all, shared, pageSize }: MemoryMap) {
  const moving = new Set<Resource>();
  const touched = new Set<Sbdf>();
  const fixed = new Set<string>();
  const move = (resource: Resource, stays = false) => {
    const small = sizeOf(resource) < pageSize;
    if (!small || !movable(resource)) {
      if (!resource.slice) fixed.add(`${ownerOf(resource)}: ${whyFixed(resource, small)}`);
      return;
    }
    touched.add(resource.sbdf);
    if (!stays) moving.add(resource);
  };
  for (const { items } of shared) {
    const small = items.filter((item) => sizeOf(item) < pageSize && movable(item));
    // Where all others go, the one at the start of the page can stay.
    const first = items.length === small.length && small.find(({ start }) => start % pageSize === 0);
    for (const item of small) move(item, item === first);
  }
  for (const resource of all) if (resource.start % pageSize !== 0 && !resource.slice) move(resource);
  const outsiders = strangers(machine.memory);
  for (const { items } of sharedPages([...all, ...outsiders], pageSize)) {
    const others = items.filter(isStranger);
    for (const item of items) {
      if (!isStranger(item) && others.some((other) => !isReservedAround(other, item))) move(item);
    }
  }
  return { moving, touched, fixed: [...fixed] };
}

function whyFixed({ fn, bar, sized }: Resource, small: boolean): string {
  if (!small) return 'its size is a page or more, and it is not moved';
  if (bar.virtual) return "it is a virtual function's, placed by its physical function's VF BAR";
  if (!sized) return 'its size is not known';
  return fn.capabilities.enhancedAllocation === undefined ? 'it stays' : 'Enhanced Allocation fixes it';
}

function sideEffects(
  all: readonly Resource[],
  touched: ReadonlySet<Sbdf>,
  bridges: readonly Sbdf[],
  pageSize: number,
): string[] {
  const enlarged = all.filter(
    (resource) => touched.has(resource.sbdf) && movable(resource) && sizeOf(resource) < pageSize,
  );
  return [
    `the kernel believes these BARs to have ${pageSize} bytes, and a guest that asks it is told so: ${enlarged.map(ownerOf).join(', ')}`,
    'drivers that check the size, or count from the end, fail: pcitest does',
    'memory decoding of these functions is switched off at boot until the kernel has placed them: a console or boot device among them goes dark',
    'the kernel chooses the addresses itself: those above show that there is room',
    'virtual functions, and BARs that Enhanced Allocation fixes, are not touched',
    'of entries that match a function the first counts; platforms that keep the addresses of firmware (PCI_PROBE_ONLY) ignore all',
    '/sys/bus/pci/resource_alignment takes the same list, for functions that are then removed and rescanned',
    ...(touched.size + bridges.length > 1
      ? ["semicolons must be quoted in a boot loader's configuration"]
      : []),
    ...(bridges.length > 0
      ? [
          `the windows of ${bridges.map(formatSbdf).join(', ')} are assigned anew, with all that is behind them`,
        ]
      : []),
  ];
}

function carriedOut(machine: Machine, { moves, unplaced }: Placement): Machine {
  if (moves.length + unplaced.length === 0) return machine;
  const key = ({ sbdf, index }: { sbdf: Sbdf; index: number }) => `${sbdf} ${index}`;
  const to = new Map(moves.map((move) => [key(move), move.to]));
  const gone = new Set(unplaced.filter(({ bridge }) => bridge !== undefined).map(key));
  const placed = (fn: InventoryFunction): InventoryFunction => ({
    ...fn,
    bars: fn.bars
      .filter(({ index }) => !gone.has(key({ sbdf: fn.sbdf, index })))
      .map((bar) => ({ ...bar, address: to.get(key({ sbdf: fn.sbdf, index: bar.index })) ?? bar.address })),
  });
  return { ...machine, functions: machine.functions.map(placed) };
}

function alignAll(
  { machine, resources, pageSize }: MemoryMap,
  planned: ReadonlySet<Resource>,
  result: { readonly placement: Placement; readonly left: readonly Finding[] },
): AlignAll {
  const moving = resources.filter(
    (resource) => movable(resource) && sizeOf(resource) < pageSize && resource.start % pageSize !== 0,
  );
  const counts = { moved: moving.length, functions: new Set(moving.map(({ sbdf }) => sbdf)).size };
  const same = moving.length === planned.size && moving.every((resource) => planned.has(resource));
  if (same) return { ...counts, ...result };
  const placement = place(machine, resources, new Set(moving), pageSize);
  return { ...counts, placement, left: findings(carriedOut(machine, placement), pageSize) };
}
