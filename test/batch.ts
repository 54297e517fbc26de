import { UNCLAIMED, type Width } from '../src/access.js';
import { Dispatcher, type Trap } from '../src/dispatcher.js';

/** A record of a ring: a plain copy that waits for its answer, but for what is odd about it. */
export interface BatchRecord {
  readonly reads: boolean;
  readonly address: number;
  readonly width: number;
  readonly low: number;
  readonly high: number;
  readonly odd?: 'pointer' | 'count' | 'type' | 'state' | 'descending' | undefined;
}

const READY = 1;
const DONE = 3;
const COPY = 1;
const SIZE = 32;

/** State and data of each record after all were answered: by a ring in one call, where there is one. */
export function answerBatch(trap: Trap, records: readonly BatchRecord[]): number[][] {
  return trap instanceof Dispatcher
    ? byRing(trap, records)
    : records.map((record) => (isPlain(record) ? answer(trap, record) : undefined) ?? asIs(record));
}

/** One copy upward or downward is the same. No function claims an access of another width. */
const isPlain = ({ odd, width }: BatchRecord): boolean =>
  (odd === undefined || odd === 'descending') && [1, 2, 4, 8].includes(width);

const stateOf = ({ odd }: BatchRecord): number => (odd === 'state' ? 2 : READY);

const asIs = (record: BatchRecord): number[] => [stateOf(record), record.low, record.high];

/** Undefined: no function claims it. */
function answer(trap: Trap, { reads, address, width, low, high }: BatchRecord): number[] | undefined {
  if (!reads) return trap.write(address, width as Width, low, high) ? [DONE, low, high] : undefined;
  const value = trap.read(address, width as Width);
  return value === UNCLAIMED ? undefined : [DONE, value, width === 8 ? trap.high : 0];
}

function byRing(dispatcher: Dispatcher, records: readonly BatchRecord[]): number[][] {
  const ring = dispatcher.createRing(records.length);
  for (const [index, record] of records.entries()) {
    const view = new DataView(ring.memory.buffer, ring.offset + SIZE * index, SIZE);
    const { odd, reads } = record;
    view.setBigUint64(0, BigInt(record.address), true);
    view.setUint32(8, record.low, true);
    view.setUint32(12, record.high, true);
    view.setUint32(16, odd === 'count' ? 2 : 1, true);
    view.setUint32(20, record.width, true);
    const bits = (odd === 'pointer' ? 0x10 : 0) | (reads ? 0x20 : 0) | (odd === 'descending' ? 0x40 : 0);
    view.setUint8(30, stateOf(record) | bits);
    view.setUint8(31, odd === 'type' ? 0 : COPY);
  }
  ring.answer(0, records.length);
  return records.map((_, index) => {
    const view = new DataView(ring.memory.buffer, ring.offset + SIZE * index, SIZE);
    return [view.getUint8(30) & 0xf, view.getUint32(8, true), view.getUint32(12, true)];
  });
}
