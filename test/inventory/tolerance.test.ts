import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { first, pasted } from './paste.js';

const TEXT = readFileSync('test/fixtures/m1/lspci.txt', 'utf8');
const SRIOV = readFileSync('test/fixtures/small-bars/example1.txt', 'utf8');

const lines = (change: (line: string) => string) => (text: string) => text.split('\n').map(change).join('\n');

describe('what happened to a text on its way changes nothing', () => {
  it.each<[string, (text: string) => string]>([
    ['CRLF', (text) => text.replaceAll('\n', '\r\n')],
    ['a byte order mark', (text) => `\ufeff${text}`],
    ['mail quoting', lines((line) => `> ${line}`)],
    ['mail quoting, twice', lines((line) => `> > ${line}`)],
    ['mail quoting, twice, close', lines((line) => `>> ${line}`)],
    ['mail quoting without a space', lines((line) => `>${line}`)],
    ['tabs turned into spaces', (text) => text.replaceAll('\t', '        ')],
    ['tabs turned into two spaces', (text) => text.replaceAll('\t', '  ')],
    [
      'tabs expanded behind quotes',
      lines((line) => `> ${line.replace(/^\t/, '      ').replaceAll('\t', '        ')}`),
    ],
    ['indentation lost', lines((line) => line.trim())],
    ['all of it indented', lines((line) => `    ${line}`)],
    ['non-breaking spaces', (text) => text.replaceAll(' ', '\u00a0')],
    ['zero-width spaces', (text) => text.replaceAll('Region', '\u200bRegion')],
    ['blanks at the ends of lines', lines((line) => `${line} \t `)],
    ['other text around', (text) => `Hello,\n\nhere it is:\n${'x'.repeat(5000)}\n${text}\n-- \nMe`],
    ['sizes on lines of their own', (text) => text.replace(/ (\[size=)/g, '\n$1')],
  ])('%s', (_, change) => {
    for (const text of [TEXT, SRIOV]) expect(pasted(change(text))).toEqual(pasted(text));
  });

  it('but for a line broken within parentheses, whose BAR counts as not prefetchable', () => {
    const { bars } = first(
      '00:05.0 Thing\n\tRegion 0: Memory at fe200000 (64-bit,\nprefetchable) [size=16K]\n\tRegion 2: I/O ports at c000',
    );
    expect(bars).toMatchObject([
      { index: 0, address: 0xfe200000, size: 2 ** 14, prefetchable: false },
      { index: 2, size: undefined },
    ]);
  });
});

describe('a text that is cut', () => {
  it('has no address that the whole text has not', () => {
    const whole = JSON.stringify(pasted(SRIOV));
    const addresses = new Set(whole.match(/"(?:address|offset)":\d+/g));
    for (let length = 0; length < SRIOV.length; length++) {
      const cut = JSON.stringify(pasted(SRIOV.slice(0, length)));
      for (const address of cut.match(/"(?:address|offset)":\d+/g) ?? [])
        expect(addresses).toContain(address);
    }
  });
});

describe('words in another language', () => {
  it.each([
    [
      'Speicher bei fe800000 (32-bit, nicht vorabrufbar) [Groesse=4K]',
      { index: 0, type: 'mem32', address: 0xfe800000, size: 4096, prefetchable: false },
    ],
    [
      'Bereich 2: Speicher bei fe800000 (64-bit, vorabrufbar) [Größe=16M]',
      { index: 2, type: 'mem64', size: 2 ** 24, prefetchable: true },
    ],
    [
      'Région 1 : Mémoire à fe800000 (32-bit, non préchargeable) [taille=256]',
      { index: 1, type: 'mem32', size: 256, prefetchable: false },
    ],
    ['Bereich 4: E/A-Ports bei c000 [Größe=32]', { index: 4, type: 'io', address: 0xc000, size: 32 }],
    ['Erweiterungs-ROM bei fe400000 [disabled] [Größe=256K]', { index: 6, type: 'rom', disabled: true }],
  ])('%s', (line, expected) => {
    expect(first(`00:05.0 Ding\n\t${line}`).bars).toMatchObject([expected]);
  });
});

describe('lines that look like BARs', () => {
  it.each([
    'Memory behind bridge: fe200000-fe3fffff [size=2M] [32-bit]',
    'I/O behind bridge: d000-dfff [size=4K] [16-bit]',
    'Region 0: Memory at fe20 (32-bit, non-prefetchable) [size=4K]',
    'Region 0: Memory at fe200000',
    'Expansion ROM at fe4',
    'Region 6: Memory at fe200000 (32-bit, non-prefetchable) [size=4K]',
    'Kernel modules: c000 [x]',
  ])('%s', (line) => {
    expect(first(`00:05.0 Thing\n\t${line}`).bars).toEqual([]);
  });
});

describe('lspci of other options and versions', () => {
  it('-n has numbers only, -nn both', () => {
    expect(first('00:02.0 0604: 1b36:000c (rev 01)')).toMatchObject({
      ...{ name: 'Class [0604]: Device [1b36:000c]', vendor: 0x1b36, device: 0xc },
    });
    expect(first('00:02.0 PCI bridge [0604]: Red Hat, Inc. Port [1b36:000c] (rev 01)')).toMatchObject({
      ...{ name: 'PCI bridge [0604]: Red Hat, Inc. Port [1b36:000c] (rev 01)', device: 0xc },
    });
  });

  it('-nnk has subsystem and driver', () => {
    const text = '00:05.0 Thing\n\tSubsystem: Red Hat, Inc. [1af4:1100]\n\tKernel driver in use: nvme';
    expect(first(text)).toMatchObject({ subsystem: { vendor: 0x1af4, device: 0x1100 }, driver: 'nvme' });
    expect(first('00:05.0 Thing\n\tSubsystem: 1af4:1100').subsystem).toEqual({
      vendor: 0x1af4,
      device: 0x1100,
    });
  });

  it('-v has interrupt and IOMMU group among the flags, and decoding in the BARs', () => {
    const text = `00:05.0 Thing
\tFlags: bus master, fast devsel, latency 0, IRQ 22, NUMA node 0, IOMMU group 3
\tMemory at fe200000 (32-bit, non-prefetchable)`;
    expect(first(text)).toMatchObject({
      interrupt: { pin: undefined, irq: 22 },
      iommuGroup: 3,
      decode: true,
    });
    expect(first(`${text} [disabled]`).decode).toBe(false);
    expect(first('00:05.0 Thing\n\tFlags: fast devsel').decode).toBeUndefined();
  });

  it('-vv has the registers', () => {
    const text = `00:05.0 Thing
\tControl: I/O+ Mem- BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR+ FastB2B- DisINTx+
\tInterrupt: pin C routed to IRQ 19
\tIOMMU group: 14
\tCapabilities: [7c] MSI: Enable+ Count=1/1 Maskable- 64bit+
\tCapabilities: [a0] Enhanced Allocation (EA): NumEntries=1`;
    expect(first(text)).toMatchObject({
      decode: false,
      interrupt: { pin: 3, irq: 19, intxDisabled: true, msiEnabled: true },
      iommuGroup: 14,
      capabilities: { enhancedAllocation: 0xa0 },
      msix: undefined,
    });
    expect(first(text.replace('pin C', 'pin ?')).interrupt.pin).toBe(0);
  });

  it.each([
    ['open', 'Memory behind bridge: fe200000-fe3fffff [size=2M] [32-bit]', [0xfe200000, 0xfe400000]],
    ['open, older', 'Memory behind bridge: fe200000-fe3fffff', [0xfe200000, 0xfe400000]],
    [
      'open, of 64 bits',
      'Prefetchable memory behind bridge: 0000004000000000-00000040ffffffff',
      [2 ** 38, 2 ** 38 + 2 ** 32],
    ],
    ['closed', 'Prefetchable memory behind bridge: 00000000fff00000-00000000000fffff', undefined],
    ['disabled', 'Memory behind bridge: fff00000-000fffff [disabled] [32-bit]', undefined],
    ['none', 'Memory behind bridge: None', undefined],
  ])('a bridge window: %s', (_, line, range) => {
    const fn = first(
      `00:02.0 PCI bridge\n\tBus: primary=00, secondary=03, subordinate=07, sec-latency=0\n\t${line}`,
    );
    const prefetchable = line.startsWith('Pre');
    expect(fn.bridge).toEqual({
      secondary: 3,
      subordinate: 7,
      windows: range ? [{ start: range[0], end: range[1], prefetchable }] : [],
    });
  });

  it('MSI-X as versions before 2.2.7 print it', () => {
    const text = `00:05.0 Thing
\tCapabilities: [68] MSI-X: Enable+ Mask- TabSize=5
\t\tVector table: BAR=4 offset=00000000
\t\tPBA: BAR=4 offset=00002000`;
    expect(first(text).msix).toMatchObject({ enabled: true, masked: false, count: 5, table: { bir: 4 } });
  });
});

describe('SR-IOV', () => {
  const physical = (vfs: number) => `01:00.0 Thing
\tRegion 0: Memory at fe200000 (64-bit, non-prefetchable) [size=16K]
\tCapabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)
\t\tIOVCap:\tMigration-, Interrupt Message Number: 000
\t\tIOVCtl:\tEnable+ Migration- Interrupt- MSE+ ARIHierarchy+
\t\tInitial VFs: 8, Total VFs: 8, Number of VFs: ${vfs}, Function Dependency Link: 00
\t\tVF offset: 254, stride: 2, Device ID: 1515
\t\tSupported Page Size: 00000553, System Page Size: 00000001
\t\tRegion 0: Memory at 00000000d0800000 (64-bit, prefetchable)
\t\tRegion 3: Memory at 0000000000000000 (64-bit, non-prefetchable) [size=8K]
\t\tVF Migration: offset: 00000000, BIR: 0
\tKernel driver in use: ixgbe`;
  const virtual = (place: string) =>
    `${place} Virtual\n\tRegion 0: Memory at d0800000 (64-bit, prefetchable) [virtual] [size=4K]`;

  it('has BARs of its own, and the function keeps its', () => {
    expect(first(physical(2))).toMatchObject({
      bars: [{ index: 0, address: 0xfe200000 }],
      sriov: {
        ...{ enabled: true, numVfs: 2, totalVfs: 8, offset: 254, stride: 2 },
        bars: [
          { index: 0, type: 'mem64', address: 0xd0800000, size: undefined, prefetchable: true },
          { index: 3, address: undefined, size: 8192 },
        ],
      },
      driver: 'ixgbe',
    });
  });

  it('names the physical function of virtual ones, on other buses too, and has the size of their BARs', () => {
    const { functions, unseen } = pasted(
      [virtual('01:1f.6'), virtual('02:00.0'), virtual('02:00.2'), physical(2)].join('\n'),
    );
    expect(functions.map(({ sbdf, physicalFunction }) => [sbdf, physicalFunction])).toEqual([
      [0x100, undefined],
      [0x1fe, 0x100],
      [0x200, 0x100],
      [0x202, undefined],
    ]);
    expect(functions[0].sriov?.bars).toMatchObject([{ index: 0, size: 4096 }, { index: 3 }]);
    expect(unseen.join()).not.toContain('virtual functions');
  });

  it('without VF Enable has no virtual functions', () => {
    const text = physical(2).replace('Enable+', 'Enable-');
    expect(first(text).sriov).toMatchObject({ enabled: false, numVfs: 0 });
    expect(pasted(`${text}\n${virtual('01:1f.6')}`).functions[1].physicalFunction).toBeUndefined();
  });

  it('of absurd numbers ends', () => {
    const all = Array.from({ length: 256 }, (_, device) =>
      physical(65535)
        .replace('01:00.0', `01:${(device >> 3).toString(16).padStart(2, '0')}.${device & 7}`)
        .replace('offset: 254, stride: 2', 'offset: 1, stride: 0'),
    );
    expect(pasted(all.join('\n')).functions).toHaveLength(256);
  });
});
