import type { Dispatcher, Ring } from 'trapline';
import type { Variant } from './rounds.js';
import type { Key } from './row.js';
import { ACCESSES, type Case, cases, values, writes } from './topology.js';
import { createProducer, type Produce } from './wasm.js';

const RECORD_SIZE = 32;

type RingLoop = (produce: Produce, ring: Ring, from: number, end: number) => void;

/** A source text of its own for each, as for the loops of single accesses. */
function ringLoop(name: string, batch: number, answer: string): RingLoop {
  return new Function(
    'produce',
    'ring',
    'from',
    'end',
    `// ${name}
    const to = ring.offset;
    for (let next = from; next < end; next += ${batch * RECORD_SIZE}) {
      produce(next, to, ${batch});
      ${answer}
    }`,
  ) as RingLoop;
}

/**
 * A wasm producer copies prepared records into the ring, `batch` at a time, and one call answers them. What producing
 * alone costs is a variant of its own.
 */
export function throughRing(
  dispatcher: Dispatcher,
  batches: readonly number[],
  at: (what: Case) => Float64Array,
): Variant[] {
  const prepared = cases.map((access) => {
    const { offset, records } = dispatcher.createRing(ACCESSES);
    fill(records, access, at(access));
    return { access, offset };
  });
  const produce = createProducer(dispatcher.attach().memory);
  return batches.flatMap((batch) => {
    const ring = dispatcher.createRing(batch);
    const variant = (key: Key, from: number, answer: string): Variant => {
      const run = ringLoop(`${key.subject} ${key.access} ${batch}`, batch, answer);
      return {
        key,
        accesses: ACCESSES,
        run: (count) => run(produce, ring, from, from + count * RECORD_SIZE),
      };
    };
    const [{ offset: any }] = prepared;
    return [
      variant({ subject: 'producer', door: 'ring', access: 'read', batch }, any, ''),
      ...prepared.map(({ access, offset }) =>
        variant({ subject: 'trapline', door: 'ring', access, batch }, offset, `ring.answer(0, ${batch});`),
      ),
    ];
  });
}

/** Xen's ioreq_t: ready (state 1), a copy (type 1). */
function fill(records: DataView, access: Case, places: Float64Array): void {
  const data = values();
  places.forEach((address, index) => {
    const at = index * RECORD_SIZE;
    records.setUint32(at, address, true);
    records.setUint32(at + 4, address / 2 ** 32, true);
    records.setUint32(at + 8, writes(access) ? data[index] : 0, true);
    records.setUint32(at + 16, 1, true);
    records.setUint32(at + 20, 4, true);
    records.setUint8(at + 30, writes(access) ? 0x01 : 0x21);
    records.setUint8(at + 31, 1);
  });
}
