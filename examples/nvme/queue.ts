import { COMMAND_SIZE } from './command.js';

/** Bytes of a completion queue entry. */
export const COMPLETION_SIZE = 16;

/** What a queue is made of. */
export interface QueuePlace {
  readonly id: number;
  /** Guest-physical, a multiple of the page size. */
  readonly address: number;
  /** Entries, 2 or more. */
  readonly size: number;
}

export interface QueueState extends QueuePlace {
  readonly head: number;
  readonly tail: number;
}

export interface SubmissionQueueState extends QueueState {
  /** The id of the completion queue it feeds. */
  readonly completions: number;
}

export interface CompletionQueueState extends QueueState {
  readonly phase: number;
  /** Null: interrupts are off. */
  readonly vector: number | null;
}

/** A ring of entries. It holds at most one entry less than its size, so that head and tail tell empty from full. */
class Queue {
  readonly id: number;
  readonly size: number;
  private readonly address: number;
  head = 0;
  tail = 0;

  constructor({ id, address, size }: QueuePlace) {
    this.id = id;
    this.address = address;
    this.size = size;
  }

  save(): QueueState {
    const { id, address, size, head, tail } = this;
    return { id, address, size, head, tail };
  }

  /** Of a queue made of the state's own place. */
  restore({ head, tail }: QueueState): void {
    this.head = head;
    this.tail = tail;
  }

  get length(): number {
    return this.distance(this.head, this.tail);
  }

  get full(): boolean {
    return this.length === this.size - 1;
  }

  protected distance(from: number, to: number): number {
    return (to - from + this.size) % this.size;
  }

  protected next(index: number): number {
    return (index + 1) % this.size;
  }

  protected at(index: number, entrySize: number): number {
    return this.address + index * entrySize;
  }
}

export class SubmissionQueue extends Queue {
  readonly completions: CompletionQueue;
  /** Its commands are being executed. */
  running = false;

  constructor(place: QueuePlace, completions: CompletionQueue) {
    super(place);
    this.completions = completions;
  }

  override save(): SubmissionQueueState {
    return { ...super.save(), completions: this.completions.id };
  }

  /** The tail doorbell. False: the value names no entry, or gives back entries that were submitted. */
  submit(tail: number): boolean {
    if (tail >= this.size || this.distance(this.head, tail) < this.length) return false;
    this.tail = tail;
    return true;
  }

  /** The address of the next command. */
  take(): number {
    const address = this.at(this.head, COMMAND_SIZE);
    this.head = this.next(this.head);
    return address;
  }
}

export class CompletionQueue extends Queue {
  /** The MSI-X vector that tells of new entries; undefined: interrupts are off. */
  readonly vector: number | undefined;
  /** Inverted with each wrap, so that the guest sees which entries are new. */
  phase = 1;

  constructor(place: QueuePlace, vector: number | undefined) {
    super(place);
    this.vector = vector;
  }

  override save(): CompletionQueueState {
    return { ...super.save(), phase: this.phase, vector: this.vector ?? null };
  }

  override restore(state: CompletionQueueState): void {
    super.restore(state);
    this.phase = state.phase;
  }

  /** The head doorbell. False: the value names no entry, or one that was not posted yet. */
  consume(head: number): boolean {
    if (head >= this.size || this.distance(this.head, head) > this.length) return false;
    this.head = head;
    return true;
  }

  /** Takes the next entry's place; returns its address. */
  place(): number {
    const address = this.at(this.tail, COMPLETION_SIZE);
    this.tail = this.next(this.tail);
    if (this.tail === 0) this.phase ^= 1;
    return address;
  }
}
