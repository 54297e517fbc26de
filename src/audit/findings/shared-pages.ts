import type { InventoryFunction, MemoryRange } from '../../inventory/machine.js';
import { formatSbdf } from '../../sbdf.js';
import { type Finding, finding } from '../finding.js';
import { type MemoryMap, memoryMap } from '../memory-map.js';
import { merged, pagesAround, pageText } from '../ranges.js';
import { found, foundOn, functionsOf, ownerOf, type Resource } from '../resource.js';
import { REALIGN } from '../rules.js';
import { sharedPages } from '../shared-pages.js';
import { isReservedAround, isStranger, strangers } from '../strangers.js';

/** Page sizes of hosts, bytes. */
export const pageSizes = [4096, 16384, 65536] as const;

/** F2. */
export function sharedByOne({ shared, pageSize }: MemoryMap): Finding[] {
  return shared.flatMap((pages) =>
    functionsOf(pages.items).flatMap((sbdf) => {
      const own = pages.items.filter((resource) => resource.sbdf === sbdf);
      if (own.length < 2) return [];
      return finding(
        'F2',
        'warning',
        `${formatSbdf(sbdf)}: ${own.map(({ label }) => label).join(', ')} share ${pageText(pages, pageSize)}`,
        [sbdf],
        REALIGN,
        own.map((resource) => foundOn(resource, pages)),
        [pages],
      );
    }),
  );
}

/** F3. */
export function sharedBySeveral({ shared, pageSize }: MemoryMap): Finding[] {
  return shared
    .filter(({ items }) => functionsOf(items).length > 1)
    .map((pages) => {
      const { items } = pages;
      const functions = functionsOf(items);
      const asleep = functionsOf(items.filter(({ slice, fn }) => !slice || fn.sriov?.enabled)).length < 2;
      const slices = items.every(({ slice }) => slice);
      return finding(
        'F3',
        asleep ? 'info' : 'high',
        `${functions.map(formatSbdf).join(', ')} ${asleep ? 'would ' : ''}share ${pageText(pages, pageSize)}${asleep ? ' once their virtual functions are enabled' : ''}`,
        functions,
        slices
          ? systemPageRemedy(items[0].fn, pageSize)
          : 'pass them through together, reassign the BARs as planned, or serve the page by trapping',
        items.map((resource) => foundOn(resource, pages)),
        [pages],
      );
    });
}

function systemPageRemedy({ sbdf, sriov }: InventoryFunction, pageSize: number): string {
  return sriov?.supportedPageSizes.includes(pageSize)
    ? `set System Page Size of ${formatSbdf(sbdf)} to ${pageSize / 1024} KiB, or pass the virtual functions through together`
    : `pass the virtual functions through together: ${formatSbdf(sbdf)} does not support a System Page Size of ${pageSize / 1024} KiB`;
}

/** F7. */
export function sharedWithOthers({ machine, resources, pageSize }: MemoryMap): Finding[] {
  const company = new Map<Resource, Set<MemoryRange>>();
  const others = strangers(machine.memory);
  for (const { items } of sharedPages<Resource | MemoryRange>([...resources, ...others], pageSize)) {
    const ranges = items.filter(isStranger);
    for (const resource of items) {
      if (isStranger(resource)) continue;
      for (const range of ranges) {
        if (isReservedAround(range, resource)) continue;
        company.set(resource, (company.get(resource) ?? new Set()).add(range));
      }
    }
  }
  return [...company].map(([resource, ranges]) =>
    finding(
      'F7',
      'high',
      `${ownerOf(resource)} shares a page with ${[...new Set([...ranges].map(({ name }) => name))].join(', ')}`,
      [resource.sbdf],
      REALIGN,
      [found(resource), ...[...ranges].map(({ start, end, name }) => ({ start, end, owner: name }))],
      [pagesAround(resource, pageSize)],
    ),
  );
}

/** F10. */
export function sharedInLargerPages({ machine, shared, pageSize }: MemoryMap): Finding[] {
  const known = new Set(shared.map(({ items }) => key(items)));
  return pageSizes
    .filter((size) => size > pageSize)
    .flatMap((size) => {
      const larger = memoryMap(machine, size).shared.filter(
        ({ items }) => functionsOf(items).length > 1 && !known.has(key(items)),
      );
      if (larger.length === 0) return [];
      const functions = functionsOf(larger.flatMap(({ items }) => items));
      return finding(
        'F10',
        'info',
        `with pages of ${size / 1024} KiB ${functions.length} functions would share ${larger.length} page${larger.length > 1 ? 's' : ''}`,
        functions,
        `audit with --page-size ${size} for such a host`,
        larger.flatMap((pages) => pages.items.map((resource) => foundOn(resource, pages))),
        merged(larger),
      );
    });
}

const key = (resources: readonly Resource[]): string =>
  functionsOf(resources)
    .sort((a, b) => a - b)
    .join();
