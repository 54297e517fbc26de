import { ADDRESS_LIMIT, addressOf, isWidth, ones, UNCLAIMED, type Width } from '../access.js';
import type { Dispatcher, Fallback } from '../dispatcher.js';
import type { ModuleDoors, V86Doors } from '../engine/core.js';
import type { Location } from '../function.js';
import { isInteger } from '../integer.js';
import type { Sbdf } from '../sbdf.js';
import { FunctionCounts, KINDS, type Kind } from './function-counts.js';
import { RecordedRing } from './recorded-ring.js';
import { line } from './recording-lines.js';
import { RecordingMachine } from './recording-machine.js';
import { RecordingText, type TextSink } from './recording-text.js';

/** How a recording is made. */
export interface RecordingOptions {
  /** Milliseconds, from any start. Default: `performance.now`. */
  readonly clock?: () => number;
  /** Gets what the sink or the clock threw. */
  readonly onError?: (error: unknown) => void;
}

/** BARs, tables and PBAs are whole cells. */
const CELL = 8;

const STRADDLE = KINDS.indexOf('straddle');

/**
 * Writes what a guest does as Linux mmiotrace text, which `trapline replay` answers alike.
 *
 * `sink` gets whole lines. What comes back has the dispatcher's doors again; accesses are recorded that go through these.
 * The dispatcher's own stay as they are and cost what they cost.
 */
export function record(dispatcher: Dispatcher, sink: TextSink, options: RecordingOptions = {}): Recording {
  return new Recording(dispatcher, sink, options);
}

/** A dispatcher's doors, recorded. */
export class Recording {
  /** Reads that no function claimed. */
  unclaimedReads = 0;
  /** Writes that no function claimed. */
  unclaimedWrites = 0;
  private readonly dispatcher: Dispatcher;
  private readonly text: RecordingText;
  private readonly machine: RecordingMachine;
  private readonly counted = new Map<Sbdf, FunctionCounts>();

  constructor(dispatcher: Dispatcher, sink: TextSink, { clock, onError }: RecordingOptions) {
    this.dispatcher = dispatcher;
    this.text = new RecordingText(sink, clock ?? (() => performance.now()), onError ?? (() => {}));
    this.machine = new RecordingMachine(dispatcher, this.text);
    this.text.add(line.version());
    this.text.add(line.policy(this.text.time, dispatcher.policy.name));
    this.machine.follow();
  }

  /** Accesses of each function that had some, by the kinds of `trapline replay`. */
  get counts(): ReadonlyMap<Sbdf, FunctionCounts> {
    return this.counted;
  }

  /** The functions as `lspci -vvv` shows them, for `--inventory`: MSI-X layouts, which a trace does not have. */
  get inventory(): string {
    this.machine.follow();
    return this.machine.inventory;
  }

  /** Hands the sink what it did not get yet. */
  flush(): void {
    this.machine.follow();
    this.text.flush();
  }

  /** As the dispatcher's. */
  get high(): number {
    return this.dispatcher.high;
  }

  /** As the dispatcher's; what nobody claims is recorded as all ones. */
  read(address: number, width: Width): number {
    const map = this.begin(address, width, false);
    const answer = this.dispatcher.read(address, width);
    if (map >= 0) this.add(map, address, width, false, answer, this.high);
    return answer;
  }

  /** As the dispatcher's; recorded before what the host does because of it. */
  write(address: number, width: Width, data: number, dataHigh = 0): boolean {
    const map = this.begin(address, width, true);
    // What the host does because of it comes after it.
    if (map >= 0) this.add(map, address, width, true, data, dataHigh);
    return this.dispatcher.write(address, width, data, dataHigh);
  }

  /** As the dispatcher's. */
  readBig(address: number): bigint | undefined {
    const low = this.read(address, 8);
    return low === UNCLAIMED ? undefined : (BigInt(this.high) << 32n) | BigInt(low);
  }

  /** As the dispatcher's. */
  writeBig(address: number, value: bigint): boolean {
    return this.write(address, 8, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
  }

  /** As the dispatcher's, by way of JavaScript; what `fallback` answers is recorded. */
  attach(fallback?: Fallback): Omit<ModuleDoors, keyof V86Doors> {
    const { trap_read, trap_write, memory } = this.dispatcher.attach(fallback);
    return {
      memory,
      trap_read: (low, high, width) => {
        const address = addressOf(low, high);
        const map = this.begin(address, width, false);
        const answer = trap_read(low, high, width);
        if (map >= 0) this.add(map, address, width as Width, false, answer, this.high);
        return answer;
      },
      trap_write: (low, high, width, data, dataHigh) => {
        const address = addressOf(low, high);
        const map = this.begin(address, width, true);
        if (map >= 0) this.add(map, address, width as Width, true, data, dataHigh);
        trap_write(low, high, width, data, dataHigh);
      },
    };
  }

  /** As the dispatcher's. Throws as it does. */
  createRing(capacity: number): RecordedRing {
    return new RecordedRing(this.dispatcher.createRing(capacity), {
      begin: (address, width, write) => this.begin(address, width, write),
      end: (map, address, width, write, low, high) => this.add(map, address, width, write, low, high),
    });
  }

  /** Counts an access that comes. Its mapping's number, 0 without; negative: the format cannot say it. */
  private begin(address: number, width: number, write: boolean): number {
    this.machine.follow();
    const isAddress = isInteger(address, 0, ADDRESS_LIMIT - 1);
    if (!isAddress || !isWidth(width)) {
      this.text.add(line.unknown(this.text.time));
      return -1;
    }
    const first = this.dispatcher.locate(address - (address % CELL));
    const kind = kindOf(first);
    if (first === undefined || kind < 0) {
      if (write) this.unclaimedWrites++;
      else this.unclaimedReads++;
      return 0;
    }
    const { sbdf } = first.fn;
    const counts = this.counted.get(sbdf) ?? new FunctionCounts();
    this.counted.set(sbdf, counts);
    const last = address + width - 1;
    const other = kindOf(this.dispatcher.locate(last - (last % CELL)));
    const straddles = other >= 0 && other !== kind;
    counts.add(straddles ? STRADDLE : kind, write, width, address % width !== 0);
    return this.machine.mapOf(sbdf, first.bar.index);
  }

  private add(map: number, address: number, width: Width, write: boolean, low: number, high: number): void {
    const value = width < 4 ? low & ones(width) : low >>> 0;
    this.text.add(
      line.access(this.text.time, write, width, map, address, value, width === 8 ? high >>> 0 : 0),
    );
  }
}

/** Index of `KINDS`; negative: nobody's. */
const kindOf = (location: Location | undefined): number =>
  location ? KINDS.indexOf(location.owner as Kind) : -1;
