import { beforeEach, describe, expect, it } from 'vitest';
import { LspciReader } from '../../src/inventory/lspci.js';
import { policies } from '../../src/policy.js';
import { parseSbdf } from '../../src/sbdf.js';
import { QemuLogParser } from '../../src/trace/qemu-log.js';
import { QemuLogReplay } from '../../src/trace/qemu-log-replay.js';
import { Replay } from '../../src/trace/replay.js';

const INVENTORY = `00:02.0 PCI bridge: Root port
\tRegion 0: Memory at fe440000 (32-bit, non-prefetchable) [size=4K]
\tBus: primary=00, secondary=01, subordinate=02, sec-latency=0
01:00.0 Ethernet controller: Nic
\tRegion 0: Memory at fe200000 (64-bit, non-prefetchable) [size=16K]
\tRegion 2: I/O ports at c000 [size=256]
\tRegion 3: Memory at fe210000 (32-bit, non-prefetchable) [size=256]
\tExpansion ROM at fe400000 [disabled] [size=256K]
\tCapabilities: [40] MSI-X: Enable+ Count=65 Masked-
\t\tVector table: BAR=0 offset=00002000
\t\tPBA: BAR=0 offset=00003000
\tCapabilities: [60] Power Management version 3
\t\tStatus: D0 NoSoftRst- PME-Enable- DSel=0 DScale=0 PME-
\tCapabilities: [80] Express (v2) Endpoint, MSI 00
\t\t\tExtTag- RBE+ FLReset+
01:00.1 Ethernet controller: Virtual
\tRegion 0: Memory at fe300000 (64-bit, non-prefetchable) [virtual] [size=16K]
02:00.0 Other
\tRegion 0: Memory at fe500000 (32-bit, non-prefetchable)
\tRegion 1: Memory at fe600000 (32-bit, non-prefetchable)
03:00.0 Another nic
\tRegion 0: Memory at fe700000 (32-bit, non-prefetchable) [size=4K]
\tCapabilities: [40] MSI-X: Enable+ Count=4 Masked-
\t\tVector table: BAR=0 offset=00000000
\t\tPBA: BAR=0 offset=00000800
\tCapabilities: [98] PCI Advanced Features
\t\tAFCap: TP+ FLR+
`;

let replay: Replay;
let machine: QemuLogReplay;

function start(): void {
  const reader = new LspciReader();
  for (const line of INVENTORY.split('\n')) reader.line(line);
  replay = new Replay(policies.strict);
  machine = new QemuLogReplay(replay, reader.functions());
}
beforeEach(start);

/** Config writes, `bb:dd.f @0xregister <- 0xvalue` each. */
function config(...writes: string[]): void {
  log(...writes.map((write) => `pci_cfg_write dev ${write}`));
}

function log(...lines: string[]): void {
  const parser = new QemuLogParser(machine, true);
  for (const line of lines) {
    expect(parser.line(Buffer.from(line), 0, line.length)).toBeUndefined();
  }
}

const fn = (sbdf: string) => replay.function(parseSbdf(sbdf))!;

/** Address of each decoded BAR. */
const decoded = (sbdf: string): Record<number, string> =>
  Object.fromEntries(
    fn(sbdf)
      .trapped.bars.filter(({ enabled }) => enabled)
      .map(({ index, address }) => [index, address.toString(16)]),
  );

/** As firmware does it: BARs, then COMMAND. */
const BOOT = [
  '00:02.0 @0x19 <- 0x1',
  '00:02.0 @0x1a <- 0x2',
  '01:00.0 @0x10 <- 0xffffffff',
  '01:00.0 @0x14 <- 0xffffffff',
  '01:00.0 @0x10 <- 0xe0000004',
  '01:00.0 @0x14 <- 0x0',
  '01:00.0 @0x18 <- 0xd000',
  '01:00.0 @0x1c <- 0xe0010000',
  '01:00.0 @0x4 <- 0x103',
];

describe('a function that no config write touched', () => {
  it('is as the inventory says', () => {
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000', 3: 'fe210000' });
    expect(fn('01:00.0').trapped.messageControl & 0xc000).toBe(0x8000);
    expect(machine.assumed.length).toBeGreaterThan(0);
  });

  it('keeps its BARs when the first write is to COMMAND', () => {
    config('01:00.0 @0x4 <- 0x100');
    expect(decoded('01:00.0')).toEqual({});
    config('01:00.0 @0x4 <- 0x102');
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000', 3: 'fe210000' });
  });

  it('is off from the first BAR write on: the machine starts', () => {
    config('01:00.0 @0x10 <- 0xffffffff');
    expect(decoded('01:00.0')).toEqual({});
    expect(fn('01:00.0').trapped.messageControl & 0xc000).toBe(0);
  });

  it('gives way to one that was placed where it is thought to be', () => {
    config('01:00.0 @0x10 <- 0xe0000004', '01:00.0 @0x1c <- 0xfe440000', '01:00.0 @0x4 <- 0x2');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'fe440000' });
    expect(decoded('00:02.0')).toEqual({});
  });
});

describe('BARs', () => {
  beforeEach(() => config(...BOOT));

  it('are where their writes say once COMMAND is on', () => {
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000' });
    expect(machine.assumed).not.toContain(parseSbdf('01:00.0'));
  });

  it('of 64 bits have two halves', () => {
    config('01:00.0 @0x4 <- 0x0', '01:00.0 @0x14 <- 0x40', '01:00.0 @0x4 <- 0x2');
    expect(decoded('01:00.0')).toMatchObject({ 0: '40e0000000' });
  });

  it('are not decoded at 0, nor while they are sized', () => {
    config('01:00.0 @0x1c <- 0xffffffff');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000' });
    config('01:00.0 @0x1c <- 0x0');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000' });
    config('01:00.0 @0x1c <- 0xe0010000');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000' });
  });

  it.each([
    ['a byte', '0x0'],
    ['a word', '0x105'],
    ['a dword', '0x100401'],
  ])('go and come with COMMAND, written as %s', (_, value) => {
    config(`01:00.0 @0x4 <- ${value}`);
    expect(decoded('01:00.0')).toEqual({});
    config('01:00.0 @0x4 <- 0x2');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000' });
  });

  it('the upper byte of COMMAND decodes nothing', () => {
    config('01:00.0 @0x5 <- 0x0');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000' });
  });

  it('the expansion ROM follows its own enable bit too', () => {
    config('01:00.0 @0x30 <- 0xe0100001');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000', 6: 'e0100000' });
    config('01:00.0 @0x30 <- 0xfffffffe');
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000' });
  });

  it('of a bridge are two, and its bus numbers are none', () => {
    config('00:02.0 @0x10 <- 0xe0200000', '00:02.0 @0x18 <- 0x20100', '00:02.0 @0x4 <- 0x7');
    expect(decoded('00:02.0')).toEqual({ 0: 'e0200000' });
  });

  it('a port of an I/O BAR is the address in the memory BAR of its size', () => {
    expect(machine.portAlias(0xd03e, 0x3e)).toBe(0xe001003e);
    expect(machine.portAlias(0xd03e, 0x13e)).toBeUndefined();
    expect(machine.portAlias(0xc03e, 0x3e)).toBeUndefined();
  });

  it('of a virtual function are where QEMU maps them', () => {
    log('pci_update_mappings_add dev 01:00.1 0,0xe4000000+0x4000');
    expect(decoded('01:00.1')).toEqual({ 0: 'e4000000' });
    log('pci_update_mappings_del dev 01:00.1 0,0xe4000000+0x4000');
    expect(decoded('01:00.1')).toEqual({});
  });

  it('whose size the inventory does not show are learnt', () => {
    config('02:00.0 @0x10 <- 0xe0300000', '02:00.0 @0x4 <- 0x2');
    log('pci_update_mappings_add dev 02:00.0 0,0xe0300000+0x1000');
    expect(decoded('02:00.0')).toEqual({ 0: 'e0300000' });
    config('02:00.0 @0x4 <- 0x0', '02:00.0 @0x14 <- 0xe0400000', '02:00.0 @0x4 <- 0x2');
    log(
      'pci_update_mappings_add dev 02:00.0 1,0xe0400000+0x2000',
      'pci_update_mappings_add dev 02:00.0 0,0xe0300000+0x1000',
    );
    expect(decoded('02:00.0')).toEqual({ 0: 'e0300000', 1: 'e0400000' });
    expect(fn('02:00.0').bars.map(({ index, size }) => [index, size])).toEqual([
      [0, 0x1000],
      [1, 0x2000],
    ]);
  });

  it('that QEMU mapped elsewhere are told', () => {
    log('pci_update_mappings_add dev 01:00.0 0,0xe0700000+0x4000');
    expect(machine.notes).toEqual([
      '0000:01:00.0: QEMU mapped BAR 0 at 0xe0700000, which no config write says',
    ]);
  });
});

describe('bus numbers', () => {
  it('name the function behind a bridge as they are at the moment', () => {
    config('00:02.0 @0x18 <- 0x50500', '05:00.0 @0x1c <- 0xe0010000', '05:00.0 @0x4 <- 0x2');
    expect(decoded('01:00.0')).toEqual({ 3: 'e0010000' });
    // Bus 1 is nowhere now.
    config('01:00.0 @0x4 <- 0x0');
    expect(decoded('01:00.0')).toEqual({ 3: 'e0010000' });
    config('00:02.0 @0x19 <- 0x1', '01:00.0 @0x4 <- 0x0');
    expect(decoded('01:00.0')).toEqual({});
  });

  it('a small value at the first is the primary bus alone', () => {
    config('00:02.0 @0x19 <- 0x5', '00:02.0 @0x18 <- 0x0', '05:00.0 @0x4 <- 0x0');
    expect(decoded('01:00.0')).toEqual({});
  });
});

describe('Message Control', () => {
  it.each([
    ['a word', ['@0x42 <- 0xc040'], 0xc000],
    ['its upper byte', ['@0x43 <- 0x80'], 0x8000],
    ['the dword', ['@0x40 <- 0x80406011'], 0x8000],
    ['its lower byte', ['@0x42 <- 0xc040', '@0x41 <- 0x60'], 0xc000],
    ['off again', ['@0x42 <- 0xc040', '@0x42 <- 0x40'], 0],
  ])('as %s', (_, writes, control) => {
    config(...BOOT, ...writes.map((write) => `01:00.0 ${write}`));
    expect(fn('01:00.0').trapped.messageControl & 0xc000).toBe(control);
  });
});

describe('resets', () => {
  const TABLE = 0xe0002000;
  const written = () => fn('01:00.0').trapped.vector(0).addressLow;

  beforeEach(() => {
    config(...BOOT, '01:00.0 @0x42 <- 0x8040');
    replay.access(true, 4, TABLE, 0xfee01004, 0, 0);
    expect(written()).toBe(0xfee01004);
  });

  it.each([
    ['function level, as a word', ['01:00.0 @0x88 <- 0xa810']],
    ['function level, as a byte', ['01:00.0 @0x89 <- 0x80']],
    ["its bridge's secondary bus", ['00:02.0 @0x3e <- 0x42', '00:02.0 @0x3e <- 0x2']],
    ["its bridge's secondary bus, as a dword", ['00:02.0 @0x3c <- 0x4201ff']],
  ])('%s', (_, writes) => {
    config(...writes);
    expect(decoded('01:00.0')).toEqual({ 0: 'e0000000', 3: 'e0010000' });
    expect(fn('01:00.0').trapped.messageControl & 0xc000).toBe(0);
    expect(written()).toBe(0);
    replay.access(false, 4, TABLE, 0, 0, 0);
    expect(replay.differenceCount).toBe(0);
  });

  it.each([
    ['with the bit', '0x1', 0],
    ['without it', '0x0', 0x8000],
  ])('function level, by Advanced Features: %s', (_, value, control) => {
    config('03:00.0 @0x42 <- 0x8003');
    expect(fn('03:00.0').trapped.messageControl & 0xc000).toBe(0x8000);
    config(`03:00.0 @0x9c <- ${value}`);
    expect(fn('03:00.0').trapped.messageControl & 0xc000).toBe(control);
  });

  it('of the machine: QEMU takes the BARs away without a config write', () => {
    log('pci_update_mappings_del dev 01:00.0 0,0xe0000000+0x4000');
    expect(decoded('01:00.0')).toEqual({});
    expect(written()).toBe(0);
  });

  it('not: Device Control without the bit, Bridge Control that stays, BARs taken away by COMMAND', () => {
    config('01:00.0 @0x88 <- 0x2810', '00:02.0 @0x3e <- 0x2', '01:00.0 @0x4 <- 0x0');
    log('pci_update_mappings_del dev 01:00.0 0,0xe0000000+0x4000');
    expect(written()).toBe(0xfee01004);
  });

  it.each([
    ['was one', 0, 1],
    ['was none', 0xfee01004, 0],
  ])('D3hot to D0 without No_Soft_Reset: the next read tells that it %s', (_, recorded, resets) => {
    config('01:00.0 @0x64 <- 0x3', '01:00.0 @0x64 <- 0x0');
    replay.access(false, 4, TABLE, recorded, 0, 0);
    replay.access(false, 4, TABLE, recorded, 0, 0);
    expect(replay.reasons).toEqual({ width: 0, reset: resets, unexplained: 0 });
  });
});

it('what a device makes itself is counted and left out', () => {
  const parser = new QemuLogParser(machine, false);
  const line = "memory_region_ops_write cpu -1 mr 0x5581 addr 0xfe200000 value 0x1 size 4 name 'nic'";
  expect(parser.line(Buffer.from(line), 0, line.length)).toBeUndefined();
  expect(machine.deviceEvents).toBe(1);
});
