import { createDispatcher, type FunctionDescription } from 'trapline';
import { loop, READ, WRITE } from './loop.js';
import { type Effort, measure, type Variant } from './rounds.js';
import { ACCESSES, addressOf, describeFunction, mapPage, random, values } from './topology.js';

/** What the same eight pages cost with few and with many functions assigned. */
export interface PageCost {
  readonly access: 'table-read' | 'table-write';
  /** Nanoseconds an access with one function assigned, whose table fills the pages. */
  readonly alone: number;
  /** The same accesses with `others` more functions assigned. */
  readonly among: number;
  readonly others: number;
}

const OTHERS = 1023;
const ENTRIES = 2048;
const WIDE: FunctionDescription = {
  sbdf: 0,
  bars: [{ index: 0, type: 'mem64', address: addressOf(0) - 0x10000, size: 0x10000 }],
  msix: { count: ENTRIES, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x8000 } },
  decode: true,
};

/** One dispatcher all the time: the others come and go between the bursts. */
export function measurePages(effort: Effort): PageCost[] {
  const dispatcher = createDispatcher({ host: { mapPage } });
  dispatcher.assign(WIDE);
  const below = random(2048);
  const [{ address }] = WIDE.bars;
  const addresses = Float64Array.from(
    { length: ACCESSES },
    () => address + 16 * below(ENTRIES) + 4 * below(2),
  );
  const data = values();
  const alone = () => {
    for (const { sbdf } of dispatcher.functions.slice(1)) dispatcher.deassign(sbdf);
  };
  const among = () => {
    if (dispatcher.functions.length > 1) return;
    for (let index = 1; index <= OTHERS; index++) dispatcher.assign(describeFunction(index));
  };
  const accesses = ['table-read', 'table-write'] as const;
  const loops = accesses.map((access) =>
    loop(`pages ${access}`, access === 'table-read' ? READ : WRITE, dispatcher, addresses, data),
  );
  const variants = [alone, among].flatMap((prepare) =>
    accesses.map(
      (access, index): Variant => ({
        key: { subject: 'trapline', door: 'js', access },
        accesses: ACCESSES,
        prepare,
        run: loops[index],
      }),
    ),
  );
  const { measured } = measure(variants, effort);
  return accesses.map((access, index) => ({
    access,
    alone: measured[index].ns,
    among: measured[accesses.length + index].ns,
    others: OTHERS,
  }));
}
