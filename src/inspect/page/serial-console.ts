import { Terminal } from '@xterm/xterm';
import { colour, onColoursChanged } from './colours.js';
import { stylesByScript } from './script-styles.js';

const LEAST_ROWS = 12;
const SCROLLBACK = 5000;
/** Pixels for padding and scroll bar. */
const MARGIN = 26;

/** The guest's first serial port. */
export class SerialConsole {
  private readonly terminal: Terminal;

  /** `send`: what is typed, for guests that read it. Without, Tab leaves the console; with it, Shift+Tab does. */
  constructor(place: HTMLElement, send?: (text: string) => void) {
    stylesByScript();
    this.terminal = new Terminal({
      scrollback: SCROLLBACK,
      convertEol: true,
      disableStdin: send === undefined,
      cursorInactiveStyle: send ? 'outline' : 'none',
      fontSize: 12,
      fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
    });
    this.terminal.open(place);
    this.terminal.attachCustomKeyEventHandler(
      ({ key, shiftKey }) => key !== 'Tab' || (send !== undefined && !shiftKey),
    );
    if (send) this.terminal.onData(send);
    this.paint();
    onColoursChanged(() => this.paint());
    new ResizeObserver(() => this.fit(place)).observe(place);
  }

  write(byte: number): void {
    this.terminal.write(Uint8Array.of(byte));
  }

  clear(): void {
    this.terminal.reset();
  }

  /** All that is kept, lines as the guest wrote them. */
  get text(): string {
    const { active } = this.terminal.buffer;
    const lines: string[] = [];
    for (let index = 0; index < active.length; index++) {
      const line = active.getLine(index);
      const text = line?.translateToString(true) ?? '';
      if (line?.isWrapped) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    }
    return lines.join('\n');
  }

  /** As many columns and rows as there is room for. */
  private fit(place: HTMLElement): void {
    const screen = place.querySelector('.xterm-screen');
    const { cols, rows } = this.terminal;
    if (!screen || screen.clientWidth === 0) return;
    const [width, height] = [screen.clientWidth / cols, screen.clientHeight / rows];
    this.terminal.resize(
      Math.max(20, Math.floor((place.clientWidth - MARGIN) / width)),
      Math.max(LEAST_ROWS, Math.floor(place.clientHeight / height)),
    );
  }

  private paint(): void {
    this.terminal.options.theme = {
      background: colour('card'),
      foreground: colour('ink'),
      cursor: colour('note'),
      selectionBackground: colour('line'),
      selectionForeground: colour('ink'),
    };
  }
}
