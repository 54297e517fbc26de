import type { Sbdf } from '../sbdf.js';
import type { InventorySriov } from './machine.js';
import type { SeenFunction } from './seen-function.js';

const ROUTING_ID = 0x10000;

/**
 * Each listed virtual function's physical one, where no source names it, and the size of its BARs, which `lspci` prints
 * with the virtual function only. PCIe 9.2.1.2: its routing ID is First VF Offset and as many VF Strides as VFs are
 * before it beyond the physical function's.
 */
export function withPhysicalFunctions(functions: ReadonlyMap<Sbdf, SeenFunction>): SeenFunction[] {
  const known = new Map(functions);
  // A routing ID is one function's: this also bounds the work.
  const taken = new Set<Sbdf>();
  for (const physical of functions.values()) {
    const { sriov } = physical;
    if (!sriov || sriov === 'none') continue;
    for (const sbdf of virtualFunctions(physical.sbdf, sriov)) {
      if (taken.has(sbdf)) break;
      taken.add(sbdf);
      const fn = known.get(sbdf);
      if (!fn) continue;
      known.set(sbdf, { ...fn, physicalFunction: fn.physicalFunction ?? physical.sbdf });
      sized(known, physical.sbdf, fn);
    }
  }
  return [...known.values()].sort((a, b) => a.sbdf - b.sbdf);
}

function* virtualFunctions(physical: Sbdf, { numVfs, offset, stride }: InventorySriov): Generator<Sbdf> {
  const segment = physical - (physical % ROUTING_ID);
  for (let index = 0; index < numVfs; index++) {
    const routingId = (physical % ROUTING_ID) + offset + index * stride;
    if (offset === 0 || routingId >= ROUTING_ID) return;
    yield segment + routingId;
  }
}

function sized(known: Map<Sbdf, SeenFunction>, sbdf: Sbdf, { bars = [] }: SeenFunction): void {
  const physical = known.get(sbdf);
  const sriov = physical?.sriov;
  if (!physical || !sriov || sriov === 'none' || sriov.bars.every(({ size }) => size !== undefined)) return;
  const sizeOf = (index: number) => bars.find((bar) => bar.index === index)?.size;
  known.set(sbdf, {
    ...physical,
    sriov: { ...sriov, bars: sriov.bars.map((bar) => ({ ...bar, size: bar.size ?? sizeOf(bar.index) })) },
  });
}
