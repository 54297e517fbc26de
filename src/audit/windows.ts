import { grouped } from '../grouped.js';
import type { InventoryFunction, Machine } from '../inventory/machine.js';
import { type AddressRange, overlap } from '../regions/address-range.js';
import type { Sbdf } from '../sbdf.js';
import { busOf, busText, isRootBus } from './bus.js';
import { merged, roundDown, roundUp } from './ranges.js';
import type { Resource } from './resource.js';

/** Memory that reaches a bus. */
export interface Window extends AddressRange {
  readonly prefetchable: boolean;
  /** The bridge that passes it on; undefined: the host's own. */
  readonly bridge: Sbdf | undefined;
  /** No source shows it: what the BARs behind it take up, in whole MiB, as bridges pass it on. */
  readonly assumed: boolean;
}

/** PCI-to-PCI bridge 1.2, 3.2.5.8: memory base and limit have 12 bits, of 1 MiB. */
export const WINDOW_GRAIN = 2 ** 20;

/** The windows of each bus. */
export class Windows {
  private readonly machine: Machine;
  private readonly bridges: Map<number, InventoryFunction>;
  private readonly byBus: Map<number, Resource[]>;
  private readonly known = new Map<number, readonly Window[]>();

  constructor(machine: Machine, resources: readonly Resource[]) {
    this.machine = machine;
    this.bridges = new Map(
      machine.functions.flatMap((fn) =>
        fn.bridge ? [[busOf(fn.sbdf) - (busOf(fn.sbdf) % 256) + fn.bridge.secondary, fn]] : [],
      ),
    );
    this.byBus = grouped(resources, ({ fn }) => busOf(fn.sbdf));
  }

  of(bus: number): readonly Window[] {
    let windows = this.known.get(bus);
    if (!windows) {
      windows = this.find(bus);
      this.known.set(bus, windows);
    }
    return windows;
  }

  private find(bus: number): Window[] {
    const bridge = this.bridges.get(bus);
    const listed = bridge?.bridge?.windows ?? [];
    if (listed.length > 0) {
      return listed.map((window) => ({ ...window, bridge: bridge?.sbdf, assumed: false }));
    }
    const resources = this.byBus.get(bus) ?? [];
    const isPrefetchable = (range: AddressRange) =>
      resources.filter((resource) => overlap(resource, range)).every(({ bar }) => bar.prefetchable);
    const name = `PCI Bus ${busText(bus)}`;
    const named = this.machine.memory.filter((range) => range.name === name);
    const around = resources.map(({ start, end }) => ({
      start: roundDown(start, WINDOW_GRAIN),
      end: roundUp(end, WINDOW_GRAIN),
    }));
    return (named.length > 0 ? named : merged(around)).map(({ start, end }) => ({
      start,
      end,
      // A host bridge passes everything on.
      prefetchable: !isRootBus(bus) && isPrefetchable({ start, end }),
      bridge: bridge?.sbdf,
      assumed: named.length === 0,
    }));
  }
}
