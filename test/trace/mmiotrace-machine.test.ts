import { beforeEach, describe, expect, it } from 'vitest';
import { LspciReader } from '../../src/inventory/lspci.js';
import { policies } from '../../src/policy.js';
import { parseSbdf } from '../../src/sbdf.js';
import { MmiotraceParser } from '../../src/trace/mmiotrace.js';
import { MmiotraceReplay } from '../../src/trace/mmiotrace-replay.js';
import { Replay } from '../../src/trace/replay.js';

const INVENTORY = `01:00.0 Nic
\tRegion 0: Memory at aa000000 (64-bit, non-prefetchable) [size=16K]
\tCapabilities: [40] MSI-X: Enable+ Count=4 Masked+
\t\tVector table: BAR=0 offset=00002000
\t\tPBA: BAR=0 offset=00003000
01:00.1 Sleeper
\tRegion 0: Memory at fe300000 (32-bit, non-prefetchable) [size=4K]
\tRegion 1: Memory at fe310000 (32-bit, non-prefetchable)
\tCapabilities: [40] MSI-X: Enable- Count=1 Masked-
\t\tVector table: BAR=0 offset=00000000
\t\tPBA: BAR=0 offset=00000800
`;
const NIC = 'PCIDEV 0100 10ec8168 1a fe200004 0 0 0 0 0 fe400000 4000 0 0 0 0 0 40000 r8169';
const GPU = 'PCIDEV 0200 10de1234 1a fd000000 0 0 0 0 0 0 1000 0 0 0 0 0 0 ';
const TABLE = 0xfe202000;
const MAP = (id: number) => `MAP 1.000000 ${id} 0xfe202000 0xffa0000000055000 0x40 0x0 0`;
const UNMAP = (id: number) => `UNMAP 1.000000 ${id} 0x0 0`;
const R = (address: number, value: number) =>
  `R 4 1.000000 1 0x${address.toString(16)} 0x${value.toString(16)} 0x0 0`;
const W = (address: number, value: number) => R(address, value).replace('R', 'W');

let replay: Replay;
let machine: MmiotraceReplay;
beforeEach(() => {
  const reader = new LspciReader();
  for (const line of INVENTORY.split('\n')) reader.line(line);
  replay = new Replay(policies.strict);
  machine = new MmiotraceReplay(replay, reader.functions());
});

function log(...lines: string[]): void {
  const parser = new MmiotraceParser(machine);
  for (const line of lines) expect(parser.line(Buffer.from(line), 0, line.length)).toBeUndefined();
}

const decoded = (sbdf: string): Record<number, string> =>
  Object.fromEntries(
    replay
      .function(parseSbdf(sbdf))!
      .trapped.bars.filter(({ enabled }) => enabled)
      .map(({ index, address }) => [index, address.toString(16)]),
  );

describe('the machine', () => {
  it('has BARs from PCIDEV, else from the inventory, all decoded', () => {
    log('VERSION 20070824', NIC, GPU, R(0x1000, 0));
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000', 6: 'fe400000' });
    expect(decoded('01:00.1')).toEqual({ 0: 'fe300000' });
    expect(decoded('02:00.0')).toEqual({ 0: 'fd000000' });
    expect(replay.functions.map(({ name }) => name)).toEqual(['Nic', 'Sleeper', '[10de:1234]']);
  });

  it('has MSI-X enabled and unmasked where the inventory says Enable+', () => {
    log(NIC, R(0x1000, 0));
    expect(machine.assumedEnabled).toEqual([parseSbdf('01:00.0')]);
    expect(replay.function(parseSbdf('01:00.0'))!.trapped.messageControl & 0xc000).toBe(0x8000);
    log(W(TABLE, 0xfee01004), W(TABLE + 0xc, 0));
    expect(replay.function(parseSbdf('01:00.0'))!.armed).toBe(1);
  });

  it('without an MSI-X that its BARs cannot hold', () => {
    log(NIC.replace('fe200004', '0').replace(' 4000 ', ' 0 '), R(0x1000, 0));
    expect(machine.notes).toMatchObject([expect.stringMatching(/^0000:01:00\.0: MSI-X left out: .*BAR/)]);
  });

  it('with sizes of the inventory where PCIDEV has none', () => {
    log(NIC.replaceAll(/ 4000 | 40000 /g, ' 0 '), R(0x1000, 0));
    expect(replay.function(parseSbdf('01:00.0'))!.bars).toMatchObject([{ index: 0, size: 0x4000 }]);
  });

  it('with an expansion ROM that crowds another BAR left off', () => {
    log(NIC, GPU.replace('fd000000', 'fe43f000'), R(0x1000, 0));
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000' });
  });

  it('with BARs left out that the function had not at first', () => {
    log(GPU, R(0x1000, 0), GPU.replace('fd000000 0', 'fd100000 fd200000').replace('1000 0', '1000 1000'));
    expect(decoded('02:00.0')).toEqual({ 0: 'fd100000' });
    log(GPU.replace(' 1000 ', ' 2000 '));
    expect(decoded('02:00.0')).toEqual({});
    const note = (index: number) => `0000:02:00.0: left out, as it came without them: BAR ${index}`;
    expect(machine.notes).toEqual([note(1), note(0)]);
  });

  it('with overlapping BARs told', () => {
    log(NIC, GPU.replace('fd000000', 'fe200000'), R(0x1000, 0));
    expect(decoded('02:00.0')).toEqual({});
    expect(machine.notes).toMatchObject([expect.stringMatching(/^0000:02:00\.0: not decoded/)]);
  });
});

describe('a recording', () => {
  const POLICY = 'MARK 1.000000 trapline policy strict';
  const MARK = (text: string) => `MARK 1.000000 trapline 0100 ${text}`;
  const nic = () => replay.function(parseSbdf('01:00.0'))!;

  it('has functions and BARs of its PCIDEV lines only, the expansion ROM as they have it', () => {
    log(POLICY, NIC, GPU.replace('fd000000', 'fe43f000'), MAP(1));
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000', 6: 'fe400000' });
    expect(replay.function(parseSbdf('01:00.1'))).toBeUndefined();
  });

  it('decodes no BAR without an address, and moves it', () => {
    log(POLICY, NIC.replace('fe200004', '4').replace('fe400000', '0'), MAP(1));
    expect(decoded('01:00.0')).toEqual({});
    log(NIC);
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000', 6: 'fe400000' });
    expect(machine.notes).toEqual([]);
  });

  it('tells Message Control, resets, and words of the table, which arm nothing', () => {
    log(POLICY, NIC, MARK('control 8000'), MARK('table 0 fee01004'), MARK('table c 0'));
    expect(nic().trapped.messageControl & 0xc000).toBe(0x8000);
    expect(nic().trapped.vector(0)).toMatchObject({ addressLow: 0xfee01004, masked: false });
    log(R(TABLE, 0xfee01004), MARK('reset'), R(TABLE, 0), R(TABLE + 0xc, 1));
    expect(nic().armed).toBe(0);
    expect(nic().trapped.messageControl & 0xc000).toBe(0);
    expect(replay.differenceCount).toBe(0);
  });

  it('has regions, which answer as recorded until they are gone, whatever is reset', () => {
    const counts = () => [
      nic().counts.reads('region'),
      nic().counts.reads('straddle'),
      replay.unclaimedReads,
    ];
    log(POLICY, NIC, MARK('region fe204000 800'), R(0xfe204000, 0x1234), R(0xfe2047fc, 0x5678));
    expect(counts()).toEqual([2, 0, 0]);
    log(MARK('reset'), R(0xfe204004, 0x1234), R(0xfe203ffe, 0x12345678));
    expect(counts()).toEqual([3, 1, 0]);
    log(MARK('region fe204000 1000'), R(0xfe204800, 0x1234), MARK('region fe204000 0'), R(0xfe204004, 1));
    expect(counts()).toEqual([4, 1, 1]);
    expect(replay.differenceCount).toBe(0);
    expect(machine.notes).toEqual([]);
  });

  it.each([
    ['over a BAR', 'region fe200000 1000', /region 0xfe200000\.\.\+0x1000 overlaps .*bar 0/],
    ['not at a page', 'region fe204004 1000', /address 4263526404 is no multiple of 4096/],
    ['past all addresses', 'region ffffffffff000 2000', /address \d+ is no multiple .*2\^52/],
  ])('has no region %s, with a note', (_, text, note) => {
    log(POLICY, NIC, MARK(text), R(0xfe204000, 0xffffffff));
    expect(machine.notes).toEqual([expect.stringMatching(note)]);
    expect(nic().trapped.ranges).toEqual([]);
    expect(replay.unclaimedReads).toBe(1);
  });

  it('has no region under another policy than strict, with a note', () => {
    replay = new Replay(policies.xen);
    machine = new MmiotraceReplay(replay, []);
    log(POLICY, NIC, MARK('region fe204000 1000'), R(0xfe204000, 0xffffffff));
    expect(machine.notes).toEqual([expect.stringMatching(/policy xen/)]);
    expect(replay.unclaimedReads).toBe(1);
  });

  it('has registers, whose page traps and whose values are not compared', () => {
    log(POLICY, MARK('register 0 104 4'), NIC, R(0xfe200104, 0x1234), R(0xfe200108, 0x5678));
    log(W(0xfe200104, 0), R(0xfe201104, 0));
    expect(nic().counts.reads('adjacent')).toBe(2);
    expect(nic().counts.writes('adjacent')).toBe(1);
    expect(nic().counts.reads('direct')).toBe(1);
    expect(replay.differenceCount).toBe(0);
    expect(machine.notes).toEqual([]);
  });

  it('compares the bytes beside a register', () => {
    log(POLICY, MARK('register 0 2040 2'), NIC, R(TABLE + 0x3e, 0x5678ffff), R(TABLE + 0x3e, 0x56781234));
    expect(replay.differences).toMatchObject([{ kind: 'straddle', recorded: 0x56781234n }]);
  });

  it.each([
    ['in no BAR', 'register 3 0 4'],
    ['over the table', 'register 0 2000 4'],
    ['past its BAR', 'register 0 3ffe 4'],
  ])('leaves out registers %s, with a note', (_, text) => {
    log(POLICY, MARK(text), NIC, R(TABLE + 12, 1), R(0xfe200000, 5));
    expect(machine.notes).toEqual([expect.stringMatching(/^0000:01:00\.0: registers left out: /)]);
    expect(nic().msix?.count).toBe(4);
    expect(nic().counts.reads('direct')).toBe(1);
  });

  it('implies no reset', () => {
    log(POLICY, NIC, MAP(1), W(TABLE, 0xfee01004), UNMAP(1), MAP(2), MAP(1), R(TABLE, 0));
    expect(replay.reasons).toEqual({ width: 0, reset: 0, unexplained: 1 });
  });

  it.each([
    ['behind the table', 'table 40 1'],
    ['not of a dword', 'table 2 1'],
  ])('means nothing by words %s', (_, text) => {
    log(POLICY, NIC, MARK(text), MARK(text).replace('0100', '0300'), R(TABLE, 0), R(0x1000, 0));
    expect(replay.differenceCount).toBe(0);
  });

  it('means nothing by BARs that the function does not have, or that no address reaches', () => {
    log(POLICY, NIC, MARK('bar 3 fe300000'), MARK('bar 0 20000000000000'), R(TABLE, 0));
    expect(decoded('01:00.0')).toEqual({ 0: 'fe200000', 6: 'fe400000' });
    expect(replay.differenceCount).toBe(0);
  });

  it('means nothing by functions that it does not have', () => {
    const lines = ['bar 0 0', 'reset', 'control 8000', 'table 0 1', 'region fe204000 1000'].map((text) =>
      MARK(text).replace('0100', '0300'),
    );
    log(POLICY, NIC, ...lines);
    expect(replay.functions).toHaveLength(1);
  });
});

describe('resets', () => {
  beforeEach(() => log('VERSION 20070824', NIC, MAP(1), W(TABLE, 0xfee01004), W(TABLE + 0xc, 0)));

  it.each([
    ['the table was unmapped and mapped again', [UNMAP(1), MAP(2)]],
    ['another boot: VERSION again', ['VERSION 20070824', NIC]],
    ['another boot: maps counted from the start', [MAP(1)]],
  ])('implied: %s', (_, lines) => {
    log(...lines, R(TABLE, 0), R(TABLE + 0xc, 1));
    expect(replay.reasons).toEqual({ width: 0, reset: 1, unexplained: 0 });
  });

  it.each([
    ['nothing happened', []],
    ['mapped twice', [MAP(2)]],
    ['unmapped only', [UNMAP(1)]],
    ['something else was mapped', [UNMAP(1), MAP(2).replace('0xfe202000', '0xfe200000')]],
  ])('not implied: %s', (_, lines) => {
    log(...lines, R(TABLE, 0));
    expect(replay.reasons).toEqual({ width: 0, reset: 0, unexplained: 1 });
  });
});

it('events that the tracer lost are added up', () => {
  log('CPU:1 [LOST 7 EVENTS]', NIC, 'CPU:0 [LOST 12 EVENTS]');
  expect(machine.lostEvents).toBe(19);
});
