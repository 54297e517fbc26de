import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import { LspciReader } from '../../src/inventory/lspci.js';
import { readInventory } from '../../src/inventory/read-machine.js';
import { parseSbdf } from '../../src/sbdf.js';
import { fileIn, temporaryFolder } from '../temporary.js';

const folder = temporaryFolder();
const file = fileIn(folder);

function parse(text: string) {
  const reader = new LspciReader();
  for (const line of text.split('\n')) reader.line(line);
  return reader.functions();
}

const MSIX = `\tCapabilities: [40] MSI-X: Enable+ Count=65 Masked-
\t\tVector table: BAR=0 offset=00002000
\t\tPBA: BAR=0 offset=00003000`;

describe('a recorded machine', () => {
  it('has its functions, BARs and MSI-X', async () => {
    const machine = await readInventory(['test/fixtures/m1/lspci.txt']);
    expect(machine).toHaveLength(11);
    const nvme = machine.find(({ sbdf }) => sbdf === parseSbdf('01:00.0'));
    expect(nvme).toMatchObject({
      name: 'Non-Volatile memory controller [0108]: Red Hat, Inc. QEMU NVM Express Controller [1b36:0010] (rev 02) (prog-if 02 [NVM Express])',
      vendor: 0x1b36,
      device: 0x0010,
      bars: [{ index: 0, type: 'mem64', address: 0xfe200000, size: 0x4000, disabled: false, virtual: false }],
      msix: {
        enabled: true,
        masked: false,
        count: 65,
        capability: 0x40,
        table: { bir: 0, offset: 0x2000 },
        pba: { bir: 0, offset: 0x3000 },
      },
      bridge: undefined,
      capabilities: { express: 0x80, powerManagement: 0x60, functionLevelReset: true, noSoftReset: true },
    });
  });

  it('has its bridges, whose own BARs count', async () => {
    const machine = await readInventory(['test/fixtures/m1/lspci.txt']);
    expect(machine.find(({ sbdf }) => sbdf === parseSbdf('00:02.1'))).toMatchObject({
      bridge: { secondary: 2, subordinate: 2 },
      bars: [{ index: 0, type: 'mem32', address: 0xfe441000, size: 0x1000 }],
      msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
    });
  });
});

describe('a BAR', () => {
  const bar = (line: string) => parse(`00:05.0 Thing\n\t${line}`)[0].bars[0];

  it.each([
    ['Region 2: I/O ports at c000 [size=32]', { index: 2, type: 'io', address: 0xc000, size: 32 }],
    ['Region 0: Memory at e0000000 (32-bit, prefetchable) [size=256M]', { type: 'mem32', size: 2 ** 28 }],
    [
      'Region 0: Memory at 4000000000 (64-bit, prefetchable) [size=16G]',
      { type: 'mem64', address: 2 ** 38, size: 2 ** 34 },
    ],
    ['Region 0: Memory at fe200000 (64-bit, non-prefetchable)', { address: 0xfe200000, size: undefined }],
    [
      'Region 0: Memory at <unassigned> (32-bit, non-prefetchable) [size=4K]',
      { address: undefined, size: 4096 },
    ],
    [
      'Region 0: Memory at <ignored> (32-bit, non-prefetchable) [disabled]',
      { address: undefined, disabled: true },
    ],
    [
      'Region 0: Memory at fd000000 (64-bit, non-prefetchable) [virtual] [size=16K]',
      { virtual: true, size: 2 ** 14 },
    ],
    [
      'Region 0: [virtual] Memory at fd000000 (64-bit, non-prefetchable) [size=16K]',
      { virtual: true, size: 2 ** 14 },
    ],
    [
      'Expansion ROM at fe400000 [disabled] [size=256K]',
      { index: 6, type: 'rom', disabled: true, size: 2 ** 18 },
    ],
    ['Expansion ROM at <unassigned> [disabled]', { index: 6, address: undefined }],
  ])('%s', (line, expected) => {
    expect(bar(line)).toMatchObject(expected);
  });

  it('without its number (lspci -v) is counted, a 64-bit one twice; the ROM is 6', () => {
    const [fn] = parse(`00:05.0 Thing
\tMemory at fe200000 (64-bit, non-prefetchable) [size=16K]
\tI/O ports at c000 [size=32]
\tMemory at fe400000 (32-bit, prefetchable) [disabled] [size=4K]
\tExpansion ROM at fe600000 [disabled] [size=256K]`);
    expect(fn.barsGuessed).toBe(true);
    expect(fn.bars).toMatchObject([
      { index: 0, type: 'mem64', prefetchable: false },
      { index: 2, type: 'io', address: 0xc000 },
      { index: 3, type: 'mem32', prefetchable: true, disabled: true },
      { index: 6, type: 'rom' },
    ]);
  });

  it('of SR-IOV, which stands deeper, is not the function itself', () => {
    const text =
      '00:05.0 Thing\n\tCapabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)\n\t\tRegion 0: Memory at 0000000000000000 (64-bit, non-prefetchable)';
    expect(parse(text)[0].bars).toEqual([]);
  });
});

describe('what is missing is tolerated', () => {
  it.each([
    ['MSI-X without its layout (lspci -v)', '\tCapabilities: [40] MSI-X: Enable+ Count=65 Masked-'],
    ['no MSI-X', '\tCapabilities: <access denied>'],
    ['nothing but a name', ''],
  ])('%s', (_, detail) => {
    expect(parse(`00:05.0 Thing\n${detail}`)[0]).toMatchObject({
      msix: undefined,
      bars: [],
      vendor: undefined,
    });
  });

  it('Masked', () => {
    const text = `00:05.0 Thing\n${MSIX.replace(' Masked-', '')}`;
    expect(parse(text)[0].msix).toMatchObject({ enabled: true, masked: false });
  });

  it('a domain beyond segments', () => {
    expect(
      parse('10000:e1:00.0 Thing\n\tRegion 0: Memory at fe200000 (32-bit)\n0001:00:01.0 Other'),
    ).toMatchObject([{ sbdf: 0x1_0008, bars: [] }]);
  });

  it('reset capabilities of other sections do not count', () => {
    expect(
      parse('00:05.0 Thing\n\tCapabilities: [80] Vendor: FLReset+')[0].capabilities.functionLevelReset,
    ).toBe(false);
  });
});

describe('several files', () => {
  const first = `00:05.0 Thing\n\tRegion 0: Memory at fe200000 (64-bit) [size=16K]\n${MSIX.replace('Enable+', 'Enable-')}`;

  it('a later one adds functions', async () => {
    const machine = await readInventory([file(first), file('00:05.1 Virtual\n00:04.0 Other')]);
    expect(machine.map(({ sbdf }) => sbdf)).toEqual([0x20, 0x28, 0x29]);
  });

  it('a later one does not change BARs, and may enable MSI-X', async () => {
    const later = first.replace('fe200000', 'fe300000').replace('Enable-', 'Enable+');
    const [fn] = await readInventory([file(first), file(gzipSync(later))]);
    expect(fn.bars).toMatchObject([{ address: 0xfe200000 }]);
    expect(fn.msix).toMatchObject({ enabled: true });
  });
});

describe('bad input', () => {
  it.each([
    ['an empty file', '', /is empty$/],
    ['another text', 'hello\nworld\n', /expected the output of lspci -vvv, found no function$/],
    [
      'a count no table has',
      `00:05.0 Thing\n${MSIX.replace('65', '4096')}`,
      /00:05\.0.*MSI-X Count of 1 to 2048, got 4096$/,
    ],
  ])('%s', async (_, text, message) => {
    const reading = readInventory([file(text)]);
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });

  it('no file', async () => {
    await expect(readInventory([join(folder, 'none')])).rejects.toThrow(/no such file$/);
  });
});
