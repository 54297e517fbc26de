import { hex } from '../../hexadecimal.js';
import type { InventoryFunction } from '../../inventory/machine.js';
import { pbaSize, tableSize } from '../../msix-layout.js';
import { type AddressRange, overlap } from '../../regions/address-range.js';
import { formatSbdf, type Sbdf } from '../../sbdf.js';
import { type Finding, type FoundRange, finding, type Severity } from '../finding.js';
import type { MemoryMap } from '../memory-map.js';
import { common, merged, pagesAround, without } from '../ranges.js';
import { foundOn, type Resource } from '../resource.js';
import { REALIGN } from '../rules.js';

/** Table or PBA, in the BAR that its BIR names. */
interface Structure extends FoundRange {
  readonly part: string;
  readonly holder: Resource;
}

interface Layout {
  readonly fn: InventoryFunction;
  /** Those whose BAR has an address, the table first. */
  readonly structures: readonly Structure[];
}

/** F4, F5. */
export function msix(map: MemoryMap): Finding[] {
  const layouts = layoutsOf(map);
  return [...company(map, layouts), ...faults(layouts)];
}

/** What is on the pages of a function's structures beside them. */
interface Company {
  readonly pages: readonly AddressRange[];
  /** Other bytes of the BARs that hold the structures. */
  readonly rest: readonly FoundRange[];
  /** The function's other BARs, and other functions'. */
  readonly own: readonly FoundRange[];
  readonly foreign: readonly FoundRange[];
  readonly peers: readonly Sbdf[];
}

/** F4. */
function company(map: MemoryMap, layouts: readonly Layout[]): Finding[] {
  const sharers = sharedBy(map);
  return layouts.flatMap(({ fn, structures }) => {
    const { pages, rest, own, foreign, peers } = companyOf(fn, structures, map.pageSize, sharers);
    const together = (
      severity: Severity,
      what: string,
      remedy: string,
      ranges: readonly FoundRange[],
      others: readonly Sbdf[] = [],
    ) =>
      ranges.length === 0
        ? []
        : [
            finding(
              'F4',
              severity,
              `${formatSbdf(fn.sbdf)}: the MSI-X structures share a page with ${what}`,
              [fn.sbdf, ...others],
              remedy,
              [...structures.map(({ start, end, owner }) => ({ start, end, owner })), ...ranges],
              pages,
            ),
          ];
    return [
      ...together(
        'high',
        'another function: who forwards what is beside them forwards that',
        'pass them through together, reassign the BARs as planned, or forward only bytes of own BARs',
        foreign,
        peers,
      ),
      ...together('warning', 'another BAR, which is trapped with them', REALIGN, own),
      ...together(
        'info',
        'other bytes of their BAR',
        'nothing: what is beside them is forwarded, at an exit each',
        rest,
      ),
    ];
  });
}

function companyOf(
  { sbdf }: InventoryFunction,
  structures: readonly Structure[],
  pageSize: number,
  sharers: ReadonlyMap<Resource, (readonly Resource[])[]>,
): Company {
  const holders = [...new Set(structures.map(({ holder }) => holder))];
  const inside = structures.filter((structure) => overlap(structure, structure.holder));
  const pages = merged(inside.map((structure) => pagesAround(common(structure, structure.holder), pageSize)));
  const onPages = (resource: Resource) =>
    pages.filter((page) => overlap(page, resource)).map((page) => foundOn(resource, page));
  const others = [...new Set(holders.flatMap((holder) => sharers.get(holder)?.flat() ?? []))].filter(
    (resource) => !holders.includes(resource) && onPages(resource).length > 0,
  );
  const foreign = others.filter((resource) => resource.sbdf !== sbdf);
  return {
    pages,
    rest: holders
      .flatMap(onPages)
      .flatMap((range) =>
        without(range, structures).map((part) => ({ ...part, owner: `${range.owner}, other bytes` })),
      ),
    own: others.filter((resource) => resource.sbdf === sbdf).flatMap(onPages),
    foreign: foreign.flatMap(onPages),
    peers: foreign.map((resource) => resource.sbdf),
  };
}

/** F5. */
function faults(layouts: readonly Layout[]): Finding[] {
  return layouts.flatMap(({ fn, structures }) => {
    const [table, pba] = structures;
    const found = [
      ...birFaults(fn),
      ...structures
        .filter(({ holder, end }) => holder.sized && end > holder.end)
        .map(
          ({ part, holder, end }) =>
            `the MSI-X ${part} ends ${hex(end - holder.end)} bytes past ${holder.label}`,
        ),
      ...(pba && overlap(table, pba) ? ['the MSI-X table and PBA overlap'] : []),
    ];
    return found.map((fault) =>
      finding(
        'F5',
        'warning',
        `${formatSbdf(fn.sbdf)}: ${fault}`,
        [fn.sbdf],
        'look for an erratum: QEMU refuses such a device, Xen lets the PBA win where both claim a byte',
        structures.map(({ start, end, owner }) => ({ start, end, owner })),
      ),
    );
  });
}

function layoutsOf({ machine, byFunction }: MemoryMap): Layout[] {
  return machine.functions.flatMap((fn) => {
    if (!fn.msix) return [];
    const { table, pba, count } = fn.msix;
    const parts = [
      { part: 'table', place: table, size: tableSize(count) },
      { part: 'PBA', place: pba, size: pbaSize(count) },
    ];
    const structures = parts.flatMap(({ part, place, size }) => {
      const holder = byFunction.get(fn.sbdf)?.find(({ bar }) => bar.index === place.bir);
      if (!holder) return [];
      const start = holder.start + place.offset;
      return { part, holder, start, end: start + size, owner: `${formatSbdf(fn.sbdf)} MSI-X ${part}` };
    });
    return { fn, structures };
  });
}

/** All that is on the pages that a resource shares. */
function sharedBy({ shared }: MemoryMap): Map<Resource, (readonly Resource[])[]> {
  const map = new Map<Resource, (readonly Resource[])[]>();
  for (const { items } of shared) {
    for (const item of items) {
      const sets = map.get(item);
      if (sets) sets.push(items);
      else map.set(item, [items]);
    }
  }
  return map;
}

/** PCI 3.0 6.8.2.4: a BIR of 0 to 5 that names a memory BAR. */
function birFaults({ msix, bars }: InventoryFunction): string[] {
  const parts = msix
    ? [
        { part: 'table', ...msix.table },
        { part: 'PBA', ...msix.pba },
      ]
    : [];
  return parts.flatMap(({ part, bir, offset }) => {
    const bar = bars.find(({ index }) => index === bir);
    const lower = bars.find(({ index, type }) => index === bir - 1 && type === 'mem64');
    const faults = offset % 8 === 0 ? [] : [`offset ${hex(offset)} of the MSI-X ${part} is no multiple of 8`];
    const wrong = (why: string) => [...faults, `BIR ${bir} of the MSI-X ${part} ${why}`];
    if (bir > 5) return wrong('is reserved');
    if (lower) return wrong(`names the upper half of BAR ${lower.index}`);
    if (!bar) return wrong('names no BAR');
    return bar.type === 'io' ? wrong('names an I/O BAR') : faults;
  });
}
