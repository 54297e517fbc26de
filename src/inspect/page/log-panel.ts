import { digits, hex } from '../../hexadecimal.js';
import type { LoggedAccess } from './access-log.js';
import { type AccessWatch, isServed, KIND_NAMES } from './access-watch.js';
import type { AccessWords, Words } from './access-words.js';
import { byId, element, setText } from './element.js';
import { matches, parseFilter } from './log-filter.js';

/** Rows shown. */
const ROWS = 100;
/** Milliseconds that one drawing may spend on explaining accesses that were not met before. */
const PATIENCE = 6;

/** The newest accesses that pass the filter, in words. */
export class LogPanel {
  private readonly watch: AccessWatch;
  private readonly words: Words;
  private readonly filter = byId('filter', HTMLInputElement);
  private readonly kind = byId('filter-kind', HTMLSelectElement);
  private readonly hold = byId('hold', HTMLInputElement);
  private readonly shown = byId('log-shown', HTMLElement);
  private readonly details = byId('log-details', HTMLElement);
  private readonly rows: LogRow[];
  private state = '';
  private end = 0;

  constructor(watch: AccessWatch, words: Words) {
    this.watch = watch;
    this.words = words;
    this.rows = Array.from({ length: ROWS }, () => new LogRow((row) => this.select(row)));
    byId('log-rows', HTMLTableSectionElement).append(...this.rows.map(({ row }) => row));
    for (const name of ['reads', 'writes', ...KIND_NAMES.filter(isServed)])
      this.kind.append(element('option', { value: name }, name));
  }

  draw(): void {
    const { log } = this.watch;
    if (!this.hold.checked || this.end > log.total) this.end = log.total;
    const state = `${this.end} ${this.filter.value} ${this.kind.value}`;
    if (state === this.state) return;
    const deadline = performance.now() + PATIENCE;
    const asked = parseFilter(this.filter.value);
    let complete = true;
    let found = 0;
    for (let sequence = this.end - 1; sequence >= log.first && found < ROWS; sequence--) {
      const access = log.at(sequence);
      if (!access || !this.isOfKind(access)) continue;
      if (!this.words.knows(access) && performance.now() > deadline) {
        complete = false;
        continue;
      }
      const words = this.words.of(access);
      if (words && matches(asked, textOf(access, words))) this.rows[found++].show(access, words);
    }
    for (const row of this.rows.slice(found)) row.hide();
    this.state = complete ? state : '';
    const kept = this.end - log.first;
    setText(
      this.shown,
      `${found === ROWS ? `newest ${ROWS} that match` : `${found} match`} of the last ${kept} accesses`,
    );
  }

  private isOfKind({ kind, write }: LoggedAccess): boolean {
    const { value } = this.kind;
    if (value === '') return true;
    if (value === 'reads' || value === 'writes') return write === (value === 'writes');
    return KIND_NAMES[kind] === value;
  }

  private select({ access, words }: LogRow): void {
    if (!access || !words) return;
    this.details.replaceChildren(
      element('p', {}, element('b', {}, textOf(access, words))),
      element(
        'ul',
        {},
        ...words.reasons.map(({ rule, source }) =>
          element('li', {}, `${rule} `, element('span', { class: 'note' }, `(${source})`)),
        ),
      ),
    );
  }
}

class LogRow {
  readonly row: HTMLTableRowElement;
  access: LoggedAccess | undefined;
  words: AccessWords | undefined;
  private readonly cells: readonly HTMLElement[];
  private readonly number: HTMLButtonElement;

  constructor(selected: (row: LogRow) => void) {
    this.number = element('button', { type: 'button', class: 'plain', title: 'Why' });
    this.number.addEventListener('click', () => selected(this));
    this.cells = ['n', '', 'n mono', 'mono', '', ''].map((name) => element('td', { class: name }));
    this.row = element('tr', { hidden: true }, element('td', { class: 'n' }, this.number), ...this.cells);
  }

  show(access: LoggedAccess, words: AccessWords): void {
    if (this.access === access) return;
    this.access = access;
    this.words = words;
    this.row.hidden = false;
    setText(this.number, String(access.sequence));
    const texts = [
      (access.time / 1000).toFixed(3),
      access.write ? 'write' : 'read',
      valueText(access),
      words.place.replace(/^0000:/, ''),
      words.bytes,
      words.effect,
    ];
    for (const [index, text] of texts.entries()) setText(this.cells[index], text);
    this.row.className = KIND_NAMES[access.kind];
  }

  hide(): void {
    this.access = undefined;
    this.row.hidden = true;
  }
}

/** The value in hexadecimal, a digit pair a byte. */
export function valueText({ width, low, high }: LoggedAccess): string {
  return width === 8 ? digits(high, 8) + digits(low, 8) : digits(low, 2 * width);
}

const textOf = (access: LoggedAccess, { place, bytes, effect }: AccessWords): string =>
  `${access.write ? 'write' : 'read'} ${valueText(access)} ${place} at ${hex(access.address)}: ${bytes}: ${effect}`;
