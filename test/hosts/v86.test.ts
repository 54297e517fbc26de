import { describe, expect, it } from 'vitest';
import { attachV86, type WasmDoors } from '../../src/hosts/v86.js';
import {
  createDispatcher,
  type Dispatcher,
  type FunctionDescription,
  type Message,
  type PageHandler,
} from '../../src/index.js';
import { type Guest, type Operation, wasm, withGuest } from './guest/machine.js';

const BAR = 0xfe00_0000;
const PAGE = 0x1000;
const WHERE = 8 << 3;
const device: FunctionDescription = {
  sbdf: '00:08.0',
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x4000 }],
  decode: true,
};

function dispatcherOf(description: FunctionDescription | undefined = device): Dispatcher {
  const page = Uint8Array.from({ length: PAGE }, (_, at) => at * 7);
  const dispatcher = createDispatcher({ trapAll: true, host: { mapPage: () => page } });
  if (description) dispatcher.assign(description);
  return dispatcher;
}

/** Doors that note what comes through them: width, offset, and what is written. */
function notingDoors(dispatcher: Dispatcher, notes: string[]): WasmDoors {
  const at = (low: number) => ((low >>> 0) - BAR).toString(16);
  return {
    attach: (fallback) => {
      const { trap_read, trap_write } = dispatcher.attach(fallback);
      return {
        trap_read: (low, high, width) => {
          notes.push(`r${width} ${at(low)}`);
          return trap_read(low, high, width);
        },
        trap_write: (low, high, width, data, dataHigh) => {
          const value = width === 8 ? ` ${(dataHigh >>> 0).toString(16)}` : '';
          notes.push(`w${width} ${at(low)}${value} ${(data >>> 0).toString(16)}`);
          trap_write(low, high, width, data, dataHigh);
        },
      };
    },
  };
}

describe('the shapes in which accesses arrive', () => {
  const data = [0x44332211, 0x88776655, 3, 4];
  it.each<[Operation['kind'], number, number, string]>([
    ['read', 1, 0, 'r1 0'],
    ['read', 2, 0, 'r1 0, r1 1'],
    ['read', 2, 1, 'r1 1, r1 2'],
    ['read', 4, 0, 'r4 0'],
    ['read', 4, 1, 'r4 1'],
    ['read', 4, 0xffd, 'r1 ffd, r1 ffe, r1 fff, r1 1000'],
    ['read', 8, 0, 'r4 0, r4 4'],
    ['read', 8, 1, 'r4 1, r4 5'],
    ['read', 8, 0xffd, 'r1 ffd, r1 ffe, r1 fff, r1 1000, r4 1001'],
    ['read', 16, 0, 'r4 0, r4 4, r4 8, r4 c'],
    ['write', 1, 1, 'w1 1 11'],
    ['write', 2, 0, 'w2 0 2211'],
    ['write', 2, 1, 'w2 1 2211'],
    ['write', 2, 0xfff, 'w1 fff 11, w1 1000 22'],
    ['write', 4, 0, 'w4 0 44332211'],
    ['write', 4, 1, 'w4 1 44332211'],
    ['write', 4, 0xffd, 'w1 ffd 11, w1 ffe 22, w1 fff 33, w1 1000 44'],
    ['write', 8, 0, 'w8 0 88776655 44332211'],
    ['write', 8, 1, 'w8 1 88776655 44332211'],
    ['write', 8, 0xffc, 'w4 ffc 44332211, w4 1000 88776655'],
    ['write', 16, 0, 'w8 0 88776655 44332211, w8 8 4 3'],
    ['write', 16, 0xff8, 'w8 ff8 88776655 44332211, w8 1000 4 3'],
    ['add', 4, 0, 'r4 0, w4 0 59412911'],
    ['copy in', 1, 0, 'r1 0, r1 1, r1 2'],
    ['copy in', 2, 0, 'r1 0, r1 1, r1 2, r1 3, r1 4, r1 5'],
    ['copy in', 4, 0, 'r4 0, r4 4, r4 8'],
    ['copy out', 2, 0, 'w2 0 2211, w2 2 4433, w2 4 6655'],
    ['copy out', 4, 1, 'w4 1 44332211, w4 5 88776655, w4 9 3'],
  ])('%s of %i bytes at %i: %s', async (kind, width, offset, shape) => {
    const dispatcher = dispatcherOf();
    const notes: string[] = [];
    await withGuest({ dispatcher, doors: notingDoors(dispatcher, notes) }, async (guest) => {
      await guest.run({ kind, width, address: BAR + offset, where: 3, data });
    });
    expect(notes.join(', ')).toBe(shape);
  });
});

const read = (address: number, width = 4): Operation => ({ kind: 'read', width, address });
const write = (address: number, data: number, width = 4): Operation => ({
  kind: 'write',
  width,
  address,
  data: [data],
});
const configRead = (where: number, address: number, width: number): Operation => ({
  kind: 'config read',
  width,
  where,
  address,
});
const configWrite = (where: number, address: number, width: number, value: number): Operation => ({
  kind: 'config write',
  width,
  where,
  address,
  data: [value],
});
const portRead = (where: number, width: number): Operation => ({
  kind: 'port read',
  width,
  where,
  address: 0,
});
const portWrite = (where: number, width: number, value: number): Operation => ({
  kind: 'port write',
  width,
  where,
  address: 0,
  data: [value],
});
/** First words. */
async function words(guest: Guest, ...operations: Operation[]): Promise<number[]> {
  return (await guest.run(...operations)).map(([word]) => word);
}

const ADDRESS = 0xcf8;
const DATA = 0xcfc;
const OURS = 0x8000_0000 | (WHERE << 8);

describe('configuration cycles', () => {
  it('of each width and register reach the function', async () => {
    const dispatcher = dispatcherOf();
    const config = dispatcher.find('00:08.0')?.config;
    await withGuest({ dispatcher }, async (guest) => {
      for (const width of [1, 2, 4] as const) {
        const offsets = Array.from({ length: 256 / width }, (_, index) => index * width);
        const got = await words(guest, ...offsets.map((at) => configRead(WHERE, at, width)));
        expect(got).toEqual(offsets.map((at) => config?.read(at, width)));
      }
      const sized = await words(
        guest,
        configWrite(WHERE, 4, 2, 0),
        configWrite(WHERE, 0x10, 4, 0xffffffff),
        configRead(WHERE, 0x10, 4),
        configWrite(WHERE, 0x10, 4, 0xfd00_0000),
        read(0xfd00_0000),
        configWrite(WHERE, 4, 1, 2),
        read(0xfd00_0000),
        configRead(WHERE, 5, 1),
        configWrite(WHERE, 5, 1, 4),
        configRead(WHERE, 4, 2),
      );
      expect([2, 4, 6, 7, 9].map((index) => sized[index])).toEqual([
        0xffffc000, 0xffffffff, 0x150e0700, 0, 0x0402,
      ]);
    });
  });

  it("of functions that v86 has, or nobody, are v86's, and end nothing", async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      const absent = 0x17 << 3;
      const got = await words(
        guest,
        configRead(0, 0, 4),
        configRead(absent, 0, 4),
        configWrite(absent, 4, 1, 7),
        configWrite(absent, 4, 2, 7),
        configWrite(absent, 4, 4, 7),
        configRead(absent, 4, 2),
        // Bus 1: v86 has none.
        portWrite(ADDRESS, 4, 0x8001_0004),
        portWrite(DATA, 1, 1),
        portRead(DATA, 4),
      );
      expect([got[0], got[1], got[5], got[8]]).toEqual([0x12378086, 0xffffffff, 0xffff, 0xffffffff]);
    });
  });

  it('need the enable bit, and CONFIG_ADDRESS may be written by bytes', async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      const ours = (OURS >>> 0) + 0x10;
      const got = await words(
        guest,
        portWrite(ADDRESS, 4, ours & 0x7fffffff),
        portRead(DATA, 4),
        portWrite(ADDRESS + 3, 1, 0x80),
        portRead(DATA, 4),
        portRead(ADDRESS, 4),
        portRead(ADDRESS + 1, 1),
        portRead(ADDRESS + 2, 2),
        portWrite(ADDRESS, 1, 0x07),
        portRead(DATA + 2, 2),
        portRead(DATA + 3, 1),
        portWrite(ADDRESS, 2, 0x3008),
        portRead(DATA, 4),
      );
      expect([1, 3, 4, 5, 6, 8, 9, 11].map((index) => got[index])).toEqual([
        0xffffffff,
        BAR,
        ours,
        WHERE,
        0x8000,
        0x0000,
        0x00,
        0xffffffff,
      ]);
    });
  });

  it.each([
    ['00:00.0', 0],
    ['00:07.0', 7 << 3],
    ['00:1f.7', 0xff],
  ])('at %s reach the function, whatever v86 has there', async (sbdf, where) => {
    const dispatcher = dispatcherOf({ ...device, sbdf });
    await withGuest({ dispatcher }, async (guest) => {
      const registers = [0, 4, 0x10, 0xfc];
      const got = await words(guest, ...registers.map((register) => configRead(where, register, 4)));
      expect(got).toEqual(registers.map((register) => dispatcher.find(sbdf)?.config.read(register, 4)));
    });
  });

  it('name registers by words: the lowest bits of CONFIG_ADDRESS are 0', async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      const ours = (OURS >>> 0) + 0x10;
      const got = await words(
        guest,
        portWrite(ADDRESS, 4, ours + 3),
        portRead(ADDRESS, 4),
        portRead(DATA, 4),
        portWrite(ADDRESS, 1, 0x13),
        portRead(ADDRESS, 1),
      );
      expect([got[1], got[2], got[4]]).toEqual([ours, BAR, 0x10]);
    });
  });

  it('may go from function 2 to function 6, for which v86 alone resets the machine', async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      const scan = Array.from({ length: 8 }, (_, from) =>
        Array.from({ length: 8 }, (_, to) => [configRead(0xb0 + from, 0, 4), configRead(0xb0 + to, 0, 4)]),
      );
      const got = await words(guest, ...scan.flat(2), configRead(WHERE, 0x10, 4));
      expect(got.at(-1)).toBe(BAR);
    });
  });

  it("leave QEMU's hot-plug ports reading 0", async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      const ports = Array.from({ length: 18 }, (_, index) => portRead(0xadff + index, 1));
      expect(await words(guest, ...ports)).toEqual([0xff, ...Array(16).fill(0), 0xff]);
      expect(await words(guest, portRead(0xae00, 4), portRead(0xae08, 2))).toEqual([0, 0]);
    });
  });
});

describe('accesses', () => {
  it("that no function claims are v86's", async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      const vga = 0xa_0000;
      const got = await words(
        guest,
        write(vga + 8, 0x5a, 1),
        read(vga + 8, 1),
        read(0xfec0_0020 - 0x20, 4),
        read(0xd000_0000, 4),
        write(0xd000_0000, 1, 4),
        write(0xd000_0001, 1, 2),
        { kind: 'write', width: 16, address: 0xd000_0000, data: [1, 2, 3, 4] },
        read(BAR - 4, 4),
        read(BAR + 0x4000, 2),
      );
      expect([got[3], got[7], got[8]]).toEqual([0xffffffff, 0xffffffff, 0xffff]);
    });
  });

  it('whose handler throws read ones or are dropped, and the error is told', async () => {
    const errors: unknown[] = [];
    const handler: PageHandler = {
      read: () => {
        throw new Error('read');
      },
      write: () => {
        throw new Error('write');
      },
    };
    const dispatcher = createDispatcher({
      trapAll: true,
      host: { mapPage: () => handler },
      onError: (error) => errors.push((error as Error).message),
    });
    dispatcher.assign(device);
    await withGuest({ dispatcher }, async (guest) => {
      const got = await words(guest, read(BAR), write(BAR, 1), read(BAR + 1, 1), write(BAR, 1, 2));
      expect([got[0], got[2]]).toEqual([0xffffffff, 0xff]);
    });
    expect(errors).toEqual(['read', 'write', 'read', 'write']);
  });

  it('of 128 bits are whole, aligned or not', async () => {
    const dispatcher = dispatcherOf();
    await withGuest({ dispatcher }, async (guest) => {
      for (const offset of [0, 8, 3, 0xff8, 0xffd]) {
        const address = BAR + offset;
        const [, result] = await guest.run(
          { kind: 'write', width: 16, address, data: [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c] },
          { kind: 'read', width: 16, address },
        );
        // All pages are one: what crosses a page is on its first bytes.
        if (offset < 0xff0) expect(result).toEqual([0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c]);
        expect(Array.from({ length: 16 }, (_, at) => dispatcher.read(address + at, 1))).toEqual(
          Array.from({ length: 16 }, (_, at) => at),
        );
      }
    });
  });
});

/** A function with two vectors that a guest may program, and its messages. */
function interrupting() {
  const page = new Uint8Array(PAGE);
  const dispatcher = createDispatcher({ trapAll: true, host: { mapPage: () => page } });
  let send: (message: Message) => void = () => {};
  const fn = dispatcher.assign({
    ...device,
    bars: [{ index: 0, type: 'mem32', address: BAR, hostAddress: 0, size: 0x1000 }],
    msix: { count: 2, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x20 } },
    software: { send: (message) => send(message) },
  });
  fn.interrupts.useAll();
  fn.writeMessageControl(0x8000);
  const deliverTo = (guest: Guest) => {
    send = (message) => guest.attachment.send(message);
  };
  return { dispatcher, fn, deliverTo };
}
const program = (index: number, data: number): Operation[] => [
  write(BAR + 16 * index, 0xfee0_0000),
  write(BAR + 16 * index + 8, data),
  write(BAR + 16 * index + 12, 0),
];
const taken = (vector: number): Operation => ({ kind: 'interrupts', width: 4, where: vector, address: 0 });

describe('messages', () => {
  it.each([0x20, 0x3f, 0x40, 0x7f, 0x80, 0xef, 0xfe])('of vector %i are taken once each', async (vector) => {
    const { dispatcher, fn, deliverTo } = interrupting();
    await withGuest({ dispatcher }, async (guest) => {
      deliverTo(guest);
      const counts = await words(guest, taken(vector), ...program(0, vector));
      expect(counts[0]).toBe(0);
      for (let count = 1; count < 4; count++) {
        expect(fn.interrupts.raise(0)).toBe('sent');
        expect(await words(guest, taken(vector), taken(vector))).toEqual([count, count]);
      }
      expect(guest.attachment.undelivered).toBe(0);
    });
  });

  it('sent within the access that unmasks are taken', async () => {
    const { dispatcher, fn, deliverTo } = interrupting();
    await withGuest({ dispatcher }, async (guest) => {
      deliverTo(guest);
      fn.interrupts.raise(1);
      const unmasked = await words(
        guest,
        read(BAR + 0x20, 4),
        ...program(1, 0x61),
        read(BAR + 0x20, 4),
        taken(0x61),
      );
      expect([unmasked[0], unmasked[4], unmasked[5]]).toEqual([2, 0, 1]);
    });
  });

  it('wake a processor that waits', async () => {
    const { dispatcher, fn, deliverTo } = interrupting();
    await withGuest({ dispatcher }, async (guest) => {
      deliverTo(guest);
      await guest.run(...program(0, 0x55));
      const woken = guest.run({ kind: 'wait', width: 4, where: 0x55, address: 0 });
      await new Promise((resolve) => setTimeout(resolve, 50));
      fn.interrupts.raise(0);
      expect((await woken)[0][0]).toBe(1);
    });
  });

  it.each<[string, Partial<Message>]>([
    ['a vector below 16', { data: 15 }],
    ['SMI', { data: 0x251 }],
    ['NMI', { data: 0x451 }],
    ['INIT', { data: 0x551 }],
    ['ExtINT', { data: 0x751 }],
    ['a remappable format', { addressLow: 0xfee0_0010 }],
    ['an address without memory', { addressLow: 0xd000_0000 }],
    ['an address above memory', { addressHigh: 1 }],
  ])('of %s are counted, and nothing else', async (_, message) => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      await guest.run(read(BAR));
      guest.attachment.send({ addressLow: 0xfee0_0000, addressHigh: 0, data: 0x51, ...message });
      expect(guest.attachment.undelivered).toBe(1);
      expect(await words(guest, taken(0x51), taken(15))).toEqual([0, 0]);
    });
  });

  it('of lowest priority are delivered, those to memory are written', async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      await guest.run(read(BAR));
      guest.attachment.send({ addressLow: 0xfee0_100c, addressHigh: 0, data: 0x151 });
      guest.attachment.send({ addressLow: RAM, addressHigh: 0, data: 0xfedc_ba98 });
      expect(await words(guest, taken(0x51), read(RAM))).toEqual([1, 0xfedcba98]);
      expect(guest.attachment.undelivered).toBe(0);
    });
  });

  it('before there is a v86 are counted', () => {
    const attachment = attachV86({ dispatcher: dispatcherOf(), wasm });
    attachment.send({ addressLow: 0xfee0_0000, addressHigh: 0, data: 0x51 });
    expect(attachment.undelivered).toBe(1);
    expect(attachment.memory.read(0, new Uint8Array(1))).toBe(false);
  });
});

const RAM = 0x80_0000;
const RAM_SIZE = 16 << 20;

describe('DMA', () => {
  it.each([
    [0, 1, true],
    [RAM_SIZE - 4, 4, true],
    [RAM_SIZE - 4, 5, false],
    [RAM_SIZE, 0, true],
    [RAM_SIZE, 1, false],
    [-1, 1, false],
    [0.5, 1, false],
    [Number.NaN, 1, false],
    [2 ** 40, 1, false],
    [0x9_fffc, 4, true],
    [0x9_fffc, 5, false],
    [0xa_0000, 1, false],
    [0xb_ffff, 1, false],
    [0xb_ffff, 2, false],
    [0xc_0000, 1, true],
    [0x9_0000, 0x4_0000, false],
  ])('at %i of %i bytes: %s', async (address, length, works) => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      await guest.run(read(BAR));
      const { memory } = guest.attachment;
      const before = new Uint8Array(length).fill(0x5a);
      expect(memory.read(address, before)).toBe(works);
      expect(memory.write(address, before)).toBe(works);
    });
  });

  it('is what the guest reads and writes', async () => {
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      await guest.run(write(RAM, 0x12345678));
      const bytes = new Uint8Array(4);
      guest.attachment.memory.read(RAM, bytes);
      expect([...bytes]).toEqual([0x78, 0x56, 0x34, 0x12]);
      guest.attachment.memory.write(RAM + 1, Uint8Array.of(0xff, 0xee));
      expect(await words(guest, read(RAM))).toEqual([0x12eeff78]);
    });
  });

  it('into code that runs compiled changes what runs', async () => {
    // mov eax, imm32; ret
    const code = (value: number) => Uint8Array.of(0xb8, value, 0, 0, 0, 0xc3);
    const call: Operation = { kind: 'call', width: 4, address: RAM, data: [2_000_000] };
    await withGuest({ dispatcher: dispatcherOf() }, async (guest) => {
      await guest.run(read(BAR));
      for (const value of [1, 2, 3]) {
        guest.attachment.memory.write(RAM, code(value));
        expect(await words(guest, call)).toEqual([value]);
      }
    });
  });
});

it('a machine that is reset resets the functions, and one that starts does not', async () => {
  const { dispatcher, fn, deliverTo } = interrupting();
  await withGuest({ dispatcher }, async (guest) => {
    deliverTo(guest);
    await guest.run(...program(0, 0x55));
    expect([fn.decoding, fn.messageControl, fn.vector(0).data]).toEqual([true, 0x8001, 0x55]);
    await guest.emulator.restart();
    expect([fn.decoding, fn.messageControl, fn.vector(0).data]).toEqual([false, 0x0001, 0]);
  });
});

it('a model that takes another function away while the machine is reset ends nothing', async () => {
  const dispatcher = createDispatcher({ trapAll: true, host: { mapPage: () => null } });
  for (const sbdf of ['00:08.0', '00:09.0']) {
    const other = sbdf === '00:08.0' ? '00:09.0' : '00:08.0';
    dispatcher.assign({
      sbdf,
      bars: [{ index: 0, type: 'mem32', address: 0, hostAddress: 0, size: 0x1000 }],
      msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
      software: { send: () => {}, onReset: () => dispatcher.find(other) && dispatcher.deassign(other) },
    });
  }
  await withGuest({ dispatcher }, async (guest) => {
    await guest.run(read(BAR));
    await guest.emulator.restart();
    expect(dispatcher.functions.map(({ sbdf }) => sbdf)).toEqual([WHERE]);
  });
});

describe('a saved machine', () => {
  it('goes on in another one, with memory, functions, models, a latched address and pending interrupts', async () => {
    const model = (state: unknown) => ({
      state,
      save() {
        return this.state;
      },
      restore(saved: unknown) {
        this.state = saved;
      },
    });
    const first = interrupting();
    const models = { counter: model({ count: 7 }) };
    const state = await withGuest({ dispatcher: first.dispatcher, models }, async (guest) => {
      first.deliverTo(guest);
      await guest.run(...program(0, 0x55), write(RAM, 0xabcd), portWrite(ADDRESS, 4, (OURS >>> 0) + 0x10));
      first.fn.interrupts.raise(1);
      first.fn.interrupts.raise(0);
      const saved = await guest.attachment.save(guest.emulator);
      expect(guest.emulator.is_running()).toBe(true);
      // It goes on: the message was sent.
      expect(await words(guest, taken(0x55))).toEqual([1]);
      return saved;
    });
    const second = interrupting();
    const others = { counter: model(undefined) };
    await withGuest({ dispatcher: second.dispatcher, models: others }, async (guest) => {
      second.deliverTo(guest);
      await guest.run(read(RAM));
      await guest.attachment.restore(guest.emulator, state);
      expect(others.counter.state).toEqual({ count: 7 });
      const got = await words(
        guest,
        portRead(DATA, 4),
        read(RAM),
        taken(0x55),
        taken(0x56),
        read(BAR + 0x20),
      );
      expect(got).toEqual([BAR, 0xabcd, 1, 0, 2]);
      const after = await words(guest, ...program(1, 0x56), taken(0x56), taken(0x55));
      expect(after.slice(3)).toEqual([1, 1]);
    });
  });

  it('stays stopped when it was, and says what does not fit', async () => {
    const { dispatcher } = interrupting();
    await withGuest({ dispatcher }, async (guest) => {
      await guest.run(read(BAR));
      await guest.emulator.stop();
      const state = await guest.attachment.save(guest.emulator);
      expect(guest.emulator.is_running()).toBe(false);
      await guest.attachment.restore(guest.emulator, state);
      expect(guest.emulator.is_running()).toBe(false);
      const other = { ...state, functions: { ...state.functions, version: 99 } };
      await expect(guest.attachment.restore(guest.emulator, other as never)).rejects.toMatchObject({
        code: 'bad-snapshot',
      });
    });
  });
});
