import type { MemoryRange } from '../inventory/machine.js';
import type { AddressRange } from '../regions/address-range.js';

/** What `/proc/iomem` has beside PCI functions, their drivers and their buses. */
export function strangers(memory: readonly MemoryRange[]): MemoryRange[] {
  const result: MemoryRange[] = [];
  let within: number | undefined;
  for (const range of memory) {
    if (within !== undefined && range.depth > within) continue;
    within = undefined;
    if (/^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(range.name)) within = range.depth;
    else if (!range.name.startsWith('PCI Bus ')) result.push(range);
  }
  return result;
}

/** Told from a function's memory, among which it may be. */
export const isStranger = <Item extends object>(item: Item | MemoryRange): item is MemoryRange =>
  'depth' in item;

/** Firmware reserves whole windows, which does not say who answers there. */
export const isReservedAround = (range: MemoryRange, inside: AddressRange): boolean =>
  /^reserved/i.test(range.name) && range.start <= inside.start && range.end >= inside.end;
