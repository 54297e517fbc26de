import { ADDRESS_LIMIT, isWidth, type Width } from '../access.js';
import { barFault } from '../inventory/bar-fault.js';
import type { Sbdf } from '../sbdf.js';
import { type AccessSink, fits } from './access-sink.js';
import { Digits, startsWith, textOf, word } from './digits.js';

/** A PCIDEV line. */
export interface TracedDevice {
  readonly sbdf: Sbdf;
  readonly vendor: number;
  readonly device: number;
  /** BARs 0 to 5 and the expansion ROM that have an address or a size. Address 0: not decoded. Size 0: not known. */
  readonly bars: readonly TracedBar[];
  readonly driver: string;
}

export interface TracedBar {
  readonly index: number;
  readonly type: 'io' | 'mem32' | 'mem64' | 'rom';
  readonly address: number;
  readonly size: number;
}

export interface MmiotraceSink extends AccessSink {
  /** A trace starts: the first line, or the files of several boots are joined. */
  version(): void;
  device(device: TracedDevice): void;
  /** A range of physical addresses is mapped from now on, under a number. */
  map(id: number, address: number, size: number): void;
  unmap(id: number): void;
  /** An access that the tracer could not decode (`rep movs` and the like). */
  unknown(): void;
  /** Events that the tracer lost. */
  lost(count: number): void;
  /** What a recording says besides, of what the format lacks: see `RecordingLines`. */
  recorded(): void;
  reset(sbdf: Sbdf): void;
  messageControl(sbdf: Sbdf, value: number): void;
  /** A dword of the MSI-X table that nobody was recorded to write. `offset`: bytes from the table's start. */
  tableWord(sbdf: Sbdf, offset: number, value: number): void;
  /** Where a BAR is while it is not decoded. */
  bar(sbdf: Sbdf, index: number, address: number): void;
  /** A region that is no BAR lies there from now on. Size 0: no longer. */
  region(sbdf: Sbdf, address: number, size: number): void;
  /** Bytes of a BAR are the guest's, not the device's. Comes before the function. */
  register(sbdf: Sbdf, bar: number, offset: number, width: Width): void;
}

const SPACE = 0x20;
const HASH = 0x23;
const R = 0x52;
const W = 0x57;

const MARK = word('MARK ');
const UNKNOWN = word('UNKNOWN ');
const MAP = word('MAP ');
const UNMAP = word('UNMAP ');
const PCIDEV = word('PCIDEV ');
const VERSION = word('VERSION ');
const LOST = word('MARK 0.000000 Lost ');

/** MARK lines are anybody's text: what is not of this form means nothing. */
const RECORDED = new RegExp(
  `^MARK \\d+\\.\\d+ trapline (?:policy \\w+|(HEX{4,8}) (${[
    'reset',
    'control HEX{1,4}',
    'table HEX{1,4} HEX{1,8}',
    'bar [0-6] HEX{1,14}',
    'region HEX{1,13} HEX{1,8}',
    'register [0-5] HEX{1,13} [1248]',
  ].join('|')}))$`.replaceAll('HEX', '[0-9a-f]'),
);

const ACCESS_FORM = 'R or W, width 1, 2, 4 or 8, time, map, 0xaddress, 0xvalue, 0xpc, pid';

/**
 * The Linux mmiotrace text log (Documentation/trace/mmiotrace.rst), as trace_mmiotrace.c prints it: R and W carry
 * width, time, map id, physical address, value, PC and a PID that is always 0.
 */
export class MmiotraceParser {
  private readonly sink: MmiotraceSink;
  private readonly digits = new Digits();

  constructor(sink: MmiotraceSink) {
    this.sink = sink;
  }

  /** Returns what was expected where the line is bad. */
  line(bytes: Uint8Array, start: number, end: number): string | undefined {
    const kind = bytes[start];
    if ((kind === R || kind === W) && bytes[start + 1] === SPACE) {
      return this.access(bytes, start, end, kind === W);
    }
    if (startsWith(bytes, start, end, MARK)) return this.mark(bytes, start, end);
    if (startsWith(bytes, start, end, UNKNOWN)) {
      this.sink.unknown();
      return undefined;
    }
    if (startsWith(bytes, start, end, MAP)) return this.map(bytes, start, end);
    if (startsWith(bytes, start, end, UNMAP)) return this.unmap(bytes, start, end);
    if (startsWith(bytes, start, end, PCIDEV)) return this.device(textOf(bytes, start, end));
    if (start === end) return undefined;
    if (startsWith(bytes, start, end, VERSION)) {
      this.sink.version();
      return undefined;
    }
    if (bytes[start] === HASH) return undefined;
    // Printed by ftrace around the tracer.
    const lost = /^CPU:\d+ \[LOST (\d+) EVENTS\]$/.exec(textOf(bytes, start, end));
    if (lost) {
      this.sink.lost(Number(lost[1]));
      return undefined;
    }
    return 'VERSION, PCIDEV, MAP, UNMAP, R, W, UNKNOWN or MARK';
  }

  private access(bytes: Uint8Array, start: number, end: number, write: boolean): string | undefined {
    const { digits } = this;
    const width = bytes[start + 2] - 0x30;
    if (!isWidth(width) || bytes[start + 3] !== SPACE) return ACCESS_FORM;
    let at = digits.decimal(bytes, start + 4, end);
    let seconds = digits.value;
    if (at < 0 || bytes[at] !== 0x2e) return ACCESS_FORM;
    at = digits.decimal(bytes, at + 1, end);
    seconds += digits.value * 1e-6;
    if (at < 0) return ACCESS_FORM;
    at = digits.decimal(bytes, at + 1, end);
    if (at < 0 || bytes[at] !== SPACE) return ACCESS_FORM;
    at = digits.hex(bytes, at + 1, end);
    const address = digits.high * 2 ** 32 + digits.low;
    if (at < 0 || bytes[at] !== SPACE) return ACCESS_FORM;
    at = digits.hex(bytes, at + 1, end);
    const low = digits.low;
    const high = digits.high;
    if (at < 0 || bytes[at] !== SPACE) return ACCESS_FORM;
    at = digits.hex(bytes, at + 1, end);
    if (at < 0 || bytes[at] !== SPACE || digits.decimal(bytes, at + 1, end) < 0) return ACCESS_FORM;
    if (address >= ADDRESS_LIMIT) return 'a physical address below 2^52';
    if (!fits(width, low, high)) return `a value of ${width} byte${width === 1 ? '' : 's'}`;
    this.sink.access(write, width, address, low, high, seconds);
    return undefined;
  }

  private mark(bytes: Uint8Array, start: number, end: number): undefined {
    // Printed by the tracer when its buffer ran over.
    if (startsWith(bytes, start, end, LOST)) {
      if (this.digits.decimal(bytes, start + 19, end) > 0) this.sink.lost(this.digits.value);
      return;
    }
    const match = RECORDED.exec(textOf(bytes, start, end));
    if (!match) return;
    const [what, ...digits] = (match[2] ?? 'policy').split(' ');
    const sbdf = parseInt(match[1], 16);
    const [first, second, third] = digits.map((number) => parseInt(number, 16));
    if (what === 'policy') this.sink.recorded();
    else if (what === 'reset') this.sink.reset(sbdf);
    else if (what === 'control') this.sink.messageControl(sbdf, first);
    else if (what === 'table') this.sink.tableWord(sbdf, first, second);
    else if (what === 'bar') this.sink.bar(sbdf, first, second);
    else if (what === 'region') this.sink.region(sbdf, first, second);
    else this.sink.register(sbdf, first, second, third as Width);
  }

  private map(bytes: Uint8Array, start: number, end: number): string | undefined {
    const [, id, address, , size] = textOf(bytes, start + 4, end).split(' ');
    const range = { id: Number(id), address: Number(address), size: Number(size) };
    if (!Object.values(range).every(Number.isFinite)) {
      return 'MAP, time, map, 0xaddress, 0xvirtual, 0xlength, 0xpc, pid';
    }
    this.sink.map(range.id, range.address, range.size);
    return undefined;
  }

  private unmap(bytes: Uint8Array, start: number, end: number): string | undefined {
    const id = Number(textOf(bytes, start + 6, end).split(' ')[1]);
    if (!Number.isFinite(id)) return 'UNMAP, time, map, 0xpc, pid';
    this.sink.unmap(id);
    return undefined;
  }

  private device(text: string): string | undefined {
    const match =
      /^PCIDEV ([0-9a-f]{4,8}) ([0-9a-f]{4})([0-9a-f]{4}) [0-9a-f]+((?: [0-9a-f]{1,16}){14}) ?(.*)$/i.exec(
        text,
      );
    if (!match) return 'PCIDEV, bbdf, vendor and device, irq, 7 BARs, 7 sizes, driver, in hexadecimal';
    const numbers = match[4]
      .trim()
      .split(' ')
      .map((digits) => parseInt(digits, 16));
    const bars = [0, 1, 2, 3, 4, 5, 6].flatMap((index) =>
      tracedBar(index, numbers[index], numbers[7 + index]),
    );
    const fault = barFault(bars);
    if (fault) return `PCIDEV with possible BARs (${fault})`;
    this.sink.device({
      sbdf: parseInt(match[1], 16),
      vendor: parseInt(match[2], 16),
      device: parseInt(match[3], 16),
      bars,
      driver: match[5],
    });
    return undefined;
  }
}

/** The low four bits are the BAR register's: space, type, prefetchable; in the ROM's register bit 0 enables it. */
function tracedBar(index: number, value: number, size: number): TracedBar[] {
  const address = value - (value % 16);
  if ((address === 0 && size === 0) || address + size > ADDRESS_LIMIT) return [];
  if (index === 6) return [{ index, type: 'rom', address, size }];
  if (value % 2 === 1) return [{ index, type: 'io', address: value - (value % 4), size }];
  return [{ index, type: value % 8 === 4 ? 'mem64' : 'mem32', address, size }];
}
