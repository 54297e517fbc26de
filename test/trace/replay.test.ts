import { beforeEach, describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { KINDS, type Kind } from '../../src/trace/function-counts.js';
import { Replay } from '../../src/trace/replay.js';
import type { ReplayedBar, ReplayedFunction } from '../../src/trace/replayed-function.js';

const NIC = 0x0100;
const NEIGHBOUR = 0x0108;
const PLAIN = 0x0110;

const BAR = 0xfe000000;
const TABLE = BAR + 0x1000;
const PBA = BAR + 0x1800;
/** Entries 0 to 2 are the table: 0x30 bytes. */
const TABLE_END = TABLE + 0x30;
const SMALL = 0xfe010000;

const bar = (index: number, size: number): ReplayedBar => ({ index, type: 'mem32', size });
const msix = { count: 3, table: { bir: 0, offset: 0x1000 }, pba: { bir: 0, offset: 0x1800 } };

let replay: Replay;
let nic: ReplayedFunction;
let neighbour: ReplayedFunction;

function machine(policy = policies.strict): void {
  replay = new Replay(policy);
  nic = replay.add(NIC, 'nic', [bar(0, 0x4000)], msix);
  neighbour = replay.add(NEIGHBOUR, 'small', [bar(0, 0x100), bar(1, 0x40)], undefined);
  replay.place(nic, new Map([[0, BAR]]));
  replay.place(
    neighbour,
    new Map([
      [0, SMALL],
      [1, SMALL + 0x800],
    ]),
  );
  nic.trapped.writeMessageControl(0x8000);
}
beforeEach(() => machine());

const read = (address: number, width: Width, low: number, high = 0) =>
  replay.access(false, width, address, low, high, 0);
const write = (address: number, width: Width, low: number, high = 0) =>
  replay.access(true, width, address, low, high, 0);

/** `table R` and the like, of the accesses so far. */
function counts(): string[] {
  return replay.functions.flatMap((fn) =>
    KINDS.flatMap((kind) => [
      ...Array<string>(fn.counts.reads(kind)).fill(`${fn.name} ${kind} R`),
      ...Array<string>(fn.counts.writes(kind)).fill(`${fn.name} ${kind} W`),
    ]),
  );
}

describe('an access counts once, at the function that owns its first byte', () => {
  it.each<[string, number, Width, string[]]>([
    ['the table', TABLE, 4, ['nic table R']],
    ["the table's last bytes", TABLE_END - 8, 8, ['nic table R']],
    ['the PBA', PBA, 8, ['nic pba R']],
    ['beside the table', TABLE_END, 4, ['nic adjacent R']],
    ['behind the PBA', PBA + 8, 1, ['nic adjacent R']],
    ['table and beside it', TABLE_END - 2, 4, ['nic straddle R']],
    ['beside the PBA and the PBA', PBA - 1, 2, ['nic straddle R']],
    ['a page before the table', BAR + 0xffc, 4, ['nic direct R']],
    ['from that page into the table', BAR + 0xffe, 4, ['nic straddle R']],
    ['a page that two BARs share', SMALL, 4, ['small neighbour R']],
    ["the second BAR's part", SMALL + 0x83c, 4, ['small neighbour R']],
    ['past the end of a BAR', SMALL + 0xff, 2, ['small neighbour R']],
    ["between the page's BARs", SMALL + 0x100, 4, []],
    ['nowhere', 0x1000, 4, []],
  ])('%s', (_, address, width, expected) => {
    read(address, width, 0);
    expect(counts()).toEqual(expected);
    expect(replay.accesses).toBe(1);
    expect(replay.unclaimedReads).toBe(expected.length === 0 ? 1 : 0);
  });

  it('of two that fill a page which needs no trap', () => {
    machine(policies.xen);
    const halves = ['low', 'high'].map((name, index) =>
      replay.add(PLAIN + index, name, [bar(0, 0x800)], undefined),
    );
    for (const [index, fn] of halves.entries()) {
      replay.place(fn, new Map([[0, 0xfe020000 + 0x800 * index]]));
    }
    read(0xfe0207ff, 1, 0);
    read(0xfe020800, 1, 0);
    read(0xfe020fff, 1, 0);
    expect(counts()).toEqual(['low direct R', 'high direct R', 'high direct R']);
  });

  it('a BAR alone on its page needs no trap', () => {
    replay.place(neighbour, new Map([[0, SMALL]]));
    read(SMALL, 4, 7);
    expect(counts()).toEqual(['small direct R']);
  });

  it('is unclaimed while the BAR is not decoded, and moves with it', () => {
    replay.place(nic, new Map());
    write(TABLE, 4, 1);
    replay.place(nic, new Map([[0, BAR + 0x100000]]));
    write(TABLE + 0x100000, 4, 1);
    expect(counts()).toEqual(['nic table W']);
    expect(replay.unclaimedWrites).toBe(1);
  });

  it('by width, and whether it is aligned', () => {
    read(BAR, 4, 0);
    read(BAR + 2, 4, 0);
    read(BAR + 4, 8, 0);
    expect(nic.counts.count('direct', false, 4)).toBe(2);
    expect(nic.counts.count('direct', false, 8)).toBe(1);
    expect(nic.counts.unaligned('direct')).toBe(2);
  });
});

describe('answers', () => {
  it('of everything beside table and PBA are the recorded ones', () => {
    for (const address of [TABLE_END, PBA + 8, SMALL, SMALL + 0x800, BAR]) {
      for (const width of [1, 2, 4, 8] as const) read(address, width, 0xa5, width === 8 ? 0x12345678 : 0);
    }
    read(TABLE_END + 1, 8, 0x89abcdef, 0x01234567);
    read(SMALL + 3, 2, 0xbeef);
    read(PBA, 8, 0x5, 0x6);
    expect(replay.differenceCount).toBe(0);
  });

  it('of the table are what was written, and masked at first', () => {
    read(TABLE + 0x1c, 4, 1);
    write(TABLE + 0x10, 8, 0xfee01004, 0);
    write(TABLE + 0x18, 4, 0x4021);
    write(TABLE + 0x1c, 4, 0);
    read(TABLE + 0x10, 8, 0xfee01004, 0);
    read(TABLE + 0x18, 4, 0x4021);
    expect(replay.differenceCount).toBe(0);
    expect(nic.armed).toBe(1);
  });

  it.each<[string, number, Width, number, number, Kind, string]>([
    ['a byte of the table, refused', TABLE, 1, 0, 0, 'table', 'width'],
    ['an unaligned one', TABLE + 2, 4, 0, 0, 'table', 'width'],
    ['unaligned bytes of the PBA', PBA + 2, 4, 0, 0, 'pba', 'width'],
    ['half of the bytes refused', TABLE_END - 4, 8, 1, 0x77, 'straddle', 'width'],
    ['bytes past the end of a BAR', SMALL + 0x83e, 4, 0x1234, 0, 'neighbour', 'width'],
    ['an address nobody wrote', TABLE, 4, 0xfee00000, 0, 'table', 'unexplained'],
    ['data in the upper half of eight', TABLE + 8, 8, 0, 0, 'table', 'unexplained'],
  ])('that differ: %s', (_, address, width, low, high, kind, reason) => {
    replay.line = 12;
    read(address, width, low, high);
    expect(replay.differences).toMatchObject([{ line: 12, address, width, kind, reason }]);
    expect(replay.reasons).toEqual({ width: 0, reset: 0, unexplained: 0, [reason]: 1 });
  });

  it('that are refused although some recorded bytes are ones', () => {
    read(TABLE, 2, 0xff);
    read(TABLE, 2, 0xffff);
    expect(replay.reasons).toEqual({ width: 1, reset: 0, unexplained: 0 });
  });

  it('follow the policy', () => {
    machine(policies.xenV3);
    // Xen's patch splits an unaligned access to the PBA, and drops one across owners.
    read(PBA + 2, 4, 0x1234);
    expect(replay.differenceCount).toBe(0);
    read(TABLE_END - 4, 8, 1, 0x77);
    expect(replay.reasons).toEqual({ width: 1, reset: 0, unexplained: 0 });
  });
});

describe('a reset', () => {
  beforeEach(() => {
    write(TABLE, 4, 0xfee01004);
    write(TABLE + 8, 4, 0x21);
    write(TABLE + 0xc, 4, 0);
  });

  it('that the trace shows makes no difference', () => {
    replay.reset(nic);
    read(TABLE, 4, 0);
    read(TABLE + 0xc, 4, 1);
    expect(replay.differenceCount).toBe(0);
    expect(counts()).toHaveLength(5);
  });

  it('that may have been is told by the next read, once', () => {
    replay.mayHaveReset(nic);
    write(TABLE + 0x10, 4, 0x5000);
    read(TABLE, 4, 0);
    read(TABLE + 8, 4, 0);
    read(TABLE + 0xc, 4, 1);
    read(TABLE + 0x10, 4, 0x5000);
    expect(replay.reasons).toEqual({ width: 0, reset: 1, unexplained: 0 });
    read(TABLE, 4, 0xfee01004);
    expect(replay.reasons.unexplained).toBe(1);
  });

  it('that may have been and was not leaves the table', () => {
    replay.mayHaveReset(nic);
    read(TABLE, 4, 0xfee01004);
    read(TABLE + 8, 8, 0x21, 0);
    expect(replay.differenceCount).toBe(0);
  });

  it.each<[string, () => void]>([
    ['without anything that resets', () => read(TABLE, 4, 0)],
    [
      'bytes written since',
      () => {
        replay.mayHaveReset(nic);
        write(TABLE, 8, 0xfee02004, 0);
        read(TABLE, 4, 0);
      },
    ],
    [
      'a value that no reset leaves',
      () => {
        replay.mayHaveReset(nic);
        read(TABLE + 8, 4, 0x22);
      },
    ],
    [
      'of another function',
      () => {
        replay.mayHaveReset(neighbour);
        read(TABLE, 4, 0);
      },
    ],
    [
      'half of eight bytes that no reset leaves',
      () => {
        replay.mayHaveReset(nic);
        read(TABLE + 8, 8, 0, 2);
      },
    ],
  ])('excuses nothing: %s', (_, run) => {
    run();
    expect(replay.reasons).toEqual({ width: 0, reset: 0, unexplained: 1 });
  });
});

describe('functions that overlap', () => {
  it('the second waits until the first has gone', () => {
    const late = replay.add(PLAIN, 'late', [bar(0, 0x4000)], undefined);
    expect(replay.place(late, new Map([[0, BAR]]))).toBe(false);
    read(BAR, 4, 0);
    replay.place(nic, new Map());
    read(BAR, 4, 0);
    expect(counts()).toEqual(['nic direct R', 'late direct R']);
  });
});

describe('an MSI-X layout that the policy refuses', () => {
  it('is left out', () => {
    const fn = replay.add(PLAIN, 'odd', [bar(0, 0x1000)], msix);
    expect(fn.msix).toBeUndefined();
    expect(fn.refusal).toMatch(/outside BAR 0/);
  });
});

describe('heat of the trapped pages', () => {
  it('by byte, and with the BAR when it moves', () => {
    write(TABLE, 4, 1);
    read(TABLE_END - 4, 8, 0);
    replay.place(nic, new Map([[0, BAR + 0x100000]]));
    write(TABLE + 0x100000, 4, 1);
    const pages = replay.trappedPages();
    expect(pages.map(({ owners }) => owners.address)).toEqual([TABLE + 0x100000, SMALL]);
    expect([...pages[0].writes.subarray(0, 5)]).toEqual([2, 2, 2, 2, 0]);
    expect([...pages[0].reads.subarray(0x2a, 0x36)]).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  });
});

describe('a ROM', () => {
  const ROM = 0xfd00_0000;

  it.each([
    [policies.strict, 'rom'],
    [policies.xen, 'direct'],
  ])(
    'is counted under $name as %s, and not compared: a trace does not tell what it holds',
    (policy, kind) => {
      machine(policy);
      const rom: ReplayedBar = { index: 6, type: 'rom', size: 0x1000 };
      replay.place(replay.add(0x400, 'boot', [rom], undefined), new Map([[6, ROM]]));
      read(ROM, 2, 0xaa55);
      read(ROM + 0x18, 4, 0x1c);
      write(ROM, 4, 0);
      expect(counts()).toEqual([`boot ${kind} R`, `boot ${kind} R`, `boot ${kind} W`]);
      expect([replay.differenceCount, replay.unclaimedReads]).toEqual([0, 0]);
    },
  );
});

it('a function that is there already is refused', () => {
  machine();
  const bars: ReplayedBar[] = [{ index: 0, type: 'mem32', size: 0x1000 }];
  replay.add(0x400, 'once', bars, undefined);
  expect(() => replay.add(0x400, 'twice', bars, undefined)).toThrow(
    expect.objectContaining({ code: 'duplicate-function' }),
  );
});

it('what is no fault of a region is not taken for one', () => {
  machine();
  const fn = replay.add(0x400, 'broken', [], undefined);
  fn.placeRegion = () => {
    throw new RangeError('mine');
  };
  expect(() => replay.placeRegion(fn, 0x80000000, 0x1000)).toThrow(RangeError);
});
