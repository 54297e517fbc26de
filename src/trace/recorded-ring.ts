import {
  RECORD_ADDRESS,
  RECORD_COUNT,
  RECORD_DATA,
  RECORD_SIZE,
  RECORD_TAIL,
  RECORD_WIDTH,
  TAIL_PLAIN,
  TAIL_PLAIN_MASK,
  TAIL_READ,
} from '../../assembly/layout.js';
import { addressOf, ones, type Width } from '../access.js';
import { isInteger } from '../integer.js';
import type { Ring } from '../ring.js';

/** Where a ring's accesses are recorded. */
export interface RingRecorder {
  /** Before an access. Negative: it is not to be recorded. */
  begin(address: number, width: number, write: boolean): number;
  end(map: number, address: number, width: Width, write: boolean, low: number, high: number): void;
}

/** A ring whose records are answered one by one. */
export class RecordedRing implements Pick<Ring, 'capacity' | 'offset' | 'memory' | 'records' | 'answer'> {
  /** As `Ring.capacity`. */
  readonly capacity: number;
  /** As `Ring.offset`. */
  readonly offset: number;
  private readonly ring: Ring;
  private readonly recorder: RingRecorder;

  constructor(ring: Ring, recorder: RingRecorder) {
    this.ring = ring;
    this.recorder = recorder;
    this.capacity = ring.capacity;
    this.offset = ring.offset;
  }

  /** As `Ring.memory`. */
  get memory(): WebAssembly.Memory {
    return this.ring.memory;
  }

  /** As `Ring.records`. */
  get records(): DataView {
    return this.ring.records;
  }

  /** As `Ring.answer`. A read that nobody claims is recorded as all ones. */
  answer(first: number, count: number): void {
    // Throws where these are none of the ring's records.
    if (!isInteger(first, 0, this.capacity) || !isInteger(count, 0, this.capacity - first)) {
      this.ring.answer(first, count);
    }
    for (let record = first; record < first + count; record++) this.answerOne(record);
  }

  private answerOne(record: number): void {
    const at = record * RECORD_SIZE;
    const word = (field: number) => this.records.getUint32(at + field, true);
    const tail = word(RECORD_TAIL);
    if ((tail & TAIL_PLAIN_MASK) !== TAIL_PLAIN || word(RECORD_COUNT) !== 1) return;
    const width = word(RECORD_WIDTH) as Width;
    const address = addressOf(word(RECORD_ADDRESS), word(RECORD_ADDRESS + 4));
    const write = (tail & TAIL_READ) === 0;
    const map = this.recorder.begin(address, width, write);
    const end = (low: number, high: number) => {
      if (map >= 0) this.recorder.end(map, address, width, write, low, high);
    };
    if (write) end(word(RECORD_DATA), word(RECORD_DATA + 4));
    this.ring.answer(record, 1);
    if (write) return;
    const answered = word(RECORD_TAIL) !== tail;
    if (answered) end(word(RECORD_DATA), word(RECORD_DATA + 4));
    else end(ones(width), 0xffffffff);
  }
}
