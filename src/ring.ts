import {
  HIGH,
  RECORD_ADDRESS,
  RECORD_DATA,
  RECORD_SIZE,
  RECORD_TAIL,
  RECORD_WIDTH,
  STATUS,
  TAIL_READ,
  TAIL_READY_TO_DONE,
} from '../assembly/layout.js';
import type { Width } from './access.js';
import type { Completion } from './completion.js';
import type { Core } from './engine/core.js';
import { TraplineError } from './errors.js';

const LIMIT = 65536;

/**
 * A run of 32-byte records in the core's linear memory, in the layout of Xen's `ioreq_t`: address u64, data u64,
 * count u32, size u32, event channel u32, padding u16, then a byte with state (bits 3..0), data-is-pointer (4),
 * direction (5, 1 reads) and descending (6), then the type (1: copy). Little endian.
 */
export class Ring {
  /** Records. */
  readonly capacity: number;
  /** Byte offset of the first record in `memory`. */
  readonly offset: number;
  private readonly core: Core;
  private readonly completion: Completion;

  constructor(core: Core, capacity: number, completion: Completion) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > LIMIT) {
      throw new TraplineError(
        'bad-argument',
        `createRing: capacity ${capacity} is not an integer in [1, ${LIMIT}]`,
      );
    }
    this.core = core;
    this.capacity = capacity;
    this.completion = completion;
    this.offset = core.allocate(capacity * RECORD_SIZE);
    core.bytes.fill(0, this.offset, this.offset + capacity * RECORD_SIZE);
  }

  /** Another wasm module that produces records imports this. Views of its buffer die when it grows. */
  get memory(): WebAssembly.Memory {
    return this.core.memory;
  }

  /** The records' bytes; take it anew after any call that assigns functions or switches decoding on. */
  get records(): DataView {
    return new DataView(this.core.memory.buffer, this.offset, this.capacity * RECORD_SIZE);
  }

  /**
   * Answers the records [first, first + count) in order. An answered one has state 3 (response ready) and, for a
   * read, its data zero-extended. One that no function claims, that is not ready (state 1) or no plain MMIO copy
   * (data is a pointer, count not 1, other type) stays as it is. Throws `bad-argument`.
   */
  answer(first: number, count: number): void {
    if (
      !Number.isInteger(first) ||
      !Number.isInteger(count) ||
      first < 0 ||
      count < 0 ||
      first + count > this.capacity
    ) {
      throw new TraplineError(
        'bad-argument',
        `Ring.answer: records [${first}, ${first} + ${count}) are not within [0, ${this.capacity})`,
      );
    }
    const end = this.offset + (first + count) * RECORD_SIZE;
    let record = this.core.exports.answer(this.offset + first * RECORD_SIZE, end);
    while (record !== end) {
      this.finish(record);
      record = this.core.exports.answer(record + RECORD_SIZE, end);
    }
  }

  /** A record that the core stopped at: claimed, its outcome in STATUS. */
  private finish(record: number): void {
    const { words, cells } = this.core;
    const at = record / 4;
    const low = words[at + RECORD_ADDRESS / 4] | 0;
    const high = words[at + RECORD_ADDRESS / 4 + 1] | 0;
    const width = words[at + RECORD_WIDTH / 4] as Width;
    const data = at + RECORD_DATA / 4;
    const outcome = cells[STATUS / 4];
    cells[STATUS / 4] = 0;
    if (words[at + RECORD_TAIL / 4] & TAIL_READ) {
      const value = this.completion.read(outcome, low, high, width);
      // The memory may have grown meanwhile.
      this.core.words[data] = value;
      this.core.words[data + 1] = width === 8 ? this.core.cells[HIGH / 4] : 0;
    } else {
      this.completion.write(outcome, low, high, width, words[data], words[data + 1]);
    }
    this.core.words[at + RECORD_TAIL / 4] ^= TAIL_READY_TO_DONE;
  }
}
