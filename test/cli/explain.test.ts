import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as explain } from '../../src/cli/explain.js';
import { temporaryFolder } from '../temporary.js';
import { catchPrinted, printed } from './printed.js';

const folder = temporaryFolder();

catchPrinted();

const M1 = ['--inventory', 'test/fixtures/m1/lspci.txt'];

it('policies that differ are told apart, accesses by an empty line', async () => {
  expect(await explain([...M1, '0xfe203000+1', '4263510016'])).toBe(0);
  expect(printed.text).toBe(`0xfe203000, 1 byte: 0000:01:00.0 BAR0+0x3000, PBA word 0, bits of vectors 0..7
  strict, xen
    read             all ones [bad-size]
    write            dropped [bad-size]
    because          a PBA answers aligned accesses of 4 or 8 bytes only (PCIe 6.1.4.2; policy row pbaWidths)
  xenV3
    read             the device: host read of 1 byte at 0xfe203000
    write            dropped
    because          the pending bits are the device's own (PCIe 7.7.2.9)
    because          software never writes pending bits: a guest domain may not (PCIe 7.7.2.9; policy row pbaWriteDropsWhole)

0xfe200000, 4 bytes: 0000:01:00.0 BAR0+0x0, registers on a page that need not trap
  strict, xen, xenV3
    read             not claimed: it does not trap here
    write            not claimed: it does not trap here
    because          the page holds no table, no PBA and one BAR only: it is mapped directly, no access to it traps (common to all policies)
`);
});

it('the parts of an access across owners', async () => {
  await explain([...M1, '--policy', 'strict', '01:00.0:bar0+0x2ffe']);
  expect(printed.text).toMatch(
    /^0xfe202ffe, 4 bytes:\n {2}bytes 0\.\.1: 0000:01:00\.0 BAR0\+0x2ffe, registers .*\n {2}bytes 2\.\.3: 0000:01:00\.0 BAR0\+0x3000, PBA word 0, bits of vectors 0\.\.15\n {2}strict\n/,
  );
});

describe('notation', () => {
  it.each([
    ['0xfe20208c+8', 0xfe20208c, 8],
    ['0XFE20208C', 0xfe20208c, 4],
    ['4263518348+0x2', 4263518348, 2],
    ['01:00.0:BAR0+0x208c+1', 0xfe20208c, 1],
    ['0000:01:00.0:BAR0+8332', 0xfe20208c, 4],
    ['00:04.0:ROM+16', 0xfe400010, 4],
  ])('%s', async (text, address, width) => {
    await explain([...M1, '--json', '--policy', 'xen', text]);
    expect(JSON.parse(printed.text)).toMatchObject([{ address, width, policies: [{ policy: 'xen' }] }]);
  });
});

it('several inventories, the hardware domain', async () => {
  const later = join(folder, 'later.txt');
  writeFileSync(
    later,
    '03:00.0 Network [0200]: A [1af4:1041]\n\tRegion 0: Memory at fd000000 (32-bit, non-prefetchable) [size=4K]\n',
  );
  const args = [...M1, '--inventory', later, '--json', '--domain', 'hardware'];
  await explain([...args, '0xfd000000', '0xfe203000']);
  const explanations = JSON.parse(printed.text);
  expect(explanations[0].parts).toMatchObject([{ sbdf: '0000:03:00.0' }]);
  for (const { writes } of explanations[1].policies) {
    expect(writes).toMatchObject([{ result: 'host', host: [{ address: 0xfe203000, width: 4 }] }]);
  }
});

describe('bad input', () => {
  const file = (text: string) => {
    const path = join(folder, 'lspci.txt');
    writeFileSync(path, text);
    return path;
  };

  it.each<[string[], RegExp]>([
    [M1, /^expected ADDRESS\[\+WIDTH\], got none$/],
    [['0'], /^expected --inventory FILE/],
    [[...M1, '--policy', 'lax', '0'], /^--policy: expected xen, xenV3, strict, got lax$/],
    [[...M1, '--policy', 'toString', '0'], /^--policy: expected/],
    [[...M1, '--domain', 'dom0', '0'], /^--domain: expected guest, hardware, got dom0$/],
    [[...M1, '--what', '0'], /Unknown option '--what'/],
    [[...M1, 'fe20208c'], /^fe20208c: expected ADDRESS/],
    [[...M1, ''], /expected ADDRESS/],
    [[...M1, '0x1+'], /^0x1\+: expected ADDRESS/],
    [[...M1, '0x1+3'], /^0x1\+3: expected a width of 1, 2, 4 or 8 bytes, got 3$/],
    [[...M1, '0x10+0'], /expected a width/],
    [[...M1, '0xffffffffffffd'], /^0xffffffffffffd: expected it below 2\^52$/],
    [[...M1, '0xffffffffffffffffffff'], /expected it below 2\^52$/],
    [[...M1, '07:00.0:BAR0+0'], /the inventory has no function 0000:07:00\.0$/],
    [[...M1, '01:77.0:BAR0+0'], /01:77\.0 is not of the form 0000:bb:dd\.f$/],
    [[...M1, '01:00.0:BAR3+0'], /0000:01:00\.0 has no BAR3$/],
    [[...M1, '01:00.0:BAR7+0'], /expected ADDRESS/],
    [[...M1, '00:1f.2:BAR4+0'], /BAR4 is an I\/O BAR, not memory$/],
    [[...M1, '01:00.0:BAR0+0x4000'], /expected an offset in the BAR of 0x4000 bytes$/],
    [['--inventory', join(folder, 'none'), '0'], /none: no such file$/],
    [['--inventory', file('hello\n'), '0'], /expected the output of lspci -vvv/],
  ])('%j', async (args, message) => {
    await expect(explain(args)).rejects.toThrow(message);
    expect(printed.text).toBe('');
  });

  it('a BAR without an address', async () => {
    const path = join(folder, 'unassigned.txt');
    writeFileSync(
      path,
      '02:00.0 Network [0200]: A [1af4:1041]\n\tRegion 0: Memory at <unassigned> (32-bit, non-prefetchable)\n',
    );
    await expect(explain(['--inventory', path, '02:00.0:BAR0+0'])).rejects.toThrow(
      /BAR0 has no address, or no size, in the inventory$/,
    );
  });
});
