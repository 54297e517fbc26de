import { describe, expect, test } from 'vitest';
import { findings } from '../../src/audit/findings.js';
import type { InventoryBar, InventoryInterrupt, Machine } from '../../src/inventory/machine.js';
import { formatSbdf, parseSbdf } from '../../src/sbdf.js';
import { bar, example1, example2, fn, machine, msix, wide } from './machines.js';

/** `F3 high 0000:01:00.0 0000:01:01.0` of each finding but those of larger pages. */
const told = (subject: Machine, pageSize = 4096) =>
  findings(subject, pageSize)
    .filter(({ code }) => code !== 'F10')
    .map(({ code, severity, functions }) => [code, severity, ...functions.map(formatSbdf)].join(' '));

const of = (code: string, subject: Machine, pageSize = 4096) =>
  findings(subject, pageSize).filter((finding) => finding.code === code);

const whats = (code: string, subject: Machine) => of(code, subject).map(({ what }) => what);

describe('the two machines of the small BARs thread', () => {
  test('example 1: three BARs on one page, and a PBA over its table', () => {
    expect(told(example1)).toEqual([
      'F1 warning 0000:01:00.0',
      'F1 warning 0000:01:00.0',
      'F2 warning 0000:01:00.0',
      'F4 warning 0000:01:00.0',
      'F4 info 0000:01:00.0',
      'F5 warning 0000:01:00.0',
    ]);
    expect(whats('F1', example1)).toEqual([
      '0000:01:00.0 BAR 1 begins 0x400 into its page',
      '0000:01:00.0 BAR 0 begins 0x600 into its page',
    ]);
    expect(of('F2', example1)[0]).toMatchObject({
      what: '0000:01:00.0: BAR 2, BAR 1, BAR 0 share page 0xd1924000-0xd1924fff',
      pages: [{ start: 0xd1924000, end: 0xd1925000 }],
      ranges: [
        { start: 0xd1924000, end: 0xd1924400, owner: '0000:01:00.0 BAR 2' },
        { start: 0xd1924400, end: 0xd1924600, owner: '0000:01:00.0 BAR 1' },
        { start: 0xd1924600, end: 0xd1924700, owner: '0000:01:00.0 BAR 0' },
      ],
    });
    expect(of('F5', example1)[0]).toMatchObject({
      what: '0000:01:00.0: the MSI-X table and PBA overlap',
      ranges: [
        { start: 0xd1924680, end: 0xd19246a0, owner: '0000:01:00.0 MSI-X table' },
        { start: 0xd1924690, end: 0xd1924698, owner: '0000:01:00.0 MSI-X PBA' },
      ],
    });
  });

  test('example 2: three functions on one page, a fourth that ends where it begins', () => {
    expect(told(example2)).toEqual([
      'F1 warning 0000:01:01.0',
      'F1 warning 0000:01:02.0',
      'F3 high 0000:01:00.0 0000:01:01.0 0000:01:02.0',
    ]);
    expect(of('F3', example2)[0]).toMatchObject({
      pages: [{ start: 0x7050000000, end: 0x7050001000 }],
      ranges: [
        { start: 0x7050000000, end: 0x7050000020 },
        { start: 0x7050000020, end: 0x7050000040 },
        { start: 0x7050000040, end: 0x7050000060 },
      ],
      source: 'XSA-461, CVE-2024-31146',
    });
  });

  test('example 2 on a host with pages of 64 KiB: the registers of all four too', () => {
    const pages = of('F3', example2, 65536).flatMap((finding) => finding.pages);
    expect(pages).toEqual([
      { start: 0xfe800000, end: 0xfe810000 },
      { start: 0x7050000000, end: 0x7050010000 },
    ]);
  });
});

describe('F3: pages of several functions', () => {
  const two = (first: InventoryBar, second: InventoryBar) =>
    told(machine([fn('01:00.0', [first]), fn('02:00.0', [second])])).filter((text) => /^F3/.test(text))
      .length;

  test.each([
    [16, 0x80000ff0, 1],
    [16, 0x80001000, 0],
    [4096, 0x80001000, 0],
    [2048, 0x80000800, 1],
  ])('a BAR of %i bytes at 0x%x shares the page at 0x80000000: %i', (size, address, count) => {
    expect(two(bar(0, 0x80000000, 16), bar(0, address, size))).toBe(count);
  });

  test('the last page of a size that is no power of two', () => {
    expect(two(bar(0, 0x80000000, 0x1800), bar(0, 0x80001800, 0x800))).toBe(1);
    expect(two(bar(0, 0x80000000, 0x1800), bar(0, 0x80002000, 0x800))).toBe(0);
  });

  test('BARs over one another', () => {
    expect(two(bar(0, 0x80000000, 0x4000), bar(0, 0x80002000, 0x1000))).toBe(1);
  });

  test('an I/O BAR shares no memory, nor does one without an address', () => {
    expect(two(bar(0, 0xc000, 256), bar(0, 0xc000, 256, { type: 'io' }))).toBe(0);
    expect(two(bar(0, 0xc000, 256), bar(0, undefined, 256))).toBe(0);
  });

  test('one whose size is not shown has its first bytes at least', () => {
    expect(two(bar(0, 0x80000000, 16), bar(0, 0x80000010, undefined))).toBe(1);
  });

  test('that is 16 bytes of a BAR and 2 KiB of a ROM', () => {
    const subject = machine([
      fn('01:00.0', [bar(0, 0x80000000, undefined)]),
      fn('02:00.0', [bar(6, 0x80000800, undefined)]),
    ]);
    expect(of('F3', subject)[0].ranges).toMatchObject([
      { start: 0x80000000, end: 0x80000010 },
      { start: 0x80000800, end: 0x80001000 },
    ]);
  });

  test('three functions on a page are one finding', () => {
    const functions = ['01:00.0', '01:00.1', '01:00.2'].map((sbdf, index) =>
      fn(sbdf, [bar(0, 0x80000000 + 256 * index, 256)]),
    );
    expect(of('F3', machine(functions))).toHaveLength(1);
  });

  test('a bridge is a function too', () => {
    const bridge = { secondary: 2, subordinate: 2, windows: [] };
    const root = fn('00:01.0', [bar(0, 0x80000000, 256)], { bridge });
    expect(of('F3', machine([root, fn('00:02.0', [bar(0, 0x80000100, 256)])]))).toHaveLength(1);
  });
});

describe('virtual functions', () => {
  const physical = (enabled: boolean, sliceSize: number | undefined, systemPageSize: number) =>
    machine([
      fn('01:00.0', [], {
        sriov: {
          enabled,
          numVfs: enabled ? 2 : 0,
          totalVfs: 4,
          offset: 0x80,
          stride: 2,
          systemPageSize,
          supportedPageSizes: [4096, 65536],
          bars: [bar(0, 0x90000000, sliceSize, { type: 'mem64' })],
        },
      }),
    ]);

  test('slices of a System Page Size of 4 KiB share the pages of a host with 64 KiB', () => {
    const [shared] = of('F3', physical(true, 4096, 4096), 65536);
    expect(shared.functions.map(formatSbdf)).toEqual([
      '0000:01:10.0',
      '0000:01:10.2',
      '0000:01:10.4',
      '0000:01:10.6',
    ]);
    expect(shared.severity).toBe('high');
    expect(shared.remedy).toMatch('set System Page Size of 0000:01:00.0 to 64 KiB');
  });

  test('no page of 4 KiB, and none where System Page Size is that of the host', () => {
    expect(of('F3', physical(true, 4096, 4096), 4096)).toEqual([]);
    expect(of('F3', physical(true, undefined, 65536), 65536)).toEqual([]);
  });

  test('a VF BAR without an address, or of I/O ports, has no slices', () => {
    const [one] = physical(true, 4096, 4096).functions;
    const withBar = (more: Partial<InventoryBar>) => {
      const sriov = one.sriov && { ...one.sriov, bars: one.sriov.bars.map((old) => ({ ...old, ...more })) };
      return of('F3', machine([{ ...one, sriov }]), 65536);
    };
    expect(withBar({ address: undefined })).toEqual([]);
    expect(withBar({ type: 'io' })).toEqual([]);
    expect(withBar({})).toHaveLength(1);
  });

  test('while they are not enabled it is for information', () => {
    expect(of('F3', physical(false, 4096, 4096), 65536)[0].severity).toBe('info');
  });

  test('a page size that the function does not support is not proposed', () => {
    expect(of('F3', physical(true, 4096, 4096), 16384)[0].remedy).toMatch('does not support');
  });

  test('those that are listed share nothing with themselves', () => {
    const { functions } = physical(true, 65536, 4096);
    const listed = [0, 1, 2, 3].map((index) =>
      fn(`01:10.${2 * index}`, [bar(0, 0x90000000 + index * 65536, 65536, { virtual: true })]),
    );
    expect(of('F3', machine([...functions, ...listed]), 65536)).toEqual([]);
  });

  test('those that are listed count once, as their own BARs', () => {
    const { functions } = physical(true, 4096, 4096);
    const listed = fn('01:10.0', [bar(0, 0x90000000, 4096, { virtual: true })]);
    const [shared] = of('F3', machine([...functions, listed]), 65536);
    expect(shared.ranges).toHaveLength(4);
    expect(shared.ranges[0].owner).toBe('0000:01:10.0 BAR 0');
  });
});

describe('F4 and F5: MSI-X', () => {
  const withMsix = (layout: ReturnType<typeof msix>, ...bars: InventoryBar[]) =>
    machine([fn('01:00.0', bars.length > 0 ? bars : [bar(0, 0x80000000, 0x4000)], { msix: layout })]);

  test('a page of their own is no finding', () => {
    expect(
      told(withMsix(msix(256, [0, 0], [0, 0x1000]), bar(0, 0x80000000, 0x1000), bar(1, 0x80001000, 0x1000))),
    ).toEqual(['F5 warning 0000:01:00.0']);
    expect(
      told(withMsix(msix(256, [0, 0], [1, 0]), bar(0, 0x80000000, 0x1000), bar(1, 0x80001000, 0x1000))),
    ).toEqual(['F4 info 0000:01:00.0']);
    expect(told(withMsix(msix(256, [0, 0x1000], [0, 0x2000])))).toEqual(['F4 info 0000:01:00.0']);
  });

  test('other bytes of the same BAR are told exactly', () => {
    const [finding] = of('F4', withMsix(msix(2, [0, 0x2000], [0, 0x2800])));
    expect(finding.ranges.slice(2)).toEqual([
      { start: 0x80002020, end: 0x80002800, owner: '0000:01:00.0 BAR 0, other bytes' },
      { start: 0x80002808, end: 0x80003000, owner: '0000:01:00.0 BAR 0, other bytes' },
    ]);
    expect(finding.pages).toEqual([{ start: 0x80002000, end: 0x80003000 }]);
  });

  test('another function on a page of the structures is worse than F3 alone, on another page of the BAR not', () => {
    const neighbour = (address: number) =>
      machine([
        fn('01:00.0', [bar(0, 0x80000000, 0x1800)], { msix: msix(2, [0, 0x1000], [0, 0x1080]) }),
        fn('02:00.0', [bar(0, address, 0x100)]),
      ]);
    expect(told(neighbour(0x80001800))).toContain('F4 high 0000:01:00.0 0000:02:00.0');
    const head = machine([
      fn('01:00.0', [bar(0, 0x80000800, 0x2800)], { msix: msix(2, [0, 0x1000], [0, 0x1080]) }),
      fn('02:00.0', [bar(0, 0x80000000, 0x100)]),
    ]);
    expect(told(head)).toContain('F3 high 0000:01:00.0 0000:02:00.0');
    expect(told(head)).not.toContain('F4 high 0000:01:00.0 0000:02:00.0');
  });

  test('only functions on those pages are named, not others on the BAR’s', () => {
    const subject = machine([
      fn('01:00.0', [bar(0, 0x80000800, 0x2000)], { msix: msix(2, [0, 0x1800], [0, 0x1880]) }),
      fn('02:00.0', [bar(0, 0x80000000, 0x100)]),
      fn('03:00.0', [bar(0, 0x80002800, 0x100)]),
    ]);
    expect(told(subject)).toContain('F4 high 0000:01:00.0 0000:03:00.0');
  });

  test.each([
    ['BIR 6 of the MSI-X table is reserved', msix(1, [6, 0], [0, 0x800])],
    ['BIR 7 of the MSI-X PBA is reserved', msix(1, [0, 0], [7, 0])],
    ['BIR 3 of the MSI-X table names no BAR', msix(1, [3, 0], [0, 0x800])],
    ['BIR 2 of the MSI-X table names an I/O BAR', msix(1, [2, 0], [0, 0x800])],
    ['BIR 5 of the MSI-X PBA names the upper half of BAR 4', msix(1, [0, 0], [5, 0])],
    ['the MSI-X table ends 0x10 bytes past BAR 0', msix(2, [0, 0x3ff0], [0, 0])],
    ['the MSI-X PBA ends 0x8 bytes past BAR 0', msix(65, [0, 0], [0, 0x3ff8])],
    ['the MSI-X table and PBA overlap', msix(3, [0, 0x100], [0, 0x128])],
  ])('%s', (fault, layout) => {
    const bars = [
      bar(0, 0x80000000, 0x4000),
      bar(2, 0xc000, 32, { type: 'io' }),
      bar(4, 0x90000000, 0x1000, wide),
    ];
    expect(whats('F5', withMsix(layout, ...bars))).toEqual([`0000:01:00.0: ${fault}`]);
  });

  test('a table that ends with its BAR, and a PBA right behind it, are no faults', () => {
    expect(whats('F5', withMsix(msix(2, [0, 0x3fe0], [0, 0])))).toEqual([]);
    expect(whats('F5', withMsix(msix(2, [0, 0x100], [0, 0x120])))).toEqual([]);
  });

  test('where the size of the BAR is not shown nothing is past its end', () => {
    expect(whats('F5', withMsix(msix(2, [0, 0x8000], [0, 0x9000]), bar(0, 0x80000000, undefined)))).toEqual(
      [],
    );
  });
});

describe('F6: what BARs cannot be', () => {
  test.each([
    [0x80000000, 0x3000, '0000:01:00.0 BAR 0 has 0x3000 bytes, which is no power of two'],
    [0x80001000, 0x2000, '0000:01:00.0 BAR 0 at 0x80001000 is not at a multiple of its size 0x2000'],
  ])('at 0x%x of 0x%x bytes', (address, size, what) => {
    expect(whats('F6', machine([fn('01:00.0', [bar(0, address, size)])]))).toEqual([what]);
  });

  test('Enhanced Allocation may do that', () => {
    const capabilities = { functionLevelReset: false, noSoftReset: false, enhancedAllocation: 0x40 };
    const subject = machine([fn('01:00.0', [bar(0, 0x80000000, 0x3000)], { capabilities })]);
    expect(of('F6', subject)[0].severity).toBe('info');
  });
});

describe('F7: what is no PCI function', () => {
  const near = (start: number, end: number, name: string) => {
    const memory = [
      { start: 0x80000000, end: 0x90000000, name: 'PCI Bus 0000:00', depth: 0 },
      { start: 0x80000000, end: 0x80000100, name: '0000:00:01.0', depth: 1 },
      { start: 0x80000000, end: 0x80000100, name: 'a driver', depth: 2 },
      { start, end, name, depth: 1 },
    ];
    return whats('F7', machine([fn('00:01.0', [bar(0, 0x80000000, 0x100)])], { memory }));
  };

  test.each([
    ['HPET 0', 0x80000400, 0x80000800],
    ['pnp 00:04', 0x80000f00, 0x80001000],
    ['Graphics Stolen Memory', 0x7ff00000, 0x80000800],
    ['Reserved', 0x80000800, 0x80001800],
  ])('%s on its page', (name, start, end) => {
    expect(near(start, end, name)).toEqual([`0000:00:01.0 BAR 0 shares a page with ${name}`]);
  });

  test('its own line, its driver and its bus are none, nor is what begins on the next page', () => {
    expect(near(0x80001000, 0x80002000, 'HPET 0')).toEqual([]);
  });

  test('firmware that reserves all around it says nothing', () => {
    expect(near(0x80000000, 0x88000000, 'Reserved')).toEqual([]);
  });
});

describe('F8: interrupt lines', () => {
  const line = (more: Partial<InventoryInterrupt> = {}) => ({
    interrupt: { pin: 1, irq: 16, intxDisabled: false, msiEnabled: false, ...more },
  });
  const told = (...interrupts: Partial<InventoryInterrupt>[]) =>
    of('F8', machine(interrupts.map((more, index) => fn(`01:0${index}.0`, [], line(more))))).map(
      ({ severity, what }) => `${severity}: ${what}`,
    );

  test('two functions on one line', () => {
    expect(told({}, {})).toEqual([
      'warning: 0000:01:00.0, 0000:01:01.0 share the interrupt line IRQ 16; 2 of them use it',
    ]);
  });

  test.each([[{ intxDisabled: true }], [{ msiEnabled: true }]])('one of two does not use it: %j', (more) => {
    expect(told({}, more)[0]).toMatch(/^info: .* 1 of them use it$/);
  });

  test('another line, or no pin, is none', () => {
    expect(told({}, { irq: 17 })).toEqual([]);
    expect(told({}, { pin: 0 })).toEqual([]);
    expect(told({}, { irq: undefined })).toEqual([]);
  });
});

describe('F9: BARs that are nowhere, or off', () => {
  test('one without an address, and one that is disabled', () => {
    const subject = machine([
      fn('01:00.0', [
        bar(0, undefined, 4096),
        bar(2, undefined, 4096),
        bar(6, 0x80000000, 65536, { disabled: true }),
      ]),
    ]);
    expect(told(subject)).toEqual(['F9 warning 0000:01:00.0', 'F9 info 0000:01:00.0']);
    expect(whats('F9', subject)).toEqual([
      '0000:01:00.0: BAR 0, BAR 2 have no address',
      '0000:01:00.0: ROM has an address but is not enabled',
    ]);
  });
});

describe('F10: larger pages', () => {
  const apart = (distance: number) =>
    machine([
      fn('01:00.0', [bar(0, 0x80000000, 4096)]),
      fn('02:00.0', [bar(0, 0x80000000 + distance, 4096)]),
    ]);

  test.each([
    [0x1000, 2],
    [0x3000, 2],
    [0x4000, 1],
    [0xf000, 1],
    [0x10000, 0],
  ])('BARs 0x%x apart share pages of %i of 16 and 64 KiB', (distance, count) => {
    const found = of('F10', apart(distance));
    expect(found).toHaveLength(count);
    for (const { what } of found) expect(what).toMatch(/ 2 functions would share 1 page$/);
  });

  test('what is shared already is not told again', () => {
    expect(
      of(
        'F10',
        machine([fn('01:00.0', [bar(0, 0x80000000, 256)]), fn('02:00.0', [bar(0, 0x80000100, 256)])]),
      ),
    ).toEqual([]);
  });
});

test('each finding names rule, source and remedy', () => {
  for (const finding of [...findings(example1, 4096), ...findings(example2, 4096)]) {
    expect(finding.rule.length * finding.source.length * finding.remedy.length).toBeGreaterThan(0);
    expect(finding.functions).toContain(parseSbdf(finding.functions[0]));
  }
});
