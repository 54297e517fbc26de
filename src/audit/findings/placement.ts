import { hex } from '../../hexadecimal.js';
import type { InventoryBar } from '../../inventory/machine.js';
import { formatSbdf } from '../../sbdf.js';
import { type Finding, finding } from '../finding.js';
import type { MemoryMap } from '../memory-map.js';
import { pagesAround } from '../ranges.js';
import { found, labelOf, ownerOf } from '../resource.js';
import { REALIGN } from '../rules.js';

/** F1. */
export function unaligned({ resources, pageSize }: MemoryMap): Finding[] {
  return resources
    .filter(({ start, slice }) => !slice && start % pageSize !== 0)
    .map((resource) =>
      finding(
        'F1',
        'warning',
        `${ownerOf(resource)} begins ${hex(resource.start % pageSize)} into its page`,
        [resource.sbdf],
        REALIGN,
        [found(resource)],
        [pagesAround(resource, pageSize)],
      ),
    );
}

/** F6. */
export function unnatural({ resources }: MemoryMap): Finding[] {
  return resources
    .filter(({ sized, slice }) => sized && !slice)
    .flatMap((resource) => {
      const { start, end, fn, sbdf } = resource;
      const size = end - start;
      const power = size > 0 && Number.isInteger(Math.log2(size));
      if (power && start % size === 0) return [];
      const fixed = fn.capabilities.enhancedAllocation !== undefined;
      const why = power
        ? `at ${hex(start)} is not at a multiple of its size ${hex(size)}`
        : `has ${hex(size)} bytes, which is no power of two`;
      return finding(
        'F6',
        fixed ? 'info' : 'warning',
        `${ownerOf(resource)} ${why}`,
        [sbdf],
        fixed
          ? 'nothing: Enhanced Allocation may place it so'
          : 'give the guest a BAR of the next power of two, and trap what is behind the real one',
        [found(resource)],
      );
    });
}

/** F9. */
export function unplaced({ machine }: MemoryMap): Finding[] {
  return machine.functions.flatMap(({ sbdf, bars, decode }) => {
    const memory = bars.filter(({ type }) => type !== 'io');
    const homeless = memory.filter(({ address }) => address === undefined);
    const off = memory.filter(({ address, disabled }) => address !== undefined && disabled);
    const names = (some: readonly InventoryBar[]) =>
      `${formatSbdf(sbdf)}: ${some.map(labelOf).join(', ')} ${some.length > 1 ? 'have' : 'has'}`;
    const missing = () =>
      finding(
        'F9',
        'warning',
        `${names(homeless)} no address`,
        [sbdf],
        'let the kernel assign it (pci=realloc) and audit again',
      );
    const disabled = () =>
      finding(
        'F9',
        'info',
        `${names(off)} an address but ${decode === false ? 'memory decoding is off' : 'is not enabled'}`,
        [sbdf],
        'audit again once a driver has enabled it, if it has moved',
        off.map((bar) => ({
          start: bar.address as number,
          end: (bar.address as number) + (bar.size ?? 0),
          owner: `${formatSbdf(sbdf)} ${labelOf(bar)}`,
        })),
      );
    return [...(homeless.length > 0 ? [missing()] : []), ...(off.length > 0 ? [disabled()] : [])];
  });
}
