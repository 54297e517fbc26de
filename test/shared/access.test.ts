import { expect, it } from 'vitest';
import { DEPTH, HOLDER, OFF, ON, STATE, TABLE_LOW } from '../../assembly/layout.js';
import type { AssignedFunction } from '../../src/function.js';
import type { Host, PageHandler } from '../../src/host.js';
import type { OwningCore } from '../../src/shared/core.js';
import { createDispatcher } from '../../src/shared.js';
import { described } from './described.js';

const BAR = 0xfe000000;
const REGISTER = BAR + 0x800;

/** Two functions whose registers `handler` answers. */
function machine(handler: Partial<PageHandler>, host: Partial<Host> = {}) {
  const errors: unknown[] = [];
  const dispatcher = createDispatcher({
    shared: true,
    host: { mapPage: () => ({ read: () => 1, write: () => {}, ...handler }), ...host },
    onError: (error) => errors.push(error),
  });
  const functions = [8, 16].map(
    (sbdf, index): AssignedFunction => dispatcher.assign(described(sbdf, BAR + 0x10000 * index)),
  );
  const core = Reflect.get(dispatcher, 'core') as OwningCore;
  const field = (sbdf: number, offset: number) => core.words[(core.records.of(sbdf) + offset) / 4];
  const locked = (sbdf: number) => field(sbdf, HOLDER) !== 0 || field(sbdf, DEPTH) !== 0;
  return { dispatcher, functions, errors, field, locked };
}

it('a handler runs under the lock of its function and of no other', () => {
  const seen: boolean[] = [];
  const { dispatcher, locked } = machine({
    read: () => {
      seen.push(locked(8), locked(16));
      return 1;
    },
  });
  expect(dispatcher.read(REGISTER, 4)).toBe(1);
  expect(seen).toEqual([true, false]);
  expect([locked(8), locked(16)]).toEqual([false, false]);
});

it.each([
  [
    'a page',
    {
      mapPage: () => {
        throw new Error('no page');
      },
    },
  ],
  [
    'a mask',
    {
      maskVector: () => {
        throw new Error('no mask');
      },
    },
  ],
])('%s that the host throws for leaves no lock', (_, host) => {
  const { dispatcher, errors, locked } = machine({}, host);
  dispatcher.write(BAR + 12, 4, 0);
  dispatcher.read(REGISTER, 4);
  expect(errors).toHaveLength(1);
  expect(locked(8)).toBe(false);
});

it.each([1, 2, 4, 8] as const)('a handler of %i bytes that throws leaves no lock', (width) => {
  const { dispatcher, errors, locked } = machine({
    read: () => {
      throw new Error('read');
    },
    write: () => {
      throw new Error('write');
    },
  });
  dispatcher.read(REGISTER, width);
  dispatcher.write(REGISTER, width, 1, 2);
  dispatcher.read(REGISTER + 1, width);
  expect(errors).toHaveLength(3);
  expect(locked(8)).toBe(false);
});

it('a handler that accesses its own register for ever leaves no lock', () => {
  const made = machine({ read: () => made.dispatcher.read(REGISTER, 4) });
  // Wherever in an access the last frame is; in some of them no error can be told.
  const within = (frames: number): number =>
    frames === 0 ? made.dispatcher.read(REGISTER, 4) : within(frames - 1);
  for (let frames = 0; frames < 100; frames++) {
    expect(within(frames)).toBe(0xffffffff);
    expect(made.locked(8)).toBe(false);
  }
  expect(made.errors.length).toBeGreaterThan(0);
});

it('a handler may access another function, under both locks', () => {
  const seen: boolean[] = [];
  const made = machine({
    read: () => {
      if (seen.length > 0) return 5;
      seen.push(made.locked(8), made.locked(16));
      const value = made.dispatcher.read(REGISTER + 0x10000, 4);
      seen.push(made.locked(8), made.locked(16));
      return value;
    },
  });
  expect(made.dispatcher.read(REGISTER, 4)).toBe(5);
  expect(seen).toEqual([true, false, true, false]);
  expect(made.locked(8)).toBe(false);
});

it('bytes of two functions are read one after the other, each under the lock of its own', () => {
  const seen: [boolean, boolean][] = [];
  const dispatcher = createDispatcher({
    shared: true,
    host: {
      mapPage: () => ({
        read: () => {
          seen.push([locked(8), locked(16)]);
          return 1;
        },
        write: () => {},
      }),
    },
  });
  for (const [index, sbdf] of [8, 16].entries()) {
    dispatcher.assign({
      sbdf,
      bars: [{ index: 0, type: 'mem32', address: BAR + 0x100 * index, size: 0x100 }],
      decode: true,
    });
  }
  const core = Reflect.get(dispatcher, 'core') as OwningCore;
  const locked = (sbdf: number) => core.words[(core.records.of(sbdf) + HOLDER) / 4] !== 0;
  expect(dispatcher.read(BAR + 0xfe, 4)).toBe(0x01010101);
  expect(seen).toEqual([
    [true, false],
    [true, false],
    [false, true],
    [false, true],
  ]);
  expect([locked(8), locked(16)]).toEqual([false, false]);
});

it('decoding that a handler switches off is off when the outermost access ends', () => {
  const seen: unknown[] = [];
  const made = machine({
    read: () => {
      const [first, second] = made.functions;
      if (seen.length === 0) {
        seen.push(first.setDecode(false), second.setDecode(false));
        seen.push(made.dispatcher.read(REGISTER, 4), made.dispatcher.read(REGISTER + 0x10000, 4));
        seen.push(first.decoding, second.decoding);
      }
      return 9;
    },
  });
  expect(made.dispatcher.read(REGISTER, 4)).toBe(9);
  expect(seen).toEqual(['okay', 'okay', 9, 9, true, true]);
  expect(made.functions.map(({ decoding }) => decoding)).toEqual([false, false]);
  expect([made.field(8, STATE), made.field(16, STATE)]).toEqual([OFF, OFF]);
  expect(made.dispatcher.read(REGISTER, 4)).toBe(-1);
});

it('off and on inside an access happen in this order', () => {
  const unmapped: number[] = [];
  const made = machine(
    {
      write: () => {
        const [fn] = made.functions;
        fn.setDecode(false);
        fn.setDecode(true);
      },
    },
    { unmapPage: (address) => unmapped.push(address) },
  );
  made.dispatcher.write(REGISTER, 4, 1);
  expect(unmapped).toEqual([BAR]);
  expect(made.functions[0].decoding).toBe(true);
  expect(made.field(8, STATE)).toBe(ON);
  expect(made.dispatcher.read(REGISTER, 4)).toBe(1);
});

it('a function that a handler switches off and removes is gone', () => {
  const made = machine({
    read: () => {
      made.functions[0].setDecode(false);
      made.dispatcher.deassign(8);
      return 3;
    },
  });
  expect(made.dispatcher.read(REGISTER, 4)).toBe(3);
  expect(made.dispatcher.read(REGISTER, 4)).toBe(-1);
  expect(made.errors).toEqual([]);
});

it('the record of a function that its handler removed is no other function before the access ends', () => {
  const made = machine({
    read: () => {
      made.dispatcher.deassign(8);
      for (const sbdf of [24, 32]) {
        made.dispatcher.assign({
          sbdf,
          bars: [{ index: 0, type: 'mem32', address: BAR + 0x1000 * sbdf, size: 0x1000 }],
        });
      }
      return 3;
    },
  });
  made.dispatcher.read(REGISTER, 4);
  expect([24, 32, 16].map(made.locked)).toEqual([false, false, false]);
  expect([24, 32].map((sbdf) => made.field(sbdf, STATE))).toEqual([OFF, OFF]);
});

it('the record says whether a function decodes, and where its table begins', () => {
  const { functions, field } = machine({});
  const [fn] = functions;
  const table = () => ((fn.bars[fn.msix?.table.bir ?? 0].address ?? 0) + (fn.msix?.table.offset ?? 0)) >>> 0;
  expect([field(8, STATE), field(8, TABLE_LOW)]).toEqual([ON, table()]);
  fn.setDecode(false);
  expect(field(8, STATE)).toBe(OFF);
  fn.moveBar(0, fn.bars[0].address + 0x100000);
  fn.setDecode(true);
  expect([field(8, STATE), field(8, TABLE_LOW)]).toEqual([ON, table()]);
  fn.reset();
  expect(field(8, STATE)).toBe(OFF);
});
