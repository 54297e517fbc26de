import { PAGE_SIZE, pageOf } from '../access.js';
import type { Dispatcher } from '../dispatcher.js';
import type { Location, MsixLayout } from '../function.js';
import type { InventoryBar, InventoryFunction } from '../inventory/machine.js';
import { MSIX_ENTRY, tableSize, VECTOR_CONTROL } from '../msix-layout.js';
import { formatSbdf } from '../sbdf.js';

/** PCIe 7.7.2: the dwords of a table entry, in their order. */
export const FIELDS = ['message address', 'message upper address', 'message data', 'vector control'] as const;
export type Field = (typeof FIELDS)[number];

const WORD = 8;

/**
 * A run of an access's bytes with one owner. `off`: in a BAR that is not decoded. `nobody`: in no BAR. The others are
 * those of `Location`.
 */
export interface Part {
  /** Bytes of the access, from 0. */
  readonly first: number;
  readonly last: number;
  readonly owner: Location['owner'] | 'off' | 'nobody';
  readonly sbdf: string | undefined;
  /** `BAR0` to `BAR5`, `ROM`. */
  readonly region: string | undefined;
  /** Of the first byte, from the region's start. */
  readonly offset: number | undefined;
  /** What the bytes are, in words. */
  readonly text: string;
  /** Of a table: the fields of entries that the bytes are in. */
  readonly fields: readonly Field[];
}

export const regionName = (index: number): string => (index === 6 ? 'ROM' : `BAR${index}`);

interface Byte {
  readonly owner: Part['owner'];
  readonly fn?: InventoryFunction;
  readonly bar?: InventoryBar;
}

/** Whose bytes an access touches: policy strict's word on it, the inventory's where nothing is decoded. */
export function partsOf(
  inventory: readonly InventoryFunction[],
  strict: Dispatcher,
  address: number,
  width: number,
): Part[] {
  const bytes = Array.from({ length: width }, (_, index) => byteAt(inventory, strict, address + index));
  const starts = bytes.flatMap((byte, index) => (index > 0 && same(byte, bytes[index - 1]) ? [] : [index]));
  return starts.map((first, index) => {
    const last = (starts[index + 1] ?? width) - 1;
    const { owner, fn, bar } = bytes[first];
    const at = address + first;
    const offset = bar && at - (bar.address as number);
    const length = last - first + 1;
    const table = owner === 'table' && fn?.msix && offset !== undefined;
    return {
      first,
      last,
      owner,
      sbdf: fn && formatSbdf(fn.sbdf),
      region: bar && regionName(bar.index),
      offset,
      text: textOf(inventory, owner, fn, offset ?? 0, at, length),
      fields: table ? entriesOf(fn.msix, offset, length).flatMap(({ fields }) => fields) : [],
    };
  });
}

function byteAt(inventory: readonly InventoryFunction[], strict: Dispatcher, address: number): Byte {
  const location = strict.locate(address);
  if (location) {
    const fn = inventory.find(({ sbdf }) => sbdf === location.fn.sbdf);
    return { owner: location.owner, fn, bar: fn?.bars.find(({ index }) => index === location.bar.index) };
  }
  for (const fn of inventory) {
    const bar = fn.bars.find((candidate) => holds(candidate, address));
    if (bar) return { owner: 'off', fn, bar };
  }
  return { owner: 'nobody' };
}

/** True where a memory BAR has the byte, decoded or not. */
export function holds({ type, address, size }: InventoryBar, at: number): boolean {
  if (type === 'io' || address === undefined || size === undefined) return false;
  return at >= address && at < address + size;
}

const same = (a: Byte, b: Byte): boolean => a.owner === b.owner && a.bar === b.bar;

function textOf(
  inventory: readonly InventoryFunction[],
  owner: Part['owner'],
  fn: InventoryFunction | undefined,
  offset: number,
  address: number,
  length: number,
): string {
  switch (owner) {
    case 'table':
      return entryText(fn?.msix as MsixLayout, offset, length);
    case 'pba':
      return pendingText(fn?.msix as MsixLayout, offset, length);
    case 'adjacent':
      return 'registers on a page with MSI-X table or PBA bytes';
    case 'rom':
      return 'expansion ROM';
    case 'neighbour':
      return `registers on a page shared with ${sharers(inventory, fn, address)}`;
    case 'direct':
      return 'registers on a page that need not trap';
    case 'off':
      return 'not decoded';
    default:
      return 'in no BAR';
  }
}

function entryText(msix: MsixLayout, offset: number, length: number): string {
  return entriesOf(msix, offset, length)
    .map(({ entry, fields, mask }) => {
      return `MSI-X entry ${entry}, ${fields.join(' and ')}${mask ? ', bit 0 masks' : ''}`;
    })
    .join('; ');
}

/** `mask`: the byte with the mask bit is among them. */
function entriesOf(
  msix: MsixLayout,
  offset: number,
  length: number,
): { entry: number; fields: Field[]; mask: boolean }[] {
  const start = offset - msix.table.offset;
  const entries = new Map<number, { entry: number; fields: Field[]; mask: boolean }>();
  for (let at = start; at < start + length; at++) {
    const entry = Math.floor(at / MSIX_ENTRY);
    const found = entries.get(entry) ?? { entry, fields: [], mask: false };
    const field = FIELDS[Math.floor((at % MSIX_ENTRY) / 4)];
    if (!found.fields.includes(field)) found.fields.push(field);
    found.mask ||= at % MSIX_ENTRY === VECTOR_CONTROL;
    entries.set(entry, found);
  }
  return [...entries.values()];
}

/** The entries under the bytes are named as well: the PBA wins where it lies over its table. */
function pendingText(msix: MsixLayout, offset: number, length: number): string {
  const start = offset - msix.pba.offset;
  const words = range(Math.floor(start / WORD), Math.floor((start + length - 1) / WORD));
  const first = start * 8;
  const last = Math.min((start + length) * 8, msix.count) - 1;
  const bits = first > last ? 'bits of no vector' : `bits of vector${first < last ? 's' : ''}`;
  const { table, pba, count } = msix;
  const [from, to] = [
    Math.max(offset, table.offset),
    Math.min(offset + length, table.offset + tableSize(count)),
  ];
  const under = table.bir === pba.bir && from < to ? `, over ${entryText(msix, from, to - from)}` : '';
  return `PBA word ${words}, ${bits}${first > last ? '' : ` ${range(first, last)}`}${under}`;
}

export const range = (first: number, last: number): string =>
  first === last ? `${first}` : `${first}..${last}`;

/** The other BARs with bytes on the page. */
function sharers(
  inventory: readonly InventoryFunction[],
  own: InventoryFunction | undefined,
  address: number,
): string {
  const page = pageOf(address);
  const names = inventory.flatMap((fn) =>
    fn.bars
      .filter((bar) => !bar.disabled && !(fn === own && holds(bar, address)))
      .filter((bar) => bar.type !== 'io' && bar.address !== undefined && bar.size !== undefined)
      .filter((bar) => (bar.address as number) < page + PAGE_SIZE && endOf(bar) > page)
      .map((bar) => `${formatSbdf(fn.sbdf)} ${regionName(bar.index)}`),
  );
  return names.join(', ');
}

const endOf = ({ address, size }: InventoryBar): number => (address as number) + (size as number);
