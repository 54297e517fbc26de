import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run as replay } from '../../src/cli/replay.js';
import { InputError } from '../../src/input-error.js';
import { fileIn, temporaryFolder } from '../temporary.js';

const folder = temporaryFolder();
const file = fileIn(folder);

let printed = '';
let errors = '';
beforeEach(() => {
  printed = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const M2 = 'test/fixtures/m2/mmiotrace.txt.gz';
const LSPCI = 'test/fixtures/m2/lspci.txt';
const INVENTORY = ['--inventory', LSPCI];
const HEAD = `VERSION 20070824
PCIDEV 0020 1af41044 14 0 fe001000 0 0 feb0000c 0 0 0 1000 0 0 4000 0 0 virtio-pci
`;

describe('the text for people', () => {
  it('has counts, widths, what was left out, assumptions, vectors and differences', async () => {
    expect(await replay(['test/fixtures/m2/qemu.log.gz', ...INVENTORY])).toBe(0);
    expect(printed).toMatch(
      /^test\/fixtures\/m2\/qemu\.log\.gz: QEMU log, an access for each P line; policy strict$/m,
    );
    expect(printed).toMatch(/^[\d,]+ accesses, 0 unclaimed$/m);
    expect(printed).toMatch(/^0000:00:04\.0 {2}Unclassified device/m);
    expect(printed).toMatch(/^ table +94 +126 +3 {2}R1 16, R2 8, R4 65, R8 5, W4 126$/m);
    expect(printed).toMatch(/^vectors armed: 33 times \(0000:00:04\.0 \d+, /m);
    expect(printed).toMatch(/^differences: 116$/m);
    expect(printed).toMatch(/^ {2}116 width: width or alignment/m);
    expect(printed).toMatch(
      /^ {2}line \d+: 0000:00:04\.0 table R1 0xfe001000: recorded 0x00, answered 0xff \(width\)$/m,
    );
    expect(errors).toBe('');
  });

  it('tells UNKNOWN lines and what the inventory had to say', async () => {
    expect(await replay([M2, ...INVENTORY])).toBe(0);
    expect(printed).toMatch(/accesses, 0 unclaimed, 64 UNKNOWN lines left out$/m);
    expect(printed).toMatch(
      /^assumed, as the inventory says Enable\+: MSI-X enabled and unmasked: 0000:00:04\.0, /m,
    );
    expect(printed).toMatch(/^differences: 0, every read was answered as recorded$/m);
  });
});

describe('--json', () => {
  it('is one object and nothing else', async () => {
    expect(await replay([M2, ...INVENTORY, '--json'])).toBe(0);
    const result = JSON.parse(printed);
    expect(Object.keys(result)).toEqual(['accesses', 'unclaimed', 'differences', 'reasons', 'functions']);
    expect(result).toMatchObject({
      unclaimed: 0,
      differences: 0,
      reasons: { width: 0, reset: 0, unexplained: 0 },
    });
    expect(result.functions).toHaveLength(29);
    for (const { sbdf, owners } of result.functions) {
      expect(sbdf).toMatch(/^0000:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/);
      expect(Object.keys(owners)).toEqual(['table', 'pba', 'adjacent', 'straddle', 'neighbour', 'direct']);
      for (const count of Object.values(owners))
        expect(Object.keys(count as object)).toEqual(['reads', 'writes']);
    }
    const total = result.functions
      .flatMap(({ owners }: { owners: Record<string, { reads: number; writes: number }> }) =>
        Object.values(owners),
      )
      .reduce((sum: number, { reads, writes }: { reads: number; writes: number }) => sum + reads + writes, 0);
    expect(total).toBe(result.accesses);
    expect(errors).toBe('');
  });
});

describe('exit status 1', () => {
  it('for a read that nothing explains', async () => {
    const path = file(`${HEAD}R 4 1.000000 1 0xfe001008 0x41 0x0 0\n`);
    expect(await replay([path, ...INVENTORY])).toBe(1);
    expect(printed).toMatch(
      /line 3: 0000:00:04\.0 table R4 0xfe001008: recorded 0x00000041, answered 0x00000000 \(unexplained\)/,
    );
  });

  it('not for one that the policy refuses', async () => {
    expect(
      await replay([file(`${HEAD}R 2 1.000000 1 0xfe001008 0x41 0x0 0\n`), ...INVENTORY, '--json']),
    ).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ differences: 1, reasons: { width: 1 } });
  });
});

describe('bad lines', () => {
  const path = file(
    `${HEAD}R 3 1.000000 1 0xfe001008 0x0 0x0 0\nW 4 1.000000 1 0xfe001008 0x0 0x0 0\nnonsense\n`,
  );

  it('are counted and told', async () => {
    expect(await replay([path, ...INVENTORY])).toBe(0);
    expect(printed).toMatch(/^1 access, 0 unclaimed, 0 UNKNOWN lines left out, 2 bad lines$/m);
    expect(errors.split('\n')).toEqual([
      `${path}:3: expected R or W, width 1, 2, 4 or 8, time, map, 0xaddress, 0xvalue, 0xpc, pid`,
      `${path}:5: expected VERSION, PCIDEV, MAP, UNMAP, R, W, UNKNOWN or MARK`,
      '',
    ]);
  });

  it('end a strict run at the first', async () => {
    await expect(replay([path, ...INVENTORY, '--strict'])).rejects.toThrow(
      new InputError(
        `${path}:3: expected R or W, width 1, 2, 4 or 8, time, map, 0xaddress, 0xvalue, 0xpc, pid`,
      ),
    );
    expect(printed).toBe('');
  });

  it('of many, the first ten', async () => {
    expect(
      await replay([file(`${HEAD}${'x\n'.repeat(12)}W 4 1.0 1 0x0 0x0 0x0 0\n`), ...INVENTORY, '--json']),
    ).toBe(0);
    expect(errors.trimEnd().split('\n')).toHaveLength(11);
    expect(errors).toMatch(/2 more bad lines$/m);
    expect(JSON.parse(printed)).toMatchObject({ accesses: 1, unclaimed: 1 });
  });
});

describe('--report', () => {
  it('writes a page that needs nothing else', async () => {
    const path = join(folder, 'report.html');
    expect(await replay(['test/fixtures/m2/qemu.log.gz', ...INVENTORY, '--report', path])).toBe(0);
    expect(printed).toMatch(`report: ${path}`);
    const page = readFileSync(path, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/(?:src|href)=|url\((?!#)|@import/);
  });

  it('beside --json keeps standard output to the object', async () => {
    const path = join(folder, 'beside.html');
    await replay([M2, ...INVENTORY, '--json', '--report', path]);
    expect(() => JSON.parse(printed)).not.toThrow();
    expect(existsSync(path)).toBe(true);
  });

  it('that cannot be written', async () => {
    const args = [M2, ...INVENTORY, '--report', join(folder, 'none', 'report.html')];
    await expect(replay(args)).rejects.toThrow(/^--report: cannot write .*report\.html: ENOENT$/);
  });
});

describe('bad input', () => {
  const cut = readFileSync(M2).subarray(0, 10_000);

  it.each<[string, () => string[], RegExp]>([
    ['no file', () => INVENTORY, /^expected one FILE, got 0$/],
    ['two files', () => [M2, M2, ...INVENTORY], /^expected one FILE, got 2$/],
    ['no inventory', () => [M2], /^expected --inventory FILE/],
    [
      'an unknown policy',
      () => [M2, ...INVENTORY, '--policy', 'lax'],
      /^--policy: expected xen, xenV3, strict, got lax$/,
    ],
    ['a missing trace', () => [join(folder, 'none'), ...INVENTORY], /none: no such file$/],
    ['a missing inventory', () => [M2, '--inventory', join(folder, 'none')], /none: no such file$/],
    [
      'an inventory that is none',
      () => [M2, '--inventory', file('hello\n')],
      /expected the output of lspci -vvv/,
    ],
    ['an empty trace', () => [file(''), ...INVENTORY], /is empty$/],
    [
      'a binary trace',
      () => [file(gunzipSync(readFileSync(M2)).map((byte) => byte ^ 0x95)), ...INVENTORY],
      /expected a/,
    ],
    [
      'a text that is no trace',
      () => [file('hello\nworld\n'), ...INVENTORY],
      /expected a Linux mmiotrace log or a QEMU trace log$/,
    ],
    ['a cut gzip file', () => [file(cut), ...INVENTORY], /the gzip data end too early$/],
    ['a trace without accesses', () => [file(HEAD), ...INVENTORY], /expected accesses, found none$/],
    ['an unknown option', () => [M2, ...INVENTORY, '--wrong'], /Unknown option '--wrong'/],
  ])('%s', async (_, args, message) => {
    await expect(replay(args())).rejects.toThrow(message);
    expect(printed).toBe('');
  });
});
