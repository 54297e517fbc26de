import type { Width } from '../../access.js';

/** One access of the guest, or of a button on the page. */
export interface LoggedAccess {
  /** Counted from 0. */
  readonly sequence: number;
  /** Milliseconds. */
  readonly time: number;
  readonly write: boolean;
  readonly width: Width;
  readonly address: number;
  /** Unsigned lanes of the value written or read. */
  readonly low: number;
  readonly high: number;
  /** Whose bytes they were: an index of `KINDS`, or `UNCLAIMED_KIND`. */
  readonly kind: number;
  /** Which of the machine's states it met. */
  readonly epoch: number;
}

/** The last accesses. Adding one allocates nothing. */
export class AccessLog {
  readonly capacity: number;
  /** Accesses ever added. */
  total = 0;
  private readonly times: Float64Array;
  private readonly addresses: Float64Array;
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly epochs: Uint32Array;
  /** Width, and `WRITE`. */
  private readonly shapes: Uint8Array;
  private readonly kinds: Uint8Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.times = new Float64Array(capacity);
    this.addresses = new Float64Array(capacity);
    this.lows = new Uint32Array(capacity);
    this.highs = new Uint32Array(capacity);
    this.epochs = new Uint32Array(capacity);
    this.shapes = new Uint8Array(capacity);
    this.kinds = new Uint8Array(capacity);
  }

  /** Sequence number of the oldest one that is kept. */
  get first(): number {
    return Math.max(0, this.total - this.capacity);
  }

  add(
    write: boolean,
    width: Width,
    address: number,
    low: number,
    high: number,
    kind: number,
    epoch: number,
    time: number,
  ): void {
    const at = this.total++ % this.capacity;
    this.times[at] = time;
    this.addresses[at] = address;
    this.lows[at] = low;
    this.highs[at] = high;
    this.epochs[at] = epoch;
    this.shapes[at] = width | (write ? WRITE : 0);
    this.kinds[at] = kind;
  }

  /** Undefined: it is not kept, or has not been. */
  at(sequence: number): LoggedAccess | undefined {
    if (sequence < this.first || sequence >= this.total) return undefined;
    const at = sequence % this.capacity;
    return {
      sequence,
      time: this.times[at],
      write: (this.shapes[at] & WRITE) !== 0,
      width: (this.shapes[at] & ~WRITE) as Width,
      address: this.addresses[at],
      low: this.lows[at],
      high: this.highs[at],
      kind: this.kinds[at],
      epoch: this.epochs[at],
    };
  }
}

const WRITE = 0x80;
