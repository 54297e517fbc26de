import type { AssignedFunction } from '../../function.js';
import { digits, hex } from '../../hexadecimal.js';
import type { Vector } from '../../host.js';
import { decodeMessage } from '../../msix/message.js';
import { MSIX_ENTRY, VECTOR_CONTROL } from '../../msix-layout.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../../pci/msix-capability.js';
import { formatSbdf } from '../../sbdf.js';
import { action, element, setAttribute, setText, toggle } from './element.js';
import { nameOf } from './machine-inventory.js';
import type { PageMachine } from './page-machine.js';

const word = (value: number): string => digits(value, 8);

/** One function: its decoding, its MSI-X capability, and its vectors. */
export class FunctionPanel {
  readonly section: HTMLElement;
  private readonly machine: PageMachine;
  private readonly fn: AssignedFunction;
  private readonly tell: (text: string) => void;
  private readonly decode: HTMLButtonElement;
  private readonly enable: HTMLButtonElement;
  private readonly functionMask: HTMLButtonElement;
  private readonly bars = element('span', { class: 'note' });
  private readonly rows: VectorRow[];
  private readonly rest = element('p', { class: 'note' });
  private readonly everyVector = element('input', { type: 'checkbox' });

  constructor(machine: PageMachine, fn: AssignedFunction, tell: (text: string) => void) {
    this.machine = machine;
    this.fn = fn;
    this.tell = tell;
    const name = formatSbdf(fn.sbdf);
    this.decode = toggle('Decode', 'COMMAND, memory space enable: without it nobody answers', (on) => {
      const result = fn.setDecode(on);
      this.say(`${name}: decoding ${result === 'fail' ? 'cannot be switched' : on ? 'on' : 'off'}`);
    });
    this.enable = toggle('MSI-X', 'Message Control, bit 15: MSI-X enable', (on) =>
      this.control(on, MSIX_ENABLE, 'MSI-X'),
    );
    this.functionMask = toggle(
      'Function mask',
      'Message Control, bit 14: masks every vector of the function',
      (on) => this.control(on, FUNCTION_MASK, 'function mask'),
    );
    const count = fn.msix?.count ?? 0;
    this.rows = Array.from({ length: count }, (_, index) => new VectorRow(this, index));
    const head = (column: string) => {
      const numeric = column === 'vector' || column === 'sent';
      return element('th', { scope: 'col', class: numeric ? `n ${column}` : column }, column);
    };
    const columns = ['vector', 'address', 'data', 'interrupts', 'mask', 'pending', 'sent'];
    const heads = [...columns.map(head), element('td', { class: 'press' })];
    const table = element(
      'table',
      { class: 'vectors' },
      element('caption', { class: 'hidden' }, `MSI-X table of ${name}`),
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, ...this.rows.map(({ row }) => row)),
    );
    this.section = element(
      'section',
      { class: 'function', 'aria-label': `Function ${name}` },
      element('h3', {}, element('b', {}, name.replace(/^0000:/, '')), ` ${nameOf(fn)} `, this.bars),
      element('div', { class: 'buttons' }, this.decode, this.enable, this.functionMask),
      element('div', { class: 'scroll rows' }, table),
      this.rest,
    );
    if (count > 8) {
      this.rest.before(element('label', { class: 'note' }, this.everyVector, ' every vector'));
    }
  }

  draw(): void {
    const { fn } = this;
    const { decoding, messageControl, bars } = fn;
    setText(
      this.bars,
      bars
        .filter(({ size }) => size > 0)
        .map(
          ({ index, address, size, enabled }) => `BAR${index} ${enabled ? hex(address) : 'off'}+${hex(size)}`,
        )
        .join(', '),
    );
    setAttribute(this.decode, 'aria-pressed', String(decoding));
    setAttribute(this.enable, 'aria-pressed', String((messageControl & MSIX_ENABLE) !== 0));
    setAttribute(this.functionMask, 'aria-pressed', String((messageControl & FUNCTION_MASK) !== 0));
    let hidden = 0;
    for (const row of this.rows) if (!row.draw(this.everyVector.checked)) hidden++;
    setText(this.rest, hidden > 0 ? `${hidden} more as after a reset: zero, masked, nothing sent` : '');
  }

  /** Entry, and how often it was sent. */
  vector(index: number): { entry: Vector; pending: boolean; sent: number } {
    return {
      entry: this.fn.vector(index),
      pending: this.fn.interrupts?.pending(index) ?? false,
      sent: this.machine.sentOf(this.fn.sbdf, index),
    };
  }

  /** Why a vector that is not masked by itself is. */
  get maskedBy(): string | undefined {
    const { messageControl } = this.fn;
    if (!(messageControl & MSIX_ENABLE)) return 'MSI-X off';
    return messageControl & FUNCTION_MASK ? 'function mask' : undefined;
  }

  get name(): string {
    return formatSbdf(this.fn.sbdf).replace(/^0000:/, '');
  }

  /** Guest address of an entry's vector control; undefined: the table is not decoded. */
  private controlAddress(index: number): number | undefined {
    const { msix, bars } = this.fn;
    const bar = bars.find((candidate) => candidate.index === msix?.table.bir);
    if (!msix || !bar?.enabled) return undefined;
    return bar.address + msix.table.offset + MSIX_ENTRY * index + VECTOR_CONTROL;
  }

  get isTableDecoded(): boolean {
    return this.controlAddress(0) !== undefined;
  }

  /** Writes vector control as a guest would. */
  mask(index: number, on: boolean): void {
    const address = this.controlAddress(index);
    if (address === undefined) return;
    this.machine.watch.write(address, 4, on ? 1 : 0);
    this.say(`${this.name}: vector ${index} ${on ? 'masked' : 'unmasked'}`);
  }

  raise(index: number): void {
    this.say(`${this.name}: vector ${index} raised: ${this.fn.interrupts?.raise(index) ?? 'dropped'}`);
  }

  /** Shown at once, so that a button has its new state when it is pressed again. */
  private say(text: string): void {
    this.tell(text);
    this.draw();
  }

  private control(on: boolean, bit: number, what: string): void {
    const { fn } = this;
    fn.writeMessageControl(on ? fn.messageControl | bit : fn.messageControl & ~bit);
    this.say(`${this.name}: ${what} ${on ? 'on' : 'off'}`);
  }
}

/** One entry of a table. */
class VectorRow {
  readonly row: HTMLTableRowElement;
  private readonly panel: FunctionPanel;
  private readonly index: number;
  private readonly cells: Readonly<
    Record<'address' | 'data' | 'message' | 'mask' | 'pending' | 'sent', HTMLTableCellElement>
  >;
  private readonly masked: HTMLButtonElement;

  constructor(panel: FunctionPanel, index: number) {
    this.panel = panel;
    this.index = index;
    this.cells = {
      address: element('td', { class: 'mono' }),
      data: element('td', { class: 'mono' }),
      message: element('td'),
      mask: element('td'),
      pending: element('td'),
      sent: element('td', { class: 'n' }),
    };
    this.masked = toggle('Mask', '', (on) => panel.mask(index, on));
    setAttribute(this.masked, 'aria-label', `Mask vector ${index}`);
    const raise = action('Raise', 'The device model raises this vector', () => panel.raise(index));
    setAttribute(raise, 'aria-label', `Raise vector ${index}`);
    this.row = element(
      'tr',
      {},
      element('th', { scope: 'row', class: 'n' }, String(index)),
      ...Object.values(this.cells),
      element('td', { class: 'buttons' }, this.masked, raise),
    );
  }

  /** False: it is as after a reset, and hidden. */
  draw(always: boolean): boolean {
    const { entry, pending, sent } = this.panel.vector(this.index);
    const { addressLow, addressHigh, data, masked } = entry;
    const used = addressLow !== 0 || addressHigh !== 0 || data !== 0 || !masked || pending || sent > 0;
    const shown = always || used || this.index === 0;
    this.row.hidden = !shown;
    if (!shown) return used;
    const { cells, panel } = this;
    const by = masked ? 'masked' : panel.maskedBy;
    setText(cells.address, addressHigh ? `${word(addressHigh)}_${word(addressLow)}` : word(addressLow));
    setText(cells.data, word(data));
    setText(cells.message, messageText(entry));
    setText(cells.mask, by ?? 'open');
    cells.mask.className = by === undefined ? 'open' : 'masked';
    setText(cells.pending, pending ? '● pending' : '–');
    cells.pending.className = pending ? 'waiting' : '';
    setText(cells.sent, String(sent));
    setAttribute(this.masked, 'aria-pressed', String(masked));
    this.masked.disabled = !panel.isTableDecoded;
    setAttribute(
      this.masked,
      'title',
      this.masked.disabled ? 'The table is not decoded' : 'Writes vector control, bit 0, as a guest would',
    );
    return true;
  }
}

/** What the message does. */
function messageText(entry: Vector): string {
  const decoded = decodeMessage(entry);
  if (!decoded) return entry.addressLow || entry.data ? 'a write to memory' : '–';
  if (decoded.format === 'remappable') return `handle ${decoded.handle}`;
  const mode = decoded.deliveryMode === 'fixed' ? '' : ` ${decoded.deliveryMode}`;
  return `${hex(decoded.vector)}, APIC ${decoded.destination}${mode}`;
}
