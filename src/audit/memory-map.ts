import type { Machine } from '../inventory/machine.js';
import { type Resource, resourcesOf } from './resource.js';
import { type SharedPages, sharedPages } from './shared-pages.js';

/** Where a machine's BARs are. */
export interface MemoryMap {
  readonly machine: Machine;
  /** Bytes. */
  readonly pageSize: number;
  readonly resources: readonly Resource[];
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
    map = { machine, pageSize, resources, shared: sharedPages(resources, pageSize) };
    maps.set(pageSize, map);
  }
  return map;
}
