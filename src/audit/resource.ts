import type { InventoryBar, InventoryFunction, InventorySriov, Machine } from '../inventory/machine.js';
import type { AddressRange } from '../regions/address-range.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { FoundRange } from './finding.js';
import { common } from './ranges.js';

/** Memory [start, end) that a function decodes. */
export interface Resource {
  readonly sbdf: Sbdf;
  readonly fn: InventoryFunction;
  readonly bar: InventoryBar;
  /** `BAR 0`, `ROM`; `BAR 0 of VF 1` of a virtual function that is not listed itself. */
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** The sources show its size. Otherwise it is the least that it can be. */
  readonly sized: boolean;
  /** A slice of a physical function's VF BAR. */
  readonly slice: boolean;
}

/** PCI 3.0 6.2.5.1 and 6.2.5.2: the least that a memory BAR and a ROM can decode. */
const LEAST_BAR = 16;
const LEAST_ROM = 2048;

export const ownerOf = (resource: Resource): string => `${formatSbdf(resource.sbdf)} ${resource.label}`;

export const labelOf = ({ index }: { readonly index: number }): string =>
  index === 6 ? 'ROM' : `BAR ${index}`;

export const barName = (bar: { readonly sbdf: Sbdf; readonly index: number }): string =>
  `${formatSbdf(bar.sbdf)} ${labelOf(bar)}`;

/** The memory of a machine's functions that has an address, by start. `pageSize`: VF slices that fill pages stay in one piece. */
export function resourcesOf(machine: Machine, pageSize: number): Resource[] {
  const listed = new Set(machine.functions.map(({ sbdf }) => sbdf));
  const resources: Resource[] = [];
  for (const fn of machine.functions) {
    for (const bar of fn.bars) {
      if (bar.type === 'io' || bar.address === undefined) continue;
      const size = bar.size ?? (bar.type === 'rom' ? LEAST_ROM : LEAST_BAR);
      resources.push({
        sbdf: fn.sbdf,
        fn,
        bar,
        label: labelOf(bar),
        start: bar.address,
        end: bar.address + size,
        sized: bar.size !== undefined,
        slice: false,
      });
    }
    if (fn.sriov) addSlices(fn, fn.sriov, listed, pageSize, resources);
  }
  return resources.sort((a, b) => a.start - b.start);
}

/**
 * SR-IOV 3.3.14: VF n has the n-th slice of each VF BAR, none smaller than System Page Size. Slices of virtual functions
 * that are listed are their own BARs.
 */
function addSlices(
  fn: InventoryFunction,
  sriov: InventorySriov,
  listed: ReadonlySet<Sbdf>,
  pageSize: number,
  resources: Resource[],
): void {
  for (const bar of sriov.bars) {
    if (bar.address === undefined || bar.type === 'io') continue;
    const size = Math.max(bar.size ?? 0, sriov.systemPageSize);
    const base = { fn, bar, sized: bar.size !== undefined, slice: true };
    const whole = size % pageSize === 0 && bar.address % pageSize === 0;
    if (whole && !listed.has(virtualFunction(fn.sbdf, sriov, 0))) {
      const end = bar.address + size * sriov.totalVfs;
      resources.push({
        ...base,
        sbdf: fn.sbdf,
        label: `${labelOf(bar)} of its VFs`,
        start: bar.address,
        end,
      });
      continue;
    }
    for (let index = 0; index < sriov.totalVfs; index++) {
      const sbdf = virtualFunction(fn.sbdf, sriov, index);
      if (listed.has(sbdf)) continue;
      const start = bar.address + size * index;
      resources.push({ ...base, sbdf, label: `${labelOf(bar)} of VF ${index}`, start, end: start + size });
    }
  }
}

/** SR-IOV 2.1.2: the routing ID of a virtual function. */
const virtualFunction = (physical: Sbdf, { offset, stride }: InventorySriov, index: number): Sbdf =>
  physical + offset + stride * index;

/** Its bytes and whose they are. */
export const found = (resource: Resource): FoundRange => ({
  start: resource.start,
  end: resource.end,
  owner: ownerOf(resource),
});

/** Those of them that are on these pages. */
export const foundOn = (resource: Resource, pages: AddressRange): FoundRange => ({
  ...common(resource, pages),
  owner: ownerOf(resource),
});

/** Whose these are, each once. */
export const functionsOf = (resources: readonly Resource[]): Sbdf[] => [
  ...new Set(resources.map(({ sbdf }) => sbdf)),
];
