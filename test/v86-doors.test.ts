import { beforeEach, expect, it } from 'vitest';
import { createDispatcher, type Dispatcher } from '../src/dispatcher.js';
import { MemoryHost } from './memory-host.js';

const BAR = 0xfe00_0000;
const TABLE = BAR + 0x2000;

let dispatcher: Dispatcher;
let unclaimed: string[];
let doors: ReturnType<Dispatcher['attach']>;
beforeEach(() => {
  dispatcher = createDispatcher({ host: new MemoryHost(), trapAll: true });
  dispatcher.assign({
    sbdf: 8,
    bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x4000 }],
    msix: { count: 8, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: 0x2800 } },
    decode: true,
  });
  unclaimed = [];
  doors = dispatcher.attach({
    read: (low, high, width) => unclaimed.push(`read ${low >>> 0} ${high} ${width}`) && 0x21,
    write: (low, high, width, ...data) => {
      unclaimed.push(`write ${low >>> 0} ${high} ${width} ${data.map((lane) => lane >>> 0)}`);
    },
  });
});

const words = (address: number) => [0, 4, 8, 12].map((offset) => dispatcher.read(address + offset, 4));

it.each([
  ['a table', TABLE + 0x10, [0x11111111, 0x22222222, 0x33333333, 0]],
  ['a host page', BAR + 0x100, [0x11111111, 0x22222222, 0x33333333, 0x44444444]],
])('128 bits to %s are two times 64', (_, address, expected) => {
  doors.mmap_write128(address | 0, 0x11111111, 0x22222222, 0x33333333, 0x44444444);
  expect(words(address)).toEqual(expected);
  expect(words(address - 16)).toEqual(address === TABLE + 0x10 ? [0, 0, 0, 1] : [0, 0, 0, 0]);
  expect(words(address + 16)).toEqual(address === TABLE + 0x10 ? [0, 0, 0, 1] : [0, 0, 0, 0]);
});

it.each([
  ['8 bits', () => doors.mmap_write8((BAR + 0x105) | 0, 0xa5), [0, 0xa500, 0, 0]],
  ['16 bits', () => doors.mmap_write16((BAR + 0x106) | 0, 0xa55a), [0, 0xa55a0000, 0, 0]],
  ['32 bits', () => doors.mmap_write32((BAR + 0x104) | 0, 0x12345678), [0, 0x12345678, 0, 0]],
  ['32 bits, unaligned', () => doors.mmap_write32((BAR + 0x102) | 0, 0x12345678), [0x56780000, 0x1234, 0, 0]],
  ['64 bits', () => doors.mmap_write64((BAR + 0x108) | 0, 1, 2), [0, 0, 1, 2]],
])('%s are written, and no more', (_, write, expected) => {
  write();
  expect(words(BAR + 0x100)).toEqual(expected);
  expect(unclaimed).toEqual([]);
});

it('what nobody claims goes on with all that it is', () => {
  const address = 0xe000_0000;
  expect([doors.mmap_read8(address | 0), doors.mmap_read32(address | 0)]).toEqual([0x21, 0x21]);
  expect(doors.mmap_read32((address + 1) | 0)).toBe(0x21);
  doors.mmap_write8(address | 0, 1);
  doors.mmap_write16(address | 0, 2);
  doors.mmap_write32(address | 0, 3);
  doors.mmap_write32((address + 1) | 0, 4);
  doors.mmap_write64(address | 0, 5, 6);
  doors.mmap_write128(address | 0, 7, 8, 9, 10);
  expect(unclaimed).toEqual([
    `read ${address} 0 1`,
    `read ${address} 0 4`,
    `read ${address + 1} 0 4`,
    `write ${address} 0 1 1,0`,
    `write ${address} 0 2 2,0`,
    `write ${address} 0 4 3,0`,
    `write ${address + 1} 0 4 4,0`,
    `write ${address} 0 8 5,6`,
    `write ${address} 0 8 7,8`,
    `write ${address + 8} 0 8 9,10`,
  ]);
});
