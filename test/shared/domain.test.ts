import { beforeEach, expect, it } from 'vitest';
import { HOLDER, WAITS } from '../../assembly/layout.js';
import { createDispatcher as createSingle } from '../../src/dispatcher.js';
import type { PciFunction } from '../../src/pci/function.js';
import type { OwningCore } from '../../src/shared/core.js';
import { createDispatcher, type SharedDispatcher } from '../../src/shared.js';

const BAR = 0xfe000000;
const REGISTER = BAR + 0x800;

const described = (sbdf: number, address: number) =>
  ({
    sbdf,
    bars: [{ index: 0, type: 'mem32', address, size: 0x4000 }],
    msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
    decode: true,
  }) as const;

let dispatcher: SharedDispatcher;
let errors: string[];
let inside: () => void;

beforeEach(() => {
  errors = [];
  dispatcher = createDispatcher({
    shared: true,
    host: {
      mapPage: () => ({
        read: () => {
          inside();
          return 1;
        },
        write() {},
      }),
    },
    onError: (error) => errors.push((error as Error).message),
  });
  dispatcher.assign(described(8, BAR));
  dispatcher.assign({ ...described(16, BAR + 0x10000), decode: false });
});

it('a change of a function whose holder waits for the access that asks is refused, and reported', () => {
  const fn = dispatcher.find(16) as PciFunction;
  const core = Reflect.get(dispatcher, 'core') as OwningCore;
  const { worker, block } = dispatcher.share();
  const holder = (core.records.of(16) + HOLDER) / 4;
  const results: unknown[] = [];
  inside = () => {
    core.words[holder] = worker + 1;
    core.words[(block + WAITS) / 4] = core.records.of(8);
    fn.writeMessageControl(0x8000);
    results.push(fn.setDecode(true), fn.decoding, core.words[holder]);
    core.words[holder] = 0;
  };
  dispatcher.read(REGISTER, 4);
  const busy = 'function 0000:00:02.0: the access in it waits for the one that changes it';
  expect(errors.length).toBeGreaterThan(1);
  expect(new Set(errors)).toEqual(new Set([busy]));
  expect(results).toEqual(['fail', false, worker + 1]);
  expect(fn.messageControl).toBe(3);
  fn.writeMessageControl(0x8000);
  expect([fn.setDecode(true), fn.messageControl]).toEqual(['okay', 0x8003]);
});

it('says which pages trap as the single-threaded one does', () => {
  const single = createSingle({ host: { mapPage: () => null } });
  single.assign(described(8, BAR));
  const [expected, mapping] = [single, dispatcher].map((one) => one.find(8)?.mapping);
  expect(mapping?.length).toBeGreaterThan(1);
  expect(mapping).toEqual(expected);
});
