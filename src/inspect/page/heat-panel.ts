import { PAGE_SIZE } from '../../access.js';
import { hex } from '../../hexadecimal.js';
import { accessesOf, bytesText, kindName, mostAccesses, opacityOf } from '../../report/heat-map.js';
import { many } from '../../report/numbers.js';
import { OWNERS } from '../../report/owners.js';
import { formatSbdf } from '../../sbdf.js';
import { type AccessWatch, isServed, type WatchedPage } from './access-watch.js';
import { colour, onColoursChanged } from './colours.js';
import { element, setAttribute, setText } from './element.js';

/** Bytes in a row and in a column. */
const ROW = 64;
const CELL = 8;
const SIDE = ROW * CELL;
/** Owners do not cut 8 bytes. */
const GRAIN = 8;

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -ROW,
  ArrowDown: ROW,
  PageUp: -8 * ROW,
  PageDown: 8 * ROW,
};

/** Maps of the pages: a cell a byte, coloured by owner, the brighter the more accesses, framed where there was one just now. */
export class HeatPanel {
  private readonly place: HTMLElement;
  private readonly watch: AccessWatch;
  private readonly maps = new Map<WatchedPage, HeatMap>();

  constructor(place: HTMLElement, watch: AccessWatch) {
    this.place = place;
    this.watch = watch;
    place.before(legend());
    onColoursChanged(() => {
      for (const map of this.maps.values()) map.repaint();
    });
  }

  draw(): void {
    const pages = this.watch.shownPages();
    for (const [page, map] of this.maps) {
      if (pages.includes(page)) continue;
      map.figure.remove();
      this.maps.delete(page);
    }
    for (const [index, page] of pages.entries()) {
      let map = this.maps.get(page);
      if (!map) {
        map = new HeatMap(page);
        this.maps.set(page, map);
      }
      const { figure } = map;
      if (this.place.children[index] !== figure) this.place.insertBefore(figure, this.place.children[index]);
      map.draw(this.watch.isDecoded(page));
    }
  }
}

/** One page. */
class HeatMap {
  readonly figure: HTMLElement;
  private readonly page: WatchedPage;
  private readonly canvas = element('canvas', { width: SIDE, height: SIDE, tabindex: 0, role: 'img' });
  private readonly title = element('b');
  private readonly note = element('span', { class: 'note' });
  private readonly readout = element('output', { class: 'readout note' });
  /** Accesses to each byte when it was drawn last. */
  private readonly drawn = new Uint32Array(PAGE_SIZE);
  private cursor: number | undefined;
  private total = -1;
  private fresh = false;

  constructor(page: WatchedPage) {
    this.page = page;
    this.figure = element(
      'figure',
      {},
      element('figcaption', {}, this.title, this.note),
      this.canvas,
      this.readout,
    );
    this.canvas.addEventListener('pointermove', (event) => this.point(event));
    this.canvas.addEventListener('pointerleave', () => this.moveTo(undefined));
    this.canvas.addEventListener('blur', () => this.moveTo(undefined));
    this.canvas.addEventListener('keydown', (event) => this.step(event));
  }

  draw(decoded: boolean): void {
    const { page } = this;
    const total = accessesOf(page);
    const name = nameOf(page);
    setText(this.title, name);
    setText(
      this.note,
      decoded
        ? `at ${hex(page.owners.address)}, ${many(total, 'byte accessed', 'bytes accessed')}`
        : `was at ${hex(page.owners.address)}: not decoded now`,
    );
    this.figure.classList.toggle('off', !decoded);
    setAttribute(
      this.canvas,
      'aria-label',
      `Accesses to each byte of ${name}; arrow keys move over the bytes`,
    );
    if (total === this.total && !this.fresh) return;
    this.total = total;
    this.paint();
  }

  repaint(): void {
    this.total = -1;
    this.fresh = true;
  }

  private paint(): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    const { owners, reads, writes } = this.page;
    const most = mostAccesses(this.page);
    const ink = colour('ink');
    const colours = new Map(OWNERS.map(([name]) => [name, colour(name)]));
    context.globalAlpha = 1;
    context.clearRect(0, 0, SIDE, SIDE);
    this.fresh = false;
    const hot: number[] = [];
    for (let byte = 0; byte < PAGE_SIZE; byte++) {
      if (byte % GRAIN === 0) context.fillStyle = colours.get(kindName(owners, byte)) ?? ink;
      const count = reads[byte] + writes[byte];
      context.globalAlpha = opacityOf(count, most);
      context.fillRect((byte % ROW) * CELL, Math.floor(byte / ROW) * CELL, CELL - 0.75, CELL - 0.75);
      if (count > this.drawn[byte]) hot.push(byte);
      this.drawn[byte] = count;
    }
    context.globalAlpha = 1;
    context.strokeStyle = ink;
    for (const byte of hot) this.frame(context, byte, 1);
    if (this.cursor !== undefined) this.frame(context, this.cursor, 2);
    this.fresh = hot.length > 0;
    this.tell();
  }

  private frame(context: CanvasRenderingContext2D, byte: number, width: number): void {
    context.lineWidth = width;
    context.strokeRect((byte % ROW) * CELL, Math.floor(byte / ROW) * CELL, CELL - 0.75, CELL - 0.75);
  }

  private point({ offsetX, offsetY }: PointerEvent): void {
    const { clientWidth, clientHeight } = this.canvas;
    const column = Math.min(ROW - 1, Math.floor((offsetX / clientWidth) * ROW));
    const row = Math.min(ROW - 1, Math.floor((offsetY / clientHeight) * ROW));
    this.moveTo(Math.max(0, row) * ROW + Math.max(0, column));
  }

  private step(event: KeyboardEvent): void {
    const { key } = event;
    const ends: Readonly<Record<string, number>> = { Home: 0, End: PAGE_SIZE - 1 };
    const step = STEPS[key];
    if (step === undefined && ends[key] === undefined) return;
    event.preventDefault();
    const to = ends[key] ?? (this.cursor ?? -step) + step;
    if (to >= 0 && to < PAGE_SIZE) this.moveTo(to);
  }

  private moveTo(byte: number | undefined): void {
    if (byte === this.cursor) return;
    this.cursor = byte;
    this.paint();
  }

  private tell(): void {
    setText(
      this.readout,
      this.cursor === undefined ? '\u00a0' : bytesText(this.page, this.cursor, this.cursor + 1),
    );
  }
}

/** `00:09.0 BAR0+0x1000`, or where on the page its BARs start. */
function nameOf({ owners: { bars } }: WatchedPage): string {
  const functions = new Map<string, string[]>();
  for (const { fn, index, offset } of bars) {
    const sbdf = formatSbdf(fn.sbdf).replace(/^0000:/, '');
    const place = offset < 0 ? ` from ${hex(-offset)}` : `+${hex(offset)}`;
    functions.set(sbdf, [...(functions.get(sbdf) ?? []), `BAR${index}${place}`]);
  }
  return [...functions].map(([sbdf, places]) => `${sbdf} ${places.join(', ')}`).join('; ');
}

function legend(): HTMLElement {
  const items = OWNERS.filter(([name]) => isServed(name)).map(([name, text]) =>
    element('span', {}, element('i', { class: `swatch ${name}` }), text),
  );
  return element(
    'p',
    { class: 'legend' },
    ...items,
    element(
      'span',
      { class: 'note' },
      'a cell is a byte, 64 a row; brighter: more accesses; framed: just now',
    ),
  );
}
