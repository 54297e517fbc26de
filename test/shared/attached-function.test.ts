import { beforeEach, describe, expect, it } from 'vitest';
import { TraplineError } from '../../src/errors.js';
import type { AttachedDispatcher } from '../../src/shared/attached-dispatcher.js';
import type { AttachedFunction } from '../../src/shared/attached-function.js';
import { createDispatcher, type SharedDispatcher } from '../../src/shared.js';
import type { SharedMachine } from '../../src/shared-machine.js';
import { attachHere } from './attach-here.js';
import { described } from './described.js';

const BAR = 0xfe000000;
const ADJACENT = 0x800;

let dispatcher: SharedDispatcher;
let view: AttachedDispatcher;
let inside: () => void;
let fn: AttachedFunction;
let errors: string[];
/** What the inventory does when a BAR moves, and when it is asked who else may access it. */
let moved: () => void;
let isExposed: () => boolean;

const inventory: SharedMachine = {
  assign() {},
  deassign() {},
  moved: () => moved(),
  isShared: () => false,
  isExposed: () => isExposed(),
};

beforeEach(() => {
  errors = [];
  moved = () => {};
  isExposed = () => false;
  inside = () => {};
  dispatcher = createDispatcher({
    shared: true,
    domain: 'hardware',
    inventory,
    host: { mapPage: () => null },
    onError: (error) => errors.push((error as Error).message),
  });
  dispatcher.assign(described(8, BAR));
  view = attachHere(dispatcher, {
    host: {
      mapPage: () => ({
        read(offset) {
          if (offset === ADJACENT) inside();
          return offset;
        },
        write() {},
      }),
    },
  });
  fn = view.find(8) as AttachedFunction;
});

/** Runs work in a handler of the function. */
function within(work: () => void): void {
  inside = work;
  view.read(BAR + ADJACENT, 4);
  inside = () => {};
}

const own = () => dispatcher.find(8);

describe('at once', () => {
  it('decoding is switched', () => {
    expect([fn.setDecode(true), fn.setDecode(false), own()?.decoding]).toEqual(['noop', 'okay', false]);
    expect([fn.setDecode(false), fn.setDecode(true), own()?.decoding]).toEqual(['noop', 'okay', true]);
  });

  it('decoding is not switched on where the inventory objects', () => {
    fn.setDecode(false);
    isExposed = () => true;
    expect([fn.setDecode(true), own()?.decoding]).toEqual(['fail', false]);
  });

  it('a BAR moves, unless it is enabled', () => {
    expect(fn.moveBar(0, BAR + 0x40000)).toBe(false);
    fn.setDecode(false);
    expect(fn.moveBar(0, BAR + 0x40000)).toBe(true);
    expect(own()?.bars[0].address).toBe(BAR + 0x40000);
  });

  it('registers are read and written', () => {
    fn.writeMessageControl(0x8000);
    expect(own()?.messageControl).toBe(0x8003);
    fn.config.write(4, 2, 0);
    expect([fn.config.read(4, 2), own()?.decoding]).toEqual([0, false]);
    fn.config.write(4, 2, 2);
    expect([fn.config.read(4, 2), own()?.decoding]).toEqual([2, true]);
  });

  it('vectors are raised', () => {
    const sent: number[] = [];
    const model = dispatcher.assign({
      sbdf: 16,
      bars: [{ index: 0, type: 'mem32', address: BAR + 0x10000, size: 0x2000 }],
      msix: { count: 2, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
      software: { send: (_, vector) => sent.push(vector) },
      decode: true,
    });
    model.interrupts.useAll();
    const software = view.find(16) as AttachedFunction;
    expect([fn.raise(0), software.raise(0), software.raise(2)]).toEqual(['dropped', 'pending', 'dropped']);
    software.writeMessageControl(0x8000);
    expect(view.write(BAR + 0x1000c, 4, 0)).toBe(true);
    expect([software.raise(0), sent]).toEqual(['sent', [0, 0]]);
  });
});

describe('inside an access', () => {
  it('changes wait for its end, in the order asked', () => {
    within(() => {
      expect(fn.setDecode(false)).toBe('okay');
      expect(fn.moveBar(0, BAR + 0x40000)).toBe(true);
      expect(fn.writeMessageControl(0x8000)).toBeUndefined();
      expect(fn.config.write(4, 2, 2)).toBeUndefined();
      expect(fn.raise(0)).toBe('pending');
      expect([own()?.decoding, own()?.messageControl, own()?.bars[0].address]).toEqual([true, 3, BAR]);
    });
    expect([own()?.decoding, own()?.messageControl, own()?.bars[0].address]).toEqual([
      true,
      0x8003,
      BAR + 0x40000,
    ]);
    expect(errors).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['config.read', () => fn.config.read(0, 4)],
    ['find', () => view.find(8)],
  ])('%s is refused', (operation, ask) => {
    let code = '';
    within(() => {
      try {
        ask();
      } catch (error) {
        code = `${(error as TraplineError).code} ${(error as TraplineError).message}`;
      }
    });
    expect(code).toBe(`busy ${operation}: a handler cannot wait for the dispatcher's worker`);
  });

  it('61 changes wait, and one more is refused', () => {
    const codes: string[] = [];
    within(() => {
      for (let count = 0; count < 63; count++) {
        try {
          fn.writeMessageControl(count === 60 ? 0x8000 : 0);
        } catch (error) {
          codes.push(`${count} ${(error as TraplineError).code}`);
        }
      }
    });
    expect(codes).toEqual(['61 busy', '62 busy']);
    expect(own()?.messageControl).toBe(0x8003);
  });

  it('what misuse waits there is told to the dispatcher, and what follows is done', () => {
    within(() => {
      fn.moveBar(9, 0);
      fn.writeMessageControl(0x8000);
    });
    expect(errors).toEqual(['moveBar: function 0000:00:01.0: index 9 names no BAR of the function']);
    expect(own()?.messageControl).toBe(0x8003);
  });

  it('what waits for a function that goes meanwhile is not done to the next of its number', () => {
    const description = {
      sbdf: 16,
      bars: [{ index: 0, type: 'mem32', address: BAR + 0x10000, size: 0x2000 }],
      msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
    } as const;
    dispatcher.assign(description);
    const other = view.find(16);
    within(() => {
      other?.writeMessageControl(0x8000);
      dispatcher.deassign(16);
      dispatcher.assign(description);
    });
    expect([dispatcher.find(16)?.messageControl, errors]).toEqual([3, []]);
  });
});

describe('misuse', () => {
  it.each<[string, () => unknown]>([
    ['setDecode', () => fn.setDecode(true)],
    ['moveBar', () => fn.moveBar(0, 0)],
    ['writeMessageControl', () => fn.writeMessageControl(0)],
    ['config.read', () => fn.config.read(0, 4)],
    ['config.write', () => fn.config.write(0, 4, 0)],
    ['raise', () => fn.raise(0)],
  ])('%s of a function that is not assigned any more', (operation, call) => {
    dispatcher.deassign(8);
    expect(call).toThrow(`${operation}: the function is not assigned any more`);
    expect(call).toThrow(expect.objectContaining({ code: 'unknown-function' }));
  });

  it('has its code and every sentence', () => {
    moved = () => {
      throw new TraplineError('shared-page', 'one, ünd', 'two');
    };
    fn.setDecode(false);
    expect(() => fn.moveBar(0, 0)).toThrow(
      expect.objectContaining({ code: 'shared-page', faults: ['one, ünd', 'two'] }),
    );
  });

  const AROUND = JSON.stringify({ code: 'shared-page', faults: [''] }).length;

  it.each([
    ['that fit are whole', 4096 - AROUND, 4096 - AROUND],
    ['that do not are cut', 4096 - AROUND + 1, 512],
  ])('sentences %s', (_, length, left) => {
    moved = () => {
      throw new TraplineError('shared-page', 'x'.repeat(length));
    };
    fn.setDecode(false);
    expect(() => fn.moveBar(0, 0)).toThrow(
      expect.objectContaining({ code: 'shared-page', faults: ['x'.repeat(left)] }),
    );
    expect(fn.config.read(4, 2)).toBe(0);
  });

  it('what is no misuse but thrown is told to the dispatcher, and nothing was done', () => {
    fn.setDecode(false);
    moved = () => {
      throw new Error('moved');
    };
    isExposed = () => {
      throw new Error('exposed');
    };
    expect([fn.moveBar(0, 0), fn.setDecode(true)]).toEqual([false, 'fail']);
    expect(errors).toEqual(['moved', 'exposed']);
    expect(own()?.decoding).toBe(false);
  });
});
