import { PAGE_SIZE } from '../access.js';
import { hex } from '../hexadecimal.js';
import { MSIX_ENTRY } from '../msix-layout.js';
import { formatSbdf } from '../sbdf.js';
import { KINDS } from '../trace/function-counts.js';
import { type BarOnPage, NOBODY, type PageHeat, type PageOwners } from '../trace/page-owners.js';
import { escapeHtml } from './html.js';
import { many } from './numbers.js';

/** Cells of one byte: 64 x 64 are a page. */
const ROW = 64;
const CELL = 8;
/** Opacity of bytes without an access, and of those with the fewest. */
export const COLD = 0.17;
export const WARM = 0.38;
/** PCIe 7.7.2.5 to 7.7.2.8: the dwords of an entry. */
const FIELDS = ['address', 'upper address', 'data', 'vector control'];
/** Bytes drawn as one: no owner cuts a dword. */
const GRAIN = 4;

/** `0000:01:00.0 BAR 0 + 0x2000` of each BAR on the page. */
export function pageNames({ bars }: PageOwners): string[] {
  return bars.map((bar) => {
    const { fn, index, offset } = bar;
    const place = offset < 0 ? `starts at ${hex(-offset)} of the page` : `+ ${hex(offset)}`;
    return `${formatSbdf(fn.sbdf)} ${index === 6 ? 'ROM' : barName(bar)} ${place}`;
  });
}

const barName = ({ type, index }: BarOnPage): string => (type === 'region' ? 'region' : `BAR ${index}`);

export const accessesOf = ({ reads, writes }: PageHeat): number =>
  reads.reduce((sum, count) => sum + count, 0) + writes.reduce((sum, count) => sum + count, 0);

/** One trapped page: a cell a byte, coloured by owner, the brighter the more accesses (logarithmic). */
export function heatMap({ owners, reads, writes }: PageHeat): string {
  const most = mostAccesses({ owners, reads, writes });
  const cells: string[] = [];
  for (let start = 0; start < PAGE_SIZE; ) {
    const end = runEnd(start, owners, reads, writes);
    const count = reads[start] + writes[start];
    const opacity = opacityOf(count, most);
    const text = bytesText({ owners, reads, writes }, start, end);
    const [x, y] = [(start % ROW) * CELL, Math.floor(start / ROW) * CELL];
    cells.push(
      `<rect class="${kindName(owners, start)}" x="${x}" y="${y}" width="${(end - start) * CELL}" height="${CELL}" fill-opacity="${opacity.toFixed(2)}"><title>${escapeHtml(text)}</title></rect>`,
    );
    start = end;
  }
  const side = ROW * CELL;
  const label = `Accesses to each byte of ${pageNames(owners).join(', ')}`;
  return `<svg class="heat" viewBox="0 0 ${side} ${side}" role="img" aria-label="${escapeHtml(label)}">${cells.join('')}<rect class="lines" width="${side}" height="${side}" fill="url(#cells)"/></svg>`;
}

/** Accesses to the byte that has the most. */
export const mostAccesses = ({ reads, writes }: PageHeat): number =>
  Math.max(0, ...reads.map((count, byte) => count + writes[byte]));

/** The lines between the cells, for all maps of a page. */
export const cellLines =
  `<svg width="0" height="0" aria-hidden="true"><defs><pattern id="cells" width="${CELL}" height="${CELL}" ` +
  `patternUnits="userSpaceOnUse"><path d="M${CELL - 0.5} 0V${CELL - 0.5}H0" fill="none" stroke="var(--card)"/></pattern></defs></svg>`;

/** Of a byte with so many accesses on a page where `most` is the highest count. */
export const opacityOf = (count: number, most: number): number =>
  count ? WARM + (1 - WARM) * heatOf(count, most) : COLD;

/** What the bytes [start, end), of one owner and with equal counts, are. */
export const bytesText = ({ owners, reads, writes }: PageHeat, start: number, end: number): string =>
  `${bytes(start, end)} ${ownerText(owners, start)}: ${countText(reads[start], writes[start])}`;

/** 0 for one access, 1 for the most. */
const heatOf = (count: number, most: number): number => (most > 1 ? Math.log(count) / Math.log(most) : 1);

export function kindName({ kinds }: PageOwners, byte: number): string {
  const kind = kinds[byte >>> 3];
  return kind === NOBODY ? 'nobody' : KINDS[kind];
}

/** One past the bytes that are drawn as one with this: a dword with equal counts, or a row's bytes without access. */
function runEnd(start: number, owners: PageOwners, reads: Uint32Array, writes: Uint32Array): number {
  const idle = reads[start] + writes[start] === 0;
  const owner = owners.kinds[start >>> 3];
  const table = KINDS[owner] === 'table' || KINDS[owner] === 'pba';
  const limit = start - (start % (idle && !table ? ROW : GRAIN)) + (idle && !table ? ROW : GRAIN);
  let end = start + 1;
  while (
    end < limit &&
    reads[end] === reads[start] &&
    writes[end] === writes[start] &&
    owners.kinds[end >>> 3] === owner &&
    owners.functions[end >>> 3] === owners.functions[start >>> 3]
  ) {
    end++;
  }
  return end;
}

function ownerText(owners: PageOwners, byte: number): string {
  const kind = kindName(owners, byte);
  const fn = owners.functions[byte >>> 3];
  const bar = fn && owners.bars.find((candidate) => candidate.fn === fn && holds(candidate, byte));
  if (!fn || !bar) return 'nobody';
  const offset = bar.offset + byte;
  const where = `${formatSbdf(fn.sbdf)} ${barName(bar)} + ${hex(offset)}`;
  if (kind === 'table' && fn.msix) {
    const at = offset - fn.msix.table.offset;
    return `entry ${Math.floor(at / MSIX_ENTRY)} ${FIELDS[Math.floor((at % MSIX_ENTRY) / 4)]}, ${where}`;
  }
  if (kind === 'pba' && fn.msix) {
    const vector = 8 * (offset - fn.msix.pba.offset);
    return `pending bits from vector ${vector} on, ${where}`;
  }
  return `${kind}, ${where}`;
}

const holds = ({ offset, size }: BarOnPage, byte: number): boolean =>
  offset + byte >= 0 && offset + byte < size;

const bytes = (start: number, end: number): string =>
  end - start === 1 ? hex(start) : `${hex(start)}\u2013${hex(end - 1)}`;

const countText = (reads: number, writes: number): string =>
  reads + writes === 0 ? 'no access' : `${many(reads, 'read')}, ${many(writes, 'write')}`;
