import { digits } from '../hexadecimal.js';
import { MOST_ENTRIES } from '../msix-layout.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { InventoryBar } from './machine.js';
import type { SeenFunction } from './seen-function.js';

/** What else the sources do not show, besides what is missing of functions. */
export interface Gaps {
  /** Functions that have no SBDF. */
  readonly beyond: number;
  /** Functions within whose lines a text ends. */
  readonly cut: readonly SeenFunction[];
  /** Functions whose configuration space breaks off. */
  readonly broken: readonly SeenFunction[];
  /** Functions of IOMMU groups that are not listed. */
  readonly unlisted: readonly Sbdf[];
  /** Functions of which something cannot be, and is left out. */
  readonly dropped: readonly SeenFunction[];
  /** Lines of `/proc/iomem` that are left out. */
  readonly droppedMemory: number;
  readonly memory: boolean | 'hidden';
}

const isSized = ({ size }: InventoryBar): boolean => size !== undefined;

/** Kinds of what is not shown of a function. */
const KINDS: readonly [(fn: SeenFunction) => boolean, (of: string) => string][] = [
  [
    ({ bars }) => bars === undefined,
    (of) => `BARs of ${of}, of which the name alone is listed: lspci -vv lists them`,
  ],
  [
    ({ bars }) => bars?.some((bar) => !isSized(bar)) ?? false,
    (of) => `sizes of BARs of ${of}: lspci -vv on the machine itself shows them`,
  ],
  [
    ({ barsGuessed }) => barsGuessed === true,
    (of) => `BAR indices of ${of} are guessed from lspci -v; lspci -vv prints them`,
  ],
  [
    ({ bars, decode }) => decode === undefined && (bars?.some(({ type }) => type.startsWith('mem')) ?? false),
    (of) => `memory decoding of ${of}: lspci -vv shows it`,
  ],
  [
    (fn) => fn.msix === undefined && lacksSriov(fn),
    (of) => `MSI-X and SR-IOV of ${of}: capabilities need root: sudo lspci -vv`,
  ],
  [
    (fn) => fn.msix === undefined && !lacksSriov(fn),
    (of) => `MSI-X of ${of}: where its table is needs root: sudo lspci -vv`,
  ],
  [
    (fn) => fn.msix !== undefined && lacksSriov(fn),
    (of) => `SR-IOV of ${of}: extended capabilities need root: sudo lspci -vv`,
  ],
  [
    ({ sriov }) => typeof sriov === 'object' && !sriov.bars.every(isSized),
    (of) =>
      `sizes of the virtual functions' BARs of ${of}: /sys/bus/pci/devices/*/resource has them, lspci does not`,
  ],
  [
    ({ sriov }) => typeof sriov === 'object' && sriov.supportedPageSizes.length === 0,
    (of) => `System Page Size of ${of}: 4096 is assumed; sudo lspci -vv shows it`,
  ],
  [
    ({ bars, interrupt }) => bars !== undefined && interrupt?.pin === undefined,
    (of) => `interrupt pins of ${of}: lspci -vv shows them`,
  ],
  [
    ({ bars, interrupt }) => bars !== undefined && (interrupt?.pin ?? 0) > 0 && interrupt?.irq === undefined,
    (of) => `what the interrupt pins of ${of} are routed to: lspci -vv shows it`,
  ],
  [
    ({ iommuGroup }) => iommuGroup === undefined,
    (of) => `IOMMU groups of ${of}: find /sys/kernel/iommu_groups -type l lists them, where there are any`,
  ],
];

/** What is not shown: a sentence of each kind, with how many functions it concerns and what would show it. */
export function unseen(functions: readonly SeenFunction[], gaps: Gaps): string[] {
  const kinds = KINDS.flatMap(([concerns, sentence]) => some(functions.filter(concerns), sentence));
  const buses = functions.flatMap(({ bridge }) =>
    bridge && !bridge.windows ? [digits(bridge.secondary, 2)] : [],
  );
  const { beyond, unlisted, droppedMemory } = gaps;
  return [
    ...kinds,
    ...(buses.length === 0
      ? []
      : [
          `bridge windows of ${buses.length === 1 ? `bus ${buses[0]}` : `${buses.length} buses`}: lspci -vv shows them`,
        ]),
    ...(beyond === 0 ? [] : [`${counted(beyond)} in domains above ffff, which have no SBDF`]),
    ...some(
      gaps.cut,
      (of) => `what may follow the end of the text, and the rest of ${of}: its last line is not ended`,
    ),
    ...some(gaps.broken, (of) => `configuration space of ${of}: it breaks off`),
    ...(unlisted.length === 0
      ? []
      : [`${counted(unlisted.length)} of IOMMU groups, not listed: lspci -vv lists all`]),
    ...some(
      gaps.dropped,
      (of) => `addresses above 2^52 or MSI-X tables of more than ${MOST_ENTRIES} entries of ${of}`,
    ),
    ...(droppedMemory === 0 ? [] : [`/proc/iomem above 2^52: ${droppedMemory} of its lines`]),
    ...memorySentence(gaps.memory),
  ];
}

/** Virtual functions have none of their own. */
const lacksSriov = ({ sriov, physicalFunction }: SeenFunction): boolean =>
  sriov === undefined && physicalFunction === undefined;

function memorySentence(memory: boolean | 'hidden'): string[] {
  if (memory === true) return [];
  const why = memory === 'hidden' ? 'its addresses are shown to root only' : 'not given';
  return [`memory that is no BAR: /proc/iomem: ${why}: sudo cat /proc/iomem`];
}

function some(functions: readonly SeenFunction[], sentence: (of: string) => string): string[] {
  if (functions.length === 0) return [];
  return [sentence(functions.length === 1 ? formatSbdf(functions[0].sbdf) : counted(functions.length))];
}

const counted = (count: number): string => `${count} function${count === 1 ? '' : 's'}`;
