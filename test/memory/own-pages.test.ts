import { describe, expect, it } from 'vitest';
import { OWN_PAGES } from '../../assembly/layout.js';
import { PAGE_SIZE, type Width } from '../../src/access.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import { Core } from '../../src/engine/core.js';
import type { FunctionDescription } from '../../src/function.js';
import { type OwnPage, OwnPages } from '../../src/memory/own-pages.js';
import type { RegionDoor } from '../../src/vfio/door.js';

const BAR = 0xfe00_0000;
const HOST = 0x1_0000_0000;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];

/** A page beside a table, one beside table and emulated PBA, and one with nothing of Trapline's. */
const device: FunctionDescription = {
  sbdf: '00:08.0',
  bars: [{ index: 0, type: 'mem32', address: BAR, hostAddress: HOST, size: 0x4000 }],
  msix: { count: 2, table: { bir: 0, offset: 0x1000 }, pba: { bir: 0, offset: 0x800 } },
  decode: true,
};

interface Machine {
  readonly dispatcher: Dispatcher;
  readonly pages: readonly OwnPage[];
}

function machine(description = device, limit?: number): Machine {
  const pages: OwnPage[] = [];
  const dispatcher: Dispatcher = createDispatcher({
    trapAll: true,
    memoryLimit: limit,
    host: { mapPage: (address) => pages[(address - HOST) / PAGE_SIZE].bytes },
  });
  for (let page = 0; page < 4; page++) {
    pages.push(dispatcher.createPage());
    pages[page].bytes.forEach((_, at, bytes) => {
      bytes[at] = at * 7 + page;
    });
  }
  dispatcher.assign(description);
  return { dispatcher, pages };
}

/** Assigns functions until linear memory has grown. */
function grow({ dispatcher, pages }: Machine): void {
  const before = pages[0].bytes.buffer;
  for (let number = 0; pages[0].bytes.buffer === before; number++) {
    dispatcher.assign({
      sbdf: 0x100 + number,
      bars: [{ index: 0, type: 'mem64', address: 2 ** 40 + number * 2 ** 24, size: 0x8000 }],
      msix: { count: 2048, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x7000 } },
    });
  }
}

const isAdjacent = (offset: number, width: number): boolean =>
  offset + width <= 0x800 ||
  (offset >= 0x808 && offset + width <= 0x1000) ||
  (offset >= 0x1020 && offset + width <= 0x4000);

/** The value of an access by the page's bytes. */
function expected({ pages }: Machine, offset: number, width: number): bigint {
  let value = 0n;
  for (let at = offset + width - 1; at >= offset; at--) {
    value = (value << 8n) | BigInt(pages[Math.floor(at / PAGE_SIZE)].bytes[at % PAGE_SIZE]);
  }
  return value;
}

describe.each([
  ['as it was', () => {}],
  ['after linear memory has grown', grow],
])('a page in linear memory, %s', (_, before) => {
  it.each(WIDTHS)('reads and is written at every offset, width %i, from JavaScript and from v86', (width) => {
    const made = machine();
    made.dispatcher.read(BAR, 4);
    made.dispatcher.read(BAR + 0x1800, 4);
    before(made);
    const { dispatcher } = made;
    const { trap_read, trap_write, mmap_read32, mmap_write32 } = dispatcher.attach();
    for (let offset = 0; offset + width <= 0x4000; offset++) {
      if (!isAdjacent(offset, width)) continue;
      const at = BAR + offset;
      const value = expected(made, offset, width);
      const low = Number(BigInt.asUintN(32, value));
      const high = Number(value >> 32n);
      const read = [dispatcher.read(at, width), trap_read(at, 0, width) >>> 0];
      if (width === 4) read.push(mmap_read32(at) >>> 0);
      const highs = width === 8 ? [dispatcher.high] : [];
      dispatcher.write(at, width, ~low >>> 0, ~high >>> 0);
      const inverted = expected(made, offset, width) === BigInt.asUintN(8 * width, ~value);
      if (width === 4) mmap_write32(at, low);
      else trap_write(at, 0, width, low, high);
      const restored = expected(made, offset, width) === value;
      if (!read.every((one) => one === low) || !highs.every((one) => one === high) || !inverted || !restored)
        expect.fail(`${width} bytes at ${offset}: ${read}, ${highs}, not ${value}`);
    }
  });

  it("is the same with the guest's registers in it, and through the region door", () => {
    const made = machine({
      ...device,
      registers: [{ space: 'bar0', offset: 4, width: 4, value: 0x12345678 }],
    });
    const { dispatcher } = made;
    const door = dispatcher.openRegions(device.sbdf, {}) as RegionDoor;
    dispatcher.find(device.sbdf)?.setDecode(true);
    const bytes = new Uint8Array(16);
    const look = () => {
      expect(door.pread(0, bytes)).toBe(16);
      return [
        dispatcher.read(BAR, 4),
        dispatcher.read(BAR + 4, 4),
        new DataView(bytes.buffer).getUint32(0, true),
      ];
    };
    const first = look();
    before(made);
    made.pages[0].bytes[0]++;
    expect(look()).toEqual([first[0] + 1, 0x12345678, first[0] + 1]);
  });
});

it('is unmapped when the page goes, and another page may have its memory', () => {
  const { dispatcher, pages } = machine();
  const { mmap_read32 } = dispatcher.attach();
  expect(mmap_read32(BAR + 0x2000)).not.toBe(-1);
  dispatcher.deassign(device.sbdf);
  expect(mmap_read32(BAR + 0x2000)).toBe(-1);
  const at = pages[2].bytes.byteOffset;
  pages[2].release();
  const again = dispatcher.createPage();
  expect(again.bytes.byteOffset).toBe(at);
  expect(again.bytes.every((byte) => byte === 0)).toBe(true);
});

it('is not given back while a function has it mapped, nor twice', () => {
  const { dispatcher, pages } = machine();
  dispatcher.read(BAR + 0x2000, 4);
  const at = `0x${pages[2].bytes.byteOffset.toString(16)}`;
  expect(() => pages[2].release()).toThrow(`OwnPage.release: the page at ${at} is mapped`);
  dispatcher.deassign(device.sbdf);
  pages[2].release();
  for (const use of [() => pages[2].release(), () => pages[2].bytes]) {
    expect(use).toThrow(`OwnPage: the page at ${at} is released already`);
  }
  expect(dispatcher.createPage().bytes.byteOffset).not.toBe(dispatcher.createPage().bytes.byteOffset);
});

it('a page of another dispatcher is memory as any other', () => {
  const other = machine();
  const dispatcher = createDispatcher({ trapAll: true, host: { mapPage: () => other.pages[0].bytes } });
  dispatcher.assign(device);
  expect(dispatcher.attach().mmap_read32(BAR + 0x2000) >>> 0).toBe(other.dispatcher.read(BAR, 4));
});

it('does without memory when there is none, and says so', () => {
  const { dispatcher } = machine(device, 2 ** 20);
  const fill = () => {
    for (;;) dispatcher.createPage();
  };
  expect(fill).toThrow(/memoryLimit: \d+ more pages of 64 KiB exceed the limit/);
  expect(dispatcher.read(BAR + 0x2000, 4)).not.toBe(0xffffffff);
});

it('keeps the places of pages when there come to be more than it has room for', () => {
  const nothing = () => 0;
  const core = new Core(
    {
      complete_read: nothing,
      complete_write: nothing,
      unclaimed_read: nothing,
      unclaimed_write: nothing,
      forwarded_read4: nothing,
      forwarded_write4: nothing,
    },
    2 ** 24,
  );
  const own = new OwnPages(core);
  const page = own.create();
  const at = (id: number) => core.words[core.words[OWN_PAGES / 4] / 4 + id];
  own.reserve(0);
  own.show(0, page.bytes);
  for (let id = 1; id < 1000; id++) {
    own.reserve(id);
    own.show(id, id % 3 === 0 ? page.bytes : undefined);
    for (const known of [0, id - 1, id]) {
      expect(at(known)).toBe(known % 3 === 0 ? page.bytes.byteOffset : 0);
    }
  }
  own.show(999, new Uint8Array(PAGE_SIZE));
  expect(at(999)).toBe(0);
});
