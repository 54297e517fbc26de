import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../src/access.js';
import { createDispatcher, type Dispatcher, type Fallback } from '../src/dispatcher.js';
import { MemoryHost } from './memory-host.js';
import { BAR, nvmeLike, PBA, TABLE } from './nvme-like.js';

interface Caller {
  call_read(low: number, high: number, width: number): number;
  call_write(low: number, high: number, width: number, data: number, dataHigh: number): void;
}

/** Another module that imports the door's two functions and nothing from JavaScript. */
const source = `(module
  (import "trapline" "trap_read" (func $read (param i32 i32 i32) (result i32)))
  (import "trapline" "trap_write" (func $write (param i32 i32 i32 i32 i32)))
  (func (export "call_read") (param i32 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2)))
  (func (export "call_write") (param i32 i32 i32 i32 i32)
    (call $write (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))))`;

let module: WebAssembly.Module;
beforeAll(async () => {
  const { default: binaryen } = await import('binaryen');
  module = new WebAssembly.Module(binaryen.parseText(source).emitBinary() as Uint8Array<ArrayBuffer>);
});

let dispatcher: Dispatcher;
let host: MemoryHost;
beforeEach(() => {
  host = new MemoryHost();
  dispatcher = createDispatcher({ host });
  dispatcher.assign(nvmeLike);
});

function attach(fallback?: Fallback): Caller {
  const { trap_read, trap_write } = dispatcher.attach(fallback);
  const instance = new WebAssembly.Instance(module, { trapline: { trap_read, trap_write } });
  return instance.exports as unknown as Caller;
}

const lanes = (address: number): [number, number] => [address >>> 0, Math.floor(address / 2 ** 32)];

describe('the door for another wasm module', () => {
  it('reads all ones in both lanes of 8 bytes that nobody claims, whatever was read before', () => {
    const caller = attach();
    expect(caller.call_read(...lanes(TABLE), 8)).toBe(0);
    expect(dispatcher.high).toBe(0);
    expect(caller.call_read(0x1000, 0, 8)).toBe(-1);
    expect(dispatcher.high).toBe(0xffffffff);
  });

  it.each([1, 2, 4, 8] as Width[])(
    'reads and writes as JavaScript does, width %i, at every offset of the page',
    (width) => {
      const twin = createDispatcher({ host: new MemoryHost() });
      twin.assign(nvmeLike);
      const caller = attach();
      for (let offset = 0; offset < 4096; offset++) {
        const address = TABLE + offset;
        const value = Math.imul(offset + 1, 0x01010101);
        caller.call_write(...lanes(address), width, value, ~value);
        twin.write(address, width, value, ~value);
        const wanted = twin.read(address, width);
        const mask = width < 4 ? 2 ** (8 * width) - 1 : 0xffffffff;
        expect(caller.call_read(...lanes(address), width) >>> 0, `offset ${offset}`).toBe(
          (wanted & mask) >>> 0,
        );
        if (width === 8) expect(dispatcher.high, `offset ${offset}`).toBe(twin.high);
      }
    },
  );

  it('answers all ones and drops writes where no function claims the address', () => {
    const caller = attach();
    caller.call_write(...lanes(0x1000), 4, 1, 0);
    expect(caller.call_read(...lanes(0x1000), 4)).toBe(-1);
    expect(dispatcher.read(0x1000, 4)).toBe(UNCLAIMED);
  });

  it('falls back to the handlers attached last', () => {
    const calls: string[] = [];
    const fallback: Fallback = {
      read: (low, high, width) => {
        calls.push(`read ${low >>> 0} ${high} ${width}`);
        return 42;
      },
      write: (low, high, width, data, dataHigh) =>
        calls.push(`write ${low >>> 0} ${high} ${width} ${data} ${dataHigh}`),
    };
    const caller = attach(fallback);
    expect(caller.call_read(...lanes(BAR), 2)).toBe(42);
    caller.call_write(...lanes(BAR + 8), 8, 1, 2);
    expect(calls).toEqual([`read ${BAR >>> 0} ${0x3800} 2`, `write ${(BAR + 8) >>> 0} ${0x3800} 8 1 2`]);
  });

  it('takes any width without an exception', () => {
    const caller = attach();
    for (const width of [0, 3, 5, 6, 7, 9, 12, 36, -4, 2 ** 31]) {
      expect(caller.call_read(...lanes(TABLE), width)).toBe(-1);
      for (const address of [TABLE, TABLE + 0x100, PBA]) {
        caller.call_write(...lanes(address), width, 0x12345678, 0x12345678);
      }
    }
    expect([...host.pages.values()].flatMap((page) => [...page]).every((byte) => byte === 0)).toBe(true);
    expect([0, 4, 8, 12].map((offset) => dispatcher.read(TABLE + offset, 4))).toEqual([0, 0, 0, 1]);
  });

  it('takes an entry of all ones for its value, also after a read of nobody', () => {
    const caller = attach();
    dispatcher.write(TABLE, 8, 0xffffffff, 0xffffffff);
    for (let round = 0; round < 2; round++) {
      expect(caller.call_read(...lanes(TABLE), 8)).toBe(-1);
      expect(dispatcher.high).toBe(0xffffffff);
      expect(caller.call_read(...lanes(TABLE), 4)).toBe(-1);
      expect(caller.call_read(...lanes(BAR), 4)).toBe(-1);
    }
    expect(Object.values(dispatcher.counts).every((count) => count === 0)).toBe(true);
  });
});
