import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import type { AssignedFunction } from '../../src/function.js';
import { BAR, COMMAND, enableEcam, Guest } from './guest.js';
import { hasQemu, Machine, ROM } from './machine.js';

interface Device {
  readonly name: string;
  readonly sbdf: string;
  readonly bars: readonly string[];
  /** Entries, then table and PBA as BIR and offset. */
  readonly msix?: readonly [count: number, table: string, pba: string];
  /** Where the guest puts its BARs. */
  readonly places: Readonly<Record<number, number>>;
  /** Registers with a known value, by BAR: offset, width, value. */
  readonly registers: readonly (readonly [bar: number, offset: number, width: Width, value: bigint])[];
}

const DEVICES: readonly Device[] = [
  {
    name: 'nvme',
    sbdf: '0000:00:04.0',
    bars: ['0 mem64 0x4000'],
    msix: [65, '0+0x2000', '0+0x3000'],
    places: { 0: 0x8_0000_0000 },
    // VS: 1.4. CAP: it stops, and has 2048 entries a queue.
    registers: [
      [0, 0x08, 4, 0x0001_0400n],
      [0, 0x00, 2, 0x07ffn],
    ],
  },
  {
    name: 'e1000e',
    sbdf: '0000:00:05.0',
    bars: ['0 mem32 0x20000', '1 mem32 0x20000', '2 io 0x20', '3 mem32 0x4000', '6 rom 0x800'],
    msix: [5, '3+0x0', '3+0x2000'],
    places: { 0: 0xe000_0000, 1: 0xe010_0000, 2: 0xc000, 3: 0xe020_0000 },
    // RAL0 and RAH0: the MAC address.
    registers: [
      [0, 0x5400, 4, 0x1200_5452n],
      [0, 0x5404, 4, 0x8000_5634n],
    ],
  },
  {
    name: 'virtio-net-pci',
    sbdf: '0000:00:06.0',
    bars: ['0 io 0x20', '1 mem32 0x1000', '4 mem64 0x4000'],
    msix: [4, '1+0x0', '1+0x800'],
    places: { 0: 0xc040, 1: 0xe030_0000, 4: 0x8_1000_0000 },
    // num_queues; the device configuration: the MAC address.
    registers: [
      [4, 0x12, 2, 3n],
      [4, 0x2000, 4, 0x1200_5452n],
      [4, 0x2004, 2, 0x5734n],
    ],
  },
  {
    name: 'qemu-xhci',
    sbdf: '0000:00:07.0',
    bars: ['0 mem64 0x4000'],
    msix: [16, '0+0x3000', '0+0x3800'],
    places: { 0: 0x8_2000_0000 },
    // CAPLENGTH and HCIVERSION; MAXSLOTS.
    registers: [
      [0, 0x00, 4, 0x0100_0040n],
      [0, 0x00, 1, 0x40n],
      [0, 0x04, 1, 0x40n],
    ],
  },
  {
    name: 'pci-testdev',
    sbdf: '0000:00:08.0',
    bars: ['0 mem32 0x1000', '1 io 0x100', '2 mem64 0x10'],
    places: { 0: 0xe040_0000, 1: 0xc100, 2: 0x8_3000_0000 },
    registers: [],
  },
];
const OPTIONS = [
  'nvme,addr=4,serial=trapline,drive=disk',
  'e1000e,addr=5,romfile=FOLDER/rom,mac=52:54:00:12:34:56',
  'virtio-net-pci,addr=6,romfile=,mac=52:54:00:12:34:57',
  'qemu-xhci,addr=7',
  'pci-testdev,addr=8,membar=16',
];
const WIDTHS: readonly Width[] = [1, 2, 4, 8];
const MESSAGE = 0xfee0_1000;

const place = ({ bir, offset }: { bir: number; offset: number }) => `${bir}+0x${offset.toString(16)}`;

describe.skipIf(!hasQemu)('a device of QEMU', () => {
  let machine: Machine;
  let guest: Guest;
  let fn: AssignedFunction;
  beforeAll(() => {
    machine = new Machine(...OPTIONS);
    enableEcam(machine);
    guest = new Guest(machine, { domain: 'hardware' });
  });
  afterEach(() => expect(guest.errors).toEqual([]));
  afterAll(() => machine?.close());

  describe.each(DEVICES)('$name', ({ sbdf, bars, msix, places, registers }) => {
    const physicalEntry = (index: number): bigint[] =>
      [0, 8].map((offset) => guest.direct(guest.entry(fn, index) + offset, 8));
    const EMPTY = [0n, 0x1_0000_0000n];

    it('is described', () => {
      const description = guest.host.describe(sbdf);
      expect(
        description.bars.map(({ index, type, size }) => `${index} ${type} 0x${size.toString(16)}`),
      ).toEqual(bars);
      const layout = description.msix;
      expect(layout && [layout.count, place(layout.table), place(layout.pba)]).toEqual(msix);
      fn = guest.dispatcher.assign(description);
    });

    it('has its own configuration space, byte for byte', () => {
      const offsets = Array.from({ length: fn.config.size }, (_, offset) => offset);
      const physical = offsets.map((offset) => guest.directConfig(sbdf, offset, 1));
      expect(offsets.map((offset) => fn.config.read(offset, 1))).toEqual(physical);
      expect(new Set(physical).size).toBeGreaterThan(5);
    });

    it('has BARs that a guest sizes and moves, and the physical ones with them', () => {
      const registersOf = (read: (register: number) => number) =>
        [0, 1, 2, 3, 4, 5].map((index) => read(BAR(index)));
      const guests = () => registersOf((register) => fn.config.read(register, 4));
      const physical = () => registersOf((register) => guest.directConfig(sbdf, register, 4));
      for (const { index, type, size } of fn.bars.filter((bar) => bar.type !== 'rom')) {
        fn.config.write(BAR(index), 4, 0xffff_ffff);
        const mask = type === 'io' ? 3 : 15;
        expect(-(fn.config.read(BAR(index), 4) & ~mask) >>> 0).toBe(size);
      }
      expect(physical()).toEqual(guests());
      for (const { index, type } of fn.bars) {
        if (type !== 'mem64') continue;
        fn.config.write(BAR(index + 1), 4, 0xffff_ffff);
        expect(fn.config.read(BAR(index + 1), 4)).toBe(0xffff_ffff);
        expect(guest.directConfig(sbdf, BAR(index + 1), 4)).toBe(0xffff_ffff);
      }
      guest.place(fn, places);
      expect(physical()).toEqual(guests());
      expect(guest.directConfig(sbdf, COMMAND, 2) & 7).toBe(7);
      expect(Object.fromEntries(fn.bars.map(({ index, hostAddress }) => [index, hostAddress]))).toMatchObject(
        places,
      );
    });

    it.each(registers)('has its register in BAR %i at %i, %i bytes', (bar, offset, width, value) => {
      expect(guest.read(places[bar]! + offset, width)).toBe(value);
      expect(guest.direct(places[bar]! + offset, width)).toBe(value);
    });

    if (!msix) return;
    const [count] = msix;
    const vectors = Array.from({ length: count }, (_, index) => index);
    const armed = [0, count - 1];

    it('has a table that the guest writes, the physical one untouched', () => {
      for (const index of vectors)
        guest.writeEntry(fn, index, MESSAGE + 2 ** 32 * index, 0x40 + index, !armed.includes(index));
      for (const index of vectors) {
        const entry = guest.entry(fn, index);
        const masked = armed.includes(index) ? 0n : 0x1_0000_0000n;
        expect([guest.read(entry, 8), guest.read(entry + 8, 8)]).toEqual([
          BigInt(MESSAGE) + (BigInt(index) << 32n),
          BigInt(0x40 + index) | masked,
        ]);
        expect(physicalEntry(index)).toEqual(EMPTY);
      }
    });

    it('has no table entry by other widths', () => {
      const entry = guest.entry(fn, 0);
      for (const [offset, width] of [
        [0, 1],
        [0, 2],
        [4, 2],
      ] as const) {
        expect(guest.read(entry + offset, width)).toBe(2n ** BigInt(8 * width) - 1n);
        guest.dispatcher.write(entry + offset, width, 0);
      }
      expect(guest.read(entry, 4)).toBe(BigInt(MESSAGE));
    });

    it('has the armed entries alone in the physical table, to the mailbox', () => {
      fn.config.write(fn.msix!.capability! + 2, 2, 0x8000);
      expect(guest.directConfig(sbdf, fn.msix!.capability! + 2, 2)).toBe(0x8000 | (count - 1));
      const programmed = vectors.filter((index) => physicalEntry(index).join() !== EMPTY.join());
      expect(programmed).toEqual(armed);
      for (const index of armed) expect(physicalEntry(index)[1]).toBe(1n);
      expect(new Set(armed.map((index) => physicalEntry(index)[0])).size).toBe(armed.length);
      guest.mask(fn, 0, true);
      expect(physicalEntry(0)[1]! >> 32n).toBe(1n);
      guest.mask(fn, 0, false);
      fn.config.write(fn.msix!.capability! + 2, 2, 0);
      for (const index of armed) expect(physicalEntry(index)[1]! >> 32n).toBe(1n);
    });

    it('has the physical PBA', () => {
      const words = Array.from({ length: Math.ceil(count / 64) }, (_, index) => guest.pba(fn) + 8 * index);
      guest.expectSame(words, [4, 8]);
      for (const word of words) {
        expect(guest.dispatcher.locate(word)?.owner).toBe('pba');
        expect(guest.read(word, 2)).toBe(0xffffn);
      }
    });

    it('has what is beside table and PBA on their pages, at every width and alignment', () => {
      const table = guest.entry(fn, 0);
      const pages = new Set([table, guest.pba(fn)].map((at) => at - (at % 4096)));
      const free = (address: number) => guest.dispatcher.locate(address)?.owner === 'adjacent';
      for (const page of pages) {
        const cells = Array.from({ length: 512 }, (_, cell) => page + 8 * cell).filter(free);
        expect(cells.length).toBeGreaterThan(100);
        guest.expectSame(cells, [8]);
        const some = cells.filter((_, index) => index % 32 === 0);
        for (const width of WIDTHS) {
          for (let offset = 0; offset + width <= 8; offset++)
            guest.expectSame(
              some.map((cell) => cell + offset),
              [width],
            );
        }
      }
    });
  });

  it('pci-testdev is written and read with 1 byte: the name of its test', () => {
    const start = DEVICES[4]!.places[0]!;
    guest.dispatcher.write(start, 1, 0);
    const name = Array.from({ length: 15 }, (_, index) => guest.dispatcher.read(start + 16 + index, 1));
    expect(String.fromCharCode(...name)).toBe('mmio-no-eventfd');
  });

  it("answers e1000e's ROM, read once through its own decoder", () => {
    const { config } = guest.dispatcher.find('0000:00:05.0')!;
    const [at, register] = [0xe050_0800, 0x30];
    config.write(register, 4, 0xffff_f800);
    expect([config.read(register, 4), guest.directConfig('00:05.0', register, 4)]).toEqual([
      0xffff_f800, 0xffff_f800,
    ]);
    config.write(register, 4, at | 1);
    const read = () => Array.from({ length: 0x800 }, (_, offset) => guest.dispatcher.read(at + offset, 1));
    const wanted = [...ROM, ...new Array<number>(0x800 - ROM.length).fill(0xff)];
    expect(read()).toEqual(wanted);
    // Nothing decodes there now.
    expect([guest.directConfig('00:05.0', register, 4), guest.direct(at, 2)]).toEqual([at, 0n]);
    config.write(register, 4, 0);
    expect(guest.dispatcher.read(at, 1)).toBe(-1);
  });

  it('is reset by device control', () => {
    const nvme = guest.dispatcher.find('0000:00:04.0')!;
    const start = guest.bar(nvme, 0);
    const CC = 0x14;
    guest.dispatcher.write(start + CC, 4, 0x0046_0000);
    expect(guest.direct(start + CC, 4)).toBe(0x0046_0000n);
    nvme.config.write(0x80 + 8, 2, 0x8000);
    expect([nvme.decoding, guest.bar(nvme, 0)]).toEqual([false, 0]);
    guest.place(nvme, { 0: start });
    expect(guest.direct(start + CC, 4)).toBe(0n);
  });

  it('says that it was not reset where it cannot', () => {
    expect(guest.dispatcher.find('0000:00:08.0')!.reset()).toBe(false);
  });

  it('tells of a function that is not there', () => {
    expect(() => guest.host.describe('00:1e.0')).toThrow('describe: there is no function 0000:00:1e.0');
  });
});
