import { grouped } from '../grouped.js';
import type { InventoryFunction, Machine } from '../inventory/machine.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import { busOf, busText, isRootBus } from './bus.js';
import { memoryMap } from './memory-map.js';
import { rangeText } from './ranges.js';

/**
 * Why two functions go to the same guest.
 *
 * - `iommu-group`: the IOMMU does not tell them apart.
 * - `shared-page`: they have bytes on one page.
 * - `intx`: they share an interrupt line.
 * - `reset`: the one is reset with the other.
 * - `sriov`: the one is the other's virtual function.
 */
export type Reason = 'iommu-group' | 'shared-page' | 'intx' | 'reset' | 'sriov';

/** Those that are the administrator's choice; the others hold always. */
export const optionalReasons: readonly Reason[] = ['intx', 'reset', 'sriov'];

/** Why one function goes where another one goes. */
export interface Edge {
  /** The function that the reason leads from. */
  readonly from: Sbdf;
  /** The function that it leads to. */
  readonly to: Sbdf;
  /** Why. */
  readonly reason: Reason;
  /** Which group, page or line it is. */
  readonly detail: string;
}

/** Functions that go to a guest together or not at all. */
export interface PassthroughGroup {
  /** Ascending. */
  readonly functions: readonly Sbdf[];
  /** Each reason leads from one function to the next that it holds for. */
  readonly edges: readonly Edge[];
}

/** A host bridge (class 0600) or a bridge to another bus: never passed through. */
export const isBridge = ({ bridge, name }: InventoryFunction): boolean =>
  bridge !== undefined || /^host bridge\b|\[0600\]/i.test(name);

/** The smallest groups of functions that may be passed through, without bridges, by their first function. */
export function passthroughGroups(
  machine: Machine,
  pageSize: number,
  optional: readonly Reason[] = [],
): PassthroughGroup[] {
  const functions = machine.functions.filter((fn) => !isBridge(fn));
  const union = new UnionFind(functions.map(({ sbdf }) => sbdf));
  const edges = [
    ...iommuEdges(functions),
    ...pageEdges(machine, pageSize),
    ...(optional.includes('intx') ? lineEdges(functions) : []),
    ...(optional.includes('reset') ? resetEdges(functions) : []),
    ...(optional.includes('sriov') ? virtualEdges(functions) : []),
  ].filter(({ from, to }) => union.has(from) && union.has(to));
  for (const { from, to } of edges) union.join(from, to);
  const groups = new Map<Sbdf, { functions: Sbdf[]; edges: Edge[] }>();
  for (const { sbdf } of functions) {
    const root = union.root(sbdf);
    const group = groups.get(root);
    if (group) group.functions.push(sbdf);
    else groups.set(root, { functions: [sbdf], edges: [] });
  }
  for (const edge of edges) groups.get(union.root(edge.from))?.edges.push(edge);
  return [...groups.values()];
}

/** Edges that one set of groups has and the other has not. */
export function edgesWithout(
  before: readonly PassthroughGroup[],
  after: readonly PassthroughGroup[],
): Edge[] {
  const key = ({ from, to, reason }: Edge) => `${from} ${to} ${reason}`;
  const kept = new Set(after.flatMap(({ edges }) => edges.map(key)));
  return before.flatMap(({ edges }) => edges.filter((edge) => !kept.has(key(edge))));
}

class UnionFind {
  private readonly parents: Map<Sbdf, Sbdf>;

  constructor(items: readonly Sbdf[]) {
    this.parents = new Map(items.map((item) => [item, item]));
  }

  has(item: Sbdf): boolean {
    return this.parents.has(item);
  }

  root(item: Sbdf): Sbdf {
    let root = item;
    for (let parent = this.parent(root); parent !== root; parent = this.parent(root)) {
      this.parents.set(root, this.parent(parent));
      root = parent;
    }
    return root;
  }

  /** The lower root stays: a group's root is its lowest function. */
  join(one: Sbdf, other: Sbdf): void {
    const [a, b] = [this.root(one), this.root(other)];
    this.parents.set(Math.max(a, b), Math.min(a, b));
  }

  private parent(item: Sbdf): Sbdf {
    return this.parents.get(item) as Sbdf;
  }
}

function chain(sbdfs: readonly Sbdf[], reason: Reason, detail: string): Edge[] {
  return sbdfs.slice(1).map((to, index) => ({ from: sbdfs[index], to, reason, detail }));
}

/** An edge from each function to the next with the same key. */
function chainsBy<Key extends string | number>(
  functions: readonly InventoryFunction[],
  keyOf: (fn: InventoryFunction) => Key | undefined,
  reason: Reason,
  detail: (key: Key) => string,
): Edge[] {
  return [...grouped(functions, keyOf)].flatMap(([key, sharers]) =>
    chain(
      sharers.map(({ sbdf }) => sbdf),
      reason,
      detail(key),
    ),
  );
}

const iommuEdges = (functions: readonly InventoryFunction[]): Edge[] =>
  chainsBy(
    functions,
    ({ iommuGroup }) => iommuGroup,
    'iommu-group',
    (group) => `IOMMU group ${group}`,
  );

function pageEdges(machine: Machine, pageSize: number): Edge[] {
  return memoryMap(machine, pageSize).shared.flatMap((pages) => {
    const sbdfs = [...new Set(pages.items.map(({ sbdf }) => sbdf))].sort((a, b) => a - b);
    return chain(sbdfs, 'shared-page', `page ${rangeText(pages)}`);
  });
}

/** The interrupt line that its pin is routed to. */
export const lineOf = ({ interrupt }: InventoryFunction): number | undefined =>
  interrupt.pin ? interrupt.irq : undefined;

const lineEdges = (functions: readonly InventoryFunction[]): Edge[] =>
  chainsBy(functions, lineOf, 'intx', (irq) => `IRQ ${irq}`);

/** A function that cannot be reset alone is reset with its bus; on a root bus, not at all. */
function resetEdges(functions: readonly InventoryFunction[]): Edge[] {
  const alone = ({ capabilities }: InventoryFunction) =>
    capabilities.functionLevelReset ||
    (capabilities.powerManagement !== undefined && !capabilities.noSoftReset);
  const shared = new Set(functions.filter((fn) => !alone(fn)).map(({ sbdf }) => busOf(sbdf)));
  return chainsBy(
    functions.filter(
      ({ sbdf, physicalFunction }) => !isRootBus(busOf(sbdf)) && physicalFunction === undefined,
    ),
    ({ sbdf }) => (shared.has(busOf(sbdf)) ? busOf(sbdf) : undefined),
    'reset',
    (bus) => `bus ${busText(bus)}`,
  );
}

const virtualEdges = (functions: readonly InventoryFunction[]): Edge[] =>
  functions.flatMap(({ sbdf, physicalFunction }) =>
    physicalFunction === undefined
      ? []
      : [
          {
            from: physicalFunction,
            to: sbdf,
            reason: 'sriov' as const,
            detail: `virtual function of ${formatSbdf(physicalFunction)}`,
          },
        ],
  );
