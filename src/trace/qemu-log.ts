import { ADDRESS_LIMIT, isWidth, PAGE_SIZE, type Width } from '../access.js';
import type { AccessSink } from './access-sink.js';
import { Digits, startsWith, textOf, word } from './digits.js';

/** A function as a log line names it: its bus number is the one it had at that moment. */
export interface LoggedFunction {
  readonly bus: number;
  /** device << 3 | function */
  readonly devfn: number;
}

export interface QemuLogSink extends AccessSink {
  /** A config write; the log does not say its width. */
  configWrite(fn: LoggedFunction, register: number, value: number): void;
  /** QEMU mapped a BAR, or removed its mapping. */
  mapping(fn: LoggedFunction, added: boolean, index: number, address: number, size: number): void;
  /** The memory address of an access that QEMU logged with a port number (a memory BAR that is an alias of an I/O BAR). */
  portAlias(port: number, pageOffset: number): number | undefined;
  /** A `P` line without a memory event: config space (MMCFG), no BAR. */
  elsewhere(): void;
  /** A memory event that no CPU made. */
  deviceMade(): void;
}

const SPACE = 0x20;
const COLON = 0x3a;
const AT = 0x40;
const DOT = 0x2e;
const P = 0x50;
const PORTS = 0x10000;

const EVENT = word('memory_region_ops_');
const CONFIG_WRITE = word('pci_cfg_write ');
const MAPPINGS = word('pci_update_mappings_');
const CPU = word('cpu ');
const MR = word(' mr ');
const ADDR = word(' addr ');
const VALUE = word(' value ');
const SIZE = word(' size ');
const VA = word(' va ');
const PC = word(' pc ');
const PA = word(' pa ');

const EVENT_FORM = 'memory_region_ops_read or _write, cpu, mr, addr, value, size';
const PLUGIN_FORM = 'P, cpu, R or W, size 1, 2, 4 or 8, va 0x.., pc 0x.. and perhaps pa 0x..';

/** The memory events of one guest access, in order: QEMU splits some and widens others. */
class Pieces {
  /** Eight bytes, unaligned, byte by byte: two aligned loads of eight. */
  static readonly MOST = 16;
  count = 0;
  readonly address = new Float64Array(Pieces.MOST);
  readonly size = new Uint8Array(Pieces.MOST);
  readonly low = new Uint32Array(Pieces.MOST);
  readonly high = new Uint32Array(Pieces.MOST);

  /** A byte of what they read or wrote; 0 where the device model refused. */
  byte(address: number): number {
    for (let index = 0; index < this.count; index++) {
      const offset = address - this.address[index];
      if (offset < 0 || offset >= this.size[index]) continue;
      const lane = offset < 4 ? this.low[index] : this.high[index];
      return (lane >>> ((offset & 3) * 8)) & 0xff;
    }
    return 0;
  }
}

/**
 * QEMU's log backend (`-d trace:...`, with or without `-msg timestamp=on`). Plugin lines (`P`, directly after the
 * events of one load or store, on the same CPU) give the guest's own width and address; without them each event of
 * memory_region_ops is one access. memory_region_subpage lines repeat them.
 */
export class QemuLogParser {
  private readonly sink: QemuLogSink;
  private readonly plugin: boolean;
  private readonly digits = new Digits();
  private readonly pieces: Pieces[] = [];
  private seconds = 0;
  private low = 0;
  private high = 0;

  /** `plugin`: the log has `P` lines. */
  constructor(sink: QemuLogSink, plugin: boolean) {
    this.sink = sink;
    this.plugin = plugin;
  }

  /** Returns what was expected where the line is bad. */
  line(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (bytes[start] === P && bytes[start + 1] === SPACE) {
      return this.plugin ? this.pluginLine(bytes, start, end) : undefined;
    }
    const at = behindPrefix(bytes, start, end);
    switch (bytes[at]) {
      case 0x6d: // m
        if (!startsWith(bytes, at, end, EVENT)) return undefined;
        this.clock(bytes, start, at);
        return this.event(bytes, at + EVENT.length, end);
      case 0x70: // p
        if (startsWith(bytes, at, end, CONFIG_WRITE)) return this.configWrite(textOf(bytes, at, end));
        if (startsWith(bytes, at, end, MAPPINGS)) return this.mapping(textOf(bytes, at, end));
        return undefined;
      default:
        // Device models print what they like.
        return undefined;
    }
  }

  /** Reads `tid@seconds.microseconds:`, where the line has it. */
  private clock(bytes: Uint8Array, start: number, end: number): void {
    const { digits } = this;
    let at = digits.decimal(bytes, start, end);
    if (at < 0 || bytes[at] !== AT) return;
    at = digits.decimal(bytes, at + 1, end);
    if (at < 0 || bytes[at] !== DOT) return;
    const seconds = digits.value;
    if (digits.decimal(bytes, at + 1, end) >= 0) this.seconds = seconds + digits.value * 1e-6;
  }

  private event(bytes: Uint8Array, start: number, end: number): string | undefined {
    const { digits } = this;
    const write = bytes[start] === 0x77;
    let at = start + (write ? 6 : 5);
    if (!startsWith(bytes, at, end, CPU)) return EVENT_FORM;
    if (bytes[at + 4] === 0x2d) {
      this.sink.deviceMade();
      return undefined;
    }
    at = digits.decimal(bytes, at + 4, end);
    const cpu = digits.value;
    if (at < 0 || cpu > 0xffff || !startsWith(bytes, at, end, MR)) return EVENT_FORM;
    at = digits.hex(bytes, at + 4, end);
    if (at < 0 || !startsWith(bytes, at, end, ADDR)) return EVENT_FORM;
    at = digits.hex(bytes, at + 6, end);
    const address = digits.high * 2 ** 32 + digits.low;
    if (at < 0 || !startsWith(bytes, at, end, VALUE)) return EVENT_FORM;
    at = digits.hex(bytes, at + 7, end);
    const low = digits.low;
    const high = digits.high;
    if (at < 0 || !startsWith(bytes, at, end, SIZE)) return EVENT_FORM;
    at = digits.decimal(bytes, at + 6, end);
    if (at < 0 || !isWidth(digits.value) || address >= ADDRESS_LIMIT) return EVENT_FORM;
    if (this.plugin) this.keep(cpu, address, digits.value, low, high);
    else this.give(write, digits.value, address, low, high);
    return undefined;
  }

  private keep(cpu: number, address: number, size: number, low: number, high: number): void {
    this.pieces[cpu] ??= new Pieces();
    const pieces = this.pieces[cpu];
    // More than one access can have: their P line is missing.
    if (pieces.count === Pieces.MOST) pieces.count = 0;
    const index = pieces.count++;
    pieces.address[index] = address;
    pieces.size[index] = size;
    pieces.low[index] = low;
    pieces.high[index] = high;
  }

  private pluginLine(bytes: Uint8Array, start: number, end: number): string | undefined {
    const { digits } = this;
    let at = digits.decimal(bytes, start + 2, end);
    const cpu = digits.value;
    const write = bytes[at + 1] === 0x57;
    if (at < 0 || (!write && bytes[at + 1] !== 0x52)) return PLUGIN_FORM;
    const width = bytes[at + 3] - 0x30;
    if (!isWidth(width) || !startsWith(bytes, at + 4, end, VA)) return PLUGIN_FORM;
    at = digits.hex(bytes, at + 8, end);
    const pageOffset = digits.low % PAGE_SIZE;
    if (at < 0 || !startsWith(bytes, at, end, PC)) return PLUGIN_FORM;
    at = digits.hex(bytes, at + 4, end);
    if (at < 0) return PLUGIN_FORM;
    const pieces = this.pieces[cpu];
    const count = pieces?.count ?? 0;
    let address = -1;
    if (startsWith(bytes, at, end, PA)) {
      if (digits.hex(bytes, at + 4, end) < 0) return PLUGIN_FORM;
      address = digits.number;
      if (address >= ADDRESS_LIMIT) return 'pa 0x.. below 2^52';
    }
    if (count === 0 && address < 0) {
      this.sink.elsewhere();
      return undefined;
    }
    if (count > 0 && pieces.address[0] < PORTS) this.moveFromPorts(pieces, pageOffset);
    if (address < 0) address = pieces.address[0] - (pieces.address[0] % PAGE_SIZE) + pageOffset;
    if (count === 1 && pieces.address[0] === address && pieces.size[0] === width) {
      this.give(write, width, address, pieces.low[0], pieces.high[0]);
    } else {
      this.join(pieces, address, width);
      this.give(write, width, address, this.low, this.high);
    }
    if (pieces) pieces.count = 0;
    return undefined;
  }

  private moveFromPorts(pieces: Pieces, pageOffset: number): void {
    const address = this.sink.portAlias(pieces.address[0], pageOffset);
    if (address === undefined) return;
    const distance = address - pieces.address[0];
    for (let index = 0; index < pieces.count; index++) pieces.address[index] += distance;
  }

  private join(pieces: Pieces | undefined, address: number, width: Width): void {
    this.low = 0;
    this.high = 0;
    if (!pieces) return;
    for (let index = 0; index < width; index++) {
      const byte = pieces.byte(address + index);
      if (index < 4) this.low |= byte << (index * 8);
      else this.high |= byte << ((index - 4) * 8);
    }
  }

  private give(write: boolean, width: Width, address: number, low: number, high: number): void {
    const mask = width === 1 ? 0xff : width === 2 ? 0xffff : 0xffffffff;
    this.sink.access(write, width, address, (low & mask) >>> 0, width === 8 ? high >>> 0 : 0, this.seconds);
  }

  private configWrite(text: string): string | undefined {
    const match = /^pci_cfg_write .* ([0-9a-f]+):([0-9a-f]+)\.([0-7]) @0x([0-9a-f]+) <- 0x([0-9a-f]+)$/.exec(
      text,
    );
    if (!match) return 'pci_cfg_write, device, bb:dd.f, @0xregister, <- 0xvalue';
    this.sink.configWrite(logged(match), parseInt(match[4], 16), parseInt(match[5], 16));
    return undefined;
  }

  private mapping(text: string): string | undefined {
    const match =
      /^pci_update_mappings_(add|del) .* ([0-9a-f]+):([0-9a-f]+)\.([0-7]) (\d),0x([0-9a-f]+)\+0x([0-9a-f]+)$/.exec(
        text,
      );
    if (!match) return 'pci_update_mappings_add or _del, device, bb:dd.f, BAR,0xaddress+0xsize';
    const fn = logged([match[0], ...match.slice(2)]);
    this.sink.mapping(
      fn,
      match[1] === 'add',
      Number(match[5]),
      parseInt(match[6], 16),
      parseInt(match[7], 16),
    );
    return undefined;
  }
}

/** Position behind `tid@seconds.microseconds:`, or the line's start. */
function behindPrefix(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  if (first < 0x30 || first > 0x39) return start;
  let at = start;
  while (at < end && bytes[at] !== COLON) at++;
  return at < end ? at + 1 : start;
}

function logged([, bus, device, fn]: readonly string[]): LoggedFunction {
  return { bus: parseInt(bus, 16), devfn: (parseInt(device, 16) << 3) | Number(fn) };
}
