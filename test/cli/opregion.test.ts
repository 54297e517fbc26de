import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as opregion } from '../../src/cli/opregion.js';
import { image, laptopDump, vbtTable } from '../regions/opregion-images.js';
import { temporaryFolder } from '../temporary.js';
import { catchPrinted, printed } from './printed.js';

const folder = temporaryFolder();

catchPrinted();

const FIXTURE = 'test/fixtures/opregion/opregion-2.0.bin';

const file = (bytes: Uint8Array | string, name = 'dump.bin'): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** The laptop's dump with other contents, and what lies behind it. */
function dump(change: (view: DataView, bytes: Uint8Array) => void, ...behind: Uint8Array[]): string {
  const bytes = laptopDump();
  change(new DataView(bytes.buffer), bytes);
  return file(Buffer.concat([bytes, ...behind]));
}

const located = (version: number, rvda: bigint, rvds: number) => (view: DataView) => {
  view.setUint16(0x16, version, true);
  view.setBigUint64(0x3ba, rvda, true);
  view.setUint32(0x3c2, rvds, true);
};

it('the example is the dump that the tests make', () => {
  expect(new Uint8Array(readFileSync(FIXTURE))).toEqual(laptopDump());
});

it('a VBT behind a 2.1 is decoded', async () => {
  expect(await opregion([dump(located(0x0201, 0x2000n, 0x2200), vbtTable(0x2200))])).toBe(0);
  expect(printed.text).toContain(`
  VBT         extended, 8704 bytes at 0x2000 from the OpRegion's start
              $VBT SYNTHETIC, version 100, 8704 bytes, header 48, checksum 0x5a
              BDB at 0x30, BIOS_DATA_BLOCK, version 228, 8656 bytes
  guest       2.1, 16896 bytes, RVDA 0x2000
`);
  expect(printed.text).not.toMatch(/note|wrong/);
});

it('a VBT in mailbox 4, which has 6 KiB with mailbox 5 and 7 KiB without', async () => {
  const change = (mailboxes: number) => (view: DataView, bytes: Uint8Array) => {
    located(0x0200, 0n, 0)(view);
    view.setUint32(0x58, mailboxes, true);
    bytes.set(vbtTable(0x1801), 0x400);
  };
  expect(await opregion([dump(change(0b01111))])).toBe(0);
  expect(printed.text).toContain('  VBT         in mailbox 4, room for 7168 bytes\n');
  expect(printed.text).toContain('  guest       2.0, 8192 bytes, RVDA 0x0\n');
  printed.clear();
  expect(await opregion([dump(change(0b11111))])).toBe(1);
  expect(printed.text).toContain('  VBT         in mailbox 4, room for 6144 bytes\n');
  expect(printed.text).toContain('  wrong       VBT: it says 6145 bytes, its place has 6144\n');
});

describe('what is wrong', () => {
  const mailbox4 = (spoil: (view: DataView) => void) => (view: DataView, bytes: Uint8Array) => {
    located(0x0200, 0n, 0)(view);
    bytes.set(vbtTable(1000, spoil), 0x400);
  };

  it.each<[string, (view: DataView, bytes: Uint8Array) => void, Uint8Array[]]>([
    ['SIZE: expected 8 KiB, got 0', (view) => view.setUint32(0x10, 0, true), []],
    ['SIZE: expected 8 KiB, got 16', (view) => view.setUint32(0x10, 16, true), []],
    ['RVDS: expected a VBT of at most 65536 bytes, got 65537', located(0x0200, 0x1000n, 65537), []],
    [
      'RVDA: expected a VBT below 2^52, got it at 0xffffffffffffffff',
      located(0x0200, 0xffff_ffff_ffff_ffffn, 1),
      [],
    ],
    ['VBT: it does not begin with $VBT', located(0x0200, 0n, 0), []],
    ['VBT: it does not begin with $VBT', located(0x0201, 0x2000n, 64), [new Uint8Array(64)]],
    [
      'VBT: 47 bytes cannot hold its header of 48',
      located(0x0201, 0x2000n, 47),
      [vbtTable(100).subarray(0, 47)],
    ],
    [
      'dump: it ends after 99 of the 100 bytes of the VBT',
      located(0x0201, 0x2000n, 100),
      [vbtTable(100).subarray(1)],
    ],
    ['VBT: its header has 48 bytes, it says 47', mailbox4((view) => view.setUint16(22, 47, true)), []],
    ['VBT: it says 7169 bytes, its place has 7168', mailbox4((view) => view.setUint16(24, 7169, true)), []],
    ['VBT: its BDB at 47 lies over its header', mailbox4((view) => view.setUint32(28, 47, true)), []],
    [
      'VBT: its BDB at 4294967295 leaves the 1000 bytes of the VBT',
      mailbox4((view) => view.setUint32(28, 0xffff_ffff, true)),
      [],
    ],
    [
      'VBT: its BDB at 48, 953 bytes, leaves the 1000 bytes of the VBT',
      mailbox4((view) => view.setUint16(68, 953, true)),
      [],
    ],
  ])('%s', async (fault, change, behind) => {
    expect(await opregion([dump(change, ...behind)])).toBe(1);
    expect(printed.text).toContain(`  wrong       ${fault}\n`);
    printed.clear();
    expect(await opregion(['--json', join(folder, 'dump.bin')])).toBe(1);
    expect(JSON.parse(printed.text).faults).toContain(fault);
  });

  it('what Trapline refuses is said to be', async () => {
    await opregion([dump((view) => view.setUint32(0x10, 9, true))]);
    expect(printed.text).toContain('  guest       refused\n');
  });
});

describe('what is worth knowing', () => {
  const vbt = vbtTable(100);
  const mailbox4 = (bytes: Uint8Array) => bytes.set(vbt, 0x400);

  it.each<[string, (view: DataView, bytes: Uint8Array) => void, Uint8Array[]]>([
    ['RVDA 0x400 lies inside the OpRegion: i915 warns of that', located(0x0201, 0x400n, 100), []],
    [
      'RVDA 0x3000 leaves a gap behind the OpRegion: a guest is given 0x2000',
      located(0x0201, 0x3000n, 100),
      [new Uint8Array(0x1000), vbt],
    ],
    ['MBOX lacks mailbox 3, so i915 ignores RVDA and RVDS', (view) => view.setUint32(0x58, 0b1001, true), []],
    ['only one of RVDA and RVDS is set, so there is no extended VBT', located(0x0200, 0x1000n, 0), []],
    ['only one of RVDA and RVDS is set, so there is no extended VBT', located(0x0201, 0n, 1), []],
    ['RVDA has bytes before 2.0, where there is none: a guest reads 0', located(0x0103, 1n, 0), []],
    [
      'PCON bit 13: the platform has no display',
      (view) => {
        located(0x0203, 0n, 0)(view);
        view.setUint32(0x60, 1 << 13, true);
      },
      [],
    ],
    ['the reserved bytes 0x84 to 0xff are not all 0', (view) => view.setUint8(0xff, 1), []],
    [
      'the 3 bytes behind the OpRegion are not looked at: nothing says what they are',
      () => {},
      [new Uint8Array(3)],
    ],
  ])('%s', async (note, change, behind) => {
    const path = dump(
      (view, bytes) => {
        mailbox4(bytes);
        change(view, bytes);
      },
      ...behind,
    );
    expect(await opregion([path])).toBe(0);
    expect(printed.text).toContain(`  note        ${note}\n`);
  });

  it('a sound dump has nothing of it', async () => {
    const path = dump((view, bytes) => {
      mailbox4(bytes);
      located(0x0202, 0n, 0)(view);
      view.setUint32(0x60, 1 << 13, true);
    });
    expect(await opregion([path])).toBe(0);
    expect(printed.text).not.toMatch(/note|wrong/);
  });
});

it('--json is one object with every field of every mailbox', async () => {
  expect(await opregion(['--json', FIXTURE])).toBe(0);
  expect(printed.text.trimEnd().split('\n')).toHaveLength(1);
  const decoded = JSON.parse(printed.text);
  expect(decoded).toMatchObject({
    version: '2.0',
    size: 8192,
    systemBios: 'SYNTHETIC 1.0',
    videoBios: '',
    driver: '',
    gop: '9.0.1069',
    vbt: { place: 'absolute', rvda: '0x7a5b1000', room: 0x2200 },
    guest: { version: '2.1', size: 0x4200, rvda: 0x2000 },
    faults: [],
    notes: [expect.stringMatching(/absolute/)],
  });
  expect(decoded.mailboxes.map(({ supported }: { supported: boolean }) => supported)).toEqual([
    ...[true, false, true, true, false],
  ]);
  expect(decoded.mailboxes[0].fields).toMatchObject({
    DIDL: [0x400, 0x300, 0, 0, 0, 0, 0, 0],
    CLID: 1,
    CSTS: 0,
  });
  expect(decoded.mailboxes[2].fields).toMatchObject({ BCLP: 0x8000_00ff, RVDS: 0x2200, FDSS: '0x0' });
});

it('what is not printable cannot reach a terminal', async () => {
  // Every text of this image is full of control characters.
  const bytes = image({ version: 0x0200 });
  bytes.fill(0x1b, 0x18, 0x84);
  await opregion([file(bytes)]);
  expect(printed.text).toMatch(/^ {2}system BIOS \.{32}$/m);
  expect(printed.text).toMatch(/^ {2}video BIOS {2}\.{16}$/m);
  expect([...printed.text].every((letter) => letter === '\n' || (letter >= ' ' && letter <= '~'))).toBe(true);
});

describe('bad input', () => {
  it.each<[string, () => string, RegExp]>([
    ['an empty file', () => file(''), /expected an OpRegion of 8192 bytes, it is empty$/],
    [
      'nonsense',
      () => file(Uint8Array.from({ length: 9000 }, (_, index) => (index * 7919) >> 3)),
      /expected an OpRegion, which begins with IntelGraphicsMem$/,
    ],
    ['a part of the signature', () => file('IntelGraphicsMe'), /begins with IntelGraphicsMem$/],
    ['the signature alone', () => file('IntelGraphicsMem'), /of 8192 bytes, it ends after 16$/],
    ['a byte too little', () => file(laptopDump().subarray(0, 8191)), /ends after 8191$/],
    ['a VBT alone', () => file(vbtTable(0x2200)), /expected an OpRegion, this is a VBT alone$/],
    ['no file', () => join(folder, 'none'), /none: no such file$/],
    ['a folder', () => folder, / is a directory$/],
    [
      'more than 1 MiB',
      () => file(Buffer.concat([laptopDump(), Buffer.alloc(1 << 20)])),
      /at most 1 MiB, it is longer$/,
    ],
    ['an endless file', () => '/dev/zero', /at most 1 MiB, it is longer$/],
  ])('%s', async (_, path, message) => {
    await expect(opregion([path()])).rejects.toThrow(message);
    await expect(opregion(['--json', path()])).rejects.toThrow(message);
    expect(printed.text).toBe('');
  });

  it.each<[string[], RegExp]>([
    [[], /^expected one FILE, got 0$/],
    [[FIXTURE, FIXTURE], /^expected one FILE, got 2$/],
    [['--what', FIXTURE], /Unknown option '--what'/],
  ])('%j', async (args, message) => {
    await expect(opregion(args)).rejects.toThrow(message);
  });

  // The built program: `npm test` builds first.
  it('a file of 200 MB ends in one line and status 2, in little memory', () => {
    const path = join(folder, 'large.bin');
    const large = openSync(path, 'w');
    writeSync(large, laptopDump());
    ftruncateSync(large, 200_000_000);
    closeSync(large);
    const main = 'dist/src/cli/main.js';
    const code = `process.argv.splice(1, 0, '${main}'); process.on('exit', () => console.log(process.resourceUsage().maxRSS)); await import('./${main}');`;
    const args = ['--input-type=module', '-e', code, 'opregion', path];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^trapline opregion: [^\n]*at most 1 MiB, it is longer\n$/);
    // KiB.
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(150_000);
  });
});
