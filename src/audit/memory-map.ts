import { grouped } from '../grouped.js';
import type { Machine } from '../inventory/machine.js';
import type { Sbdf } from '../sbdf.js';
import { type Resource, resourcesOf } from './resource.js';
import { type SharedPages, sharedPages } from './shared-pages.js';

/** Where a machine's BARs are. */
export interface MemoryMap {
  readonly machine: Machine;
  /** Bytes. */
  readonly pageSize: number;
  readonly resources: readonly Resource[];
  /** Without the slices of virtual functions that are not listed. */
  readonly byFunction: ReadonlyMap<Sbdf, readonly Resource[]>;
  readonly shared: readonly SharedPages<Resource>[];
}

const known = new WeakMap<Machine, Map<number, MemoryMap>>();

/** Made once for a machine and page size. */
export function memoryMap(machine: Machine, pageSize: number): MemoryMap {
  const maps = known.get(machine) ?? new Map<number, MemoryMap>();
  known.set(machine, maps);
  let map = maps.get(pageSize);
  if (!map) {
    const resources = resourcesOf(machine, pageSize);
    map = {
      machine,
      pageSize,
      resources,
      byFunction: grouped(resources, ({ sbdf, slice }) => (slice ? undefined : sbdf)),
      shared: sharedPages(resources, pageSize),
    };
    maps.set(pageSize, map);
  }
  return map;
}
