import { common, rangeText } from '../audit/ranges.js';
import { type AddressRange, overlap } from '../regions/address-range.js';
import { escapeHtml } from './html.js';

/** Bytes with an owner; those later in a list lie on top. */
export interface OwnedRange extends AddressRange {
  readonly owner: string;
  /** CSS class of its cells. */
  readonly colour: string;
}

/** Cells in a row and a column, each a byte of a 4 KiB page, and of larger ones more. */
const ROW = 64;
const CELL = 8;

/** One page as a square of cells, coloured by owner. */
export function ownerMap(page: AddressRange, owners: readonly OwnedRange[]): string {
  const grain = (page.end - page.start) / ROW ** 2;
  const side = ROW * CELL;
  const cells = owners
    .filter((range) => overlap(range, page))
    .flatMap((range) => {
      const { start, end } = common(range, page);
      return rows((start - page.start) / grain, (end - page.start) / grain).map(
        ([x, y, width]) =>
          `<rect class="${range.colour}" x="${x * CELL}" y="${y * CELL}" width="${width * CELL}" height="${CELL}"><title>${escapeHtml(`${rangeText(range)} ${range.owner}`)}</title></rect>`,
      );
    });
  const label = `Owners of the bytes of page ${rangeText(page)}`;
  return `<svg class="heat" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges" role="img" aria-label="${label}"><rect class="nobody" width="${side}" height="${side}" fill-opacity="0.17"><title>nobody's</title></rect>${cells.join('')}</svg>`;
}

/** A run of cells, cut where rows end: column, row and length of each part. */
function rows(from: number, to: number): [number, number, number][] {
  const parts: [number, number, number][] = [];
  for (let at = from; at < to; ) {
    const row = Math.floor(at / ROW);
    const end = Math.min(to, (row + 1) * ROW);
    parts.push([at - row * ROW, row, end - at]);
    at = end;
  }
  return parts;
}
