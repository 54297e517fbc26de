import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { Inventory } from '../../src/audit.js';
import type { FunctionDescription } from '../../src/function.js';
import { COMMAND, DECODE, enableEcam, Guest, placePhysical } from './guest.js';
import { hasQemu, Machine } from './machine.js';

/** Of the physical machine and of all guests. */
const PAGE = 0xe000_0000;
const PAGE_SIZE = 4096;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];

interface Small {
  readonly name: string;
  readonly option: string;
  readonly sbdf: string;
  readonly bar: number;
  readonly offset: number;
  readonly size: number;
  /** Bytes from the start that no other function on the page has. */
  readonly mark?: readonly number[];
}

const mac = (last: number) => `52:54:00:aa:bb:${last.toString(16)}`;
const macBytes = (last: number) => [0x52, 0x54, 0x00, 0xaa, 0xbb, last];

const SMALL: readonly Small[] = [
  {
    name: 'rtl8139',
    option: `rtl8139,addr=4,romfile=,mac=${mac(0x11)}`,
    sbdf: '00:04.0',
    bar: 1,
    offset: 0x100,
    size: 0x100,
    mark: macBytes(0x11),
  },
  {
    name: 'another rtl8139',
    option: `rtl8139,addr=5,romfile=,mac=${mac(0x22)}`,
    sbdf: '00:05.0',
    bar: 1,
    offset: 0x200,
    size: 0x100,
    mark: macBytes(0x22),
  },
  {
    name: 'pcnet',
    option: `pcnet,addr=6,romfile=,mac=${mac(0x33)}`,
    sbdf: '00:06.0',
    bar: 1,
    offset: 0x20,
    size: 0x20,
    mark: macBytes(0x33),
  },
  { name: 'tulip', option: 'tulip,addr=7,romfile=', sbdf: '00:07.0', bar: 1, offset: 0x80, size: 0x80 },
  // HcRevision.
  {
    name: 'pci-ohci',
    option: 'pci-ohci,addr=8',
    sbdf: '00:08.0',
    bar: 0,
    offset: 0xf00,
    size: 0x100,
    mark: [0x10],
  },
  { name: 'sdhci-pci', option: 'sdhci-pci,addr=9', sbdf: '00:09.0', bar: 0, offset: 0x400, size: 0x100 },
  {
    name: 'pci-testdev',
    option: 'pci-testdev,addr=a,membar=16',
    sbdf: '00:0a.0',
    bar: 2,
    offset: 0x10,
    size: 0x10,
  },
  {
    name: 'another pci-testdev',
    option: 'pci-testdev,addr=b,membar=16',
    sbdf: '00:0b.0',
    bar: 2,
    offset: 0x40,
    size: 0x10,
  },
];

/** Whether an access touches a register that counts: TCTR of an rtl8139. */
const counts = (offset: number, width: Width): boolean =>
  [0x148, 0x248].some((register) => offset < register + 4 && register < offset + width);

describe.skipIf(!hasQemu)('a page that BARs of several devices of QEMU share', () => {
  let machine: Machine;
  let inventory: Inventory;
  const guests: Guest[] = [];
  beforeAll(() => {
    machine = new Machine(...SMALL.map(({ option }) => option));
    enableEcam(machine);
    inventory = new Inventory();
    for (const { sbdf, bar, offset } of SMALL) placePhysical(machine, sbdf, { [bar]: PAGE + offset });
  });
  afterAll(() => {
    for (const { errors } of guests) expect(errors).toEqual([]);
    machine?.close();
  });

  function guestOf(...functions: readonly Small[]): Guest {
    const guest = new Guest(machine, { inventory });
    guests.push(guest);
    for (const small of functions) guest.dispatcher.assign(description(guest, small));
    for (const { sbdf } of functions) guest.dispatcher.find(sbdf)!.config.write(COMMAND, 2, DECODE);
    return guest;
  }

  function description(guest: Guest, { sbdf, bar }: Small): FunctionDescription {
    const { bars, ...rest } = guest.host.describe(sbdf);
    return { ...rest, bars: bars.filter(({ index }) => index === bar), trapOnly: true };
  }

  const owner = (offset: number, among: readonly Small[]) =>
    among.find((small) => offset >= small.offset && offset < small.offset + small.size);

  /** What a guest with these functions reads: its own bytes, as the devices answer; ones. */
  function expected(guest: Guest, offset: number, width: Width, among: readonly Small[]): bigint {
    if (offset % width === 0 && owner(offset, among)) return guest.direct(PAGE + offset, width);
    let value = 0n;
    for (let index = 0; index < width; index++) {
      const own = owner(offset + index, among);
      value |= (own ? guest.direct(PAGE + offset + index, 1) : 0xffn) << BigInt(8 * index);
    }
    return value;
  }

  function expectOwn(guest: Guest, among: readonly Small[]): void {
    for (const width of WIDTHS) {
      for (let offset = 0; offset + width <= PAGE_SIZE; offset += width === 1 ? 1 : 3) {
        if (counts(offset, width)) continue;
        const value = guest.read(PAGE + offset, width);
        const wanted = expected(guest, offset, width, among);
        if (value !== wanted) expect(`${offset.toString(16)}/${width}: ${value}`).toBe(`${wanted}`);
      }
    }
  }

  it.each(SMALL)("is its own bytes, and nobody else's, to a guest with $name", (small) => {
    const guest = guestOf(small);
    expectOwn(guest, [small]);
    const { mark = [], offset } = small;
    expect(mark.map((_, index) => guest.dispatcher.read(PAGE + offset + index, 1))).toEqual(mark);
  });

  it("is not written by a guest at another one's bytes", () => {
    const [first, second] = SMALL as [Small, Small];
    const [one, other] = guests as [Guest, Guest];
    const address = (small: Small) => [0, 1, 2, 3, 4, 5].map((at) => one.direct(PAGE + small.offset + at, 1));
    const before = [first, second].map(address);
    for (const [guest, foreign] of [
      [one, second],
      [other, first],
    ] as const) {
      for (const width of WIDTHS) guest.dispatcher.write(PAGE + foreign.offset, width, 0, 0);
      // The last byte is the foreign one's first.
      guest.dispatcher.write(PAGE + foreign.offset - 1, 2, 0);
    }
    expect([first, second].map(address)).toEqual(before);
    other.dispatcher.write(PAGE + second.offset, 4, 0xddcc_bbaa);
    expect(address(first)).toEqual(before[0]);
    expect(address(second)).toEqual([0xaan, 0xbbn, 0xccn, 0xddn, ...before[1]!.slice(4)]);
  });

  it('is refused to a guest that would map it', () => {
    const [first] = SMALL as [Small];
    const guest = new Guest(machine, { inventory });
    guests[0]!.dispatcher.deassign(first.sbdf);
    expect(() => guest.dispatcher.assign({ ...description(guest, first), trapOnly: false })).toThrow(
      expect.objectContaining({ code: 'shared-page' }),
    );
  });

  it("is all of its owners' bytes to a guest with all of them", () => {
    for (const guest of guests)
      for (const { sbdf } of guest.dispatcher.functions) guest.dispatcher.deassign(sbdf);
    expectOwn(guestOf(...SMALL), SMALL);
  });
});
