import { describe, expect, it } from 'vitest';
import { help, run as stolen } from '../../src/cli/stolen.js';
import { catchPrinted, printed } from './printed.js';

catchPrinted();

const GEN9 = ['--device', '0x3e92', '--ggc', '0x02c0', '--bdsm', '0x7c000001'];
const run = (...args: string[]) => stolen(args);

it('its example as printed', async () => {
  const [, command, output] = /^ {2}\$ trapline stolen (.*)\n((?: {2}.*\n)+)/m.exec(help) as RegExpExecArray;
  printed.clear();
  expect(await run(...command.split(' '))).toBe(0);
  expect(printed.text).toBe(output.replaceAll(/^ {2}/gm, ''));
});

it('--json is the plan with what was decoded', async () => {
  expect(await run(...GEN9, '--ram', '0x7e000000', '--high-ram', '1G', '--json', '--trap')).toBe(0);
  expect(JSON.parse(printed.text)).toMatchObject({
    generation: 'gen9',
    control: { size: 0x4000000, gttSize: 0x800000 },
    case: 'B',
    wasted: 0x2000000,
    allocated: 0x2000000,
    e820: [
      { start: 0, end: 0x7c000000, type: 'ram' },
      { start: 0x7c000000, end: 0x80000000, type: 'reserved' },
      { start: 0x100000000, end: 0x140000000, type: 'ram' },
    ],
    mapped: [],
    trapped: [{ start: 0x7c000000, end: 0x80000000 }],
    registers: expect.arrayContaining([
      { name: 'BDSM', space: 'bar0', offset: 0x1080c0, width: 4, value: 0x7c000001 },
    ]),
    iommuBypass: expect.arrayContaining([expect.objectContaining({ block: 'GuC' })]),
  });
});

it('64 bits of BDSM from gen11 on', async () => {
  await run('--generation', 'gen11', '--ggc', '0x02c0', '--bdsm', '0x480000001', '--ram', '2g');
  expect(printed.text).toMatch(
    /^gen11: 64 MiB of stolen memory at 0x480000000-0x484000000\ncase C: outside RAM;/,
  );
});

it('firmware ranges, the limit and the base', async () => {
  await run(
    ...GEN9,
    '--ram',
    '2048M',
    '--reserve',
    '0x9fc00-0x100000',
    '--base',
    '0x7c000000',
    '--limit',
    '2G',
  );
  expect(printed.text).toContain('  0x9fc00-0x100000  reserved\n');
});

it('parts without BDSM', async () => {
  await run('--generation', 'i830', '--ggc', '0x40', '--drb3', '8', '--esmramc', '3', '--ram', '16M');
  expect(printed.text).toMatch(/^i830: 8 MiB of stolen memory at 0xf700000-0xff00000\n/);
  expect(printed.text).toContain('before gen8 i915 leaves stolen memory alone');
  printed.clear();
  await run('--generation', 'i865', '--ggc', '0x40', '--toud', '0x3f80', '--esmramc', '0', '--ram', '16M');
  expect(printed.text).toMatch(/^i865: 16 MiB of stolen memory at 0x3f800000-/);
  printed.clear();
  await run('--generation', 'meteorlake', '--ggc', '0x02c0', '--ram', '1G');
  expect(
    printed.text,
  ).toBe(`meteorlake: stolen memory has no base register and is reached through BAR 2: nothing to plan
E820
  0x0-0x40000000  ram
registers that the guest must read
  bar0 0x108040, 2 bytes  GGC = 0x2c0
`);
});

it('the function that the reserved region is of', async () => {
  await run(...GEN9, '--ram', '3G', '--sbdf', '0000:03:00.0');
  expect(printed.text).toContain('  0x7c000000-0x80000000  RMRR of 0000:03:00.0, for a guest');
  printed.clear();
  await run(...GEN9, '--ram', '3G', '--sbdf', '05:01.2', '--json');
  expect(JSON.parse(printed.text).reservedRegion.sbdf).toBe(0x50a);
});

it('no stolen memory, and a warning', async () => {
  await run('--generation', 'gen5', '--ggc', '0xe0', '--bdsm', '0', '--ram', '1G');
  expect(printed.text).toMatch(
    /^warning: size field 0xe of GGC 0xe0 .*\ngen5: no stolen memory: nothing to plan\nE820\n/,
  );
});

describe('bad input', () => {
  it.each<[string[], RegExp]>([
    [[], /^expected either --device ID or --generation NAME$/],
    [[...GEN9, '--generation', 'gen9'], /^expected either/],
    [['--device', '0x7d55'], /^--device: 0x7d55 is not known; say what it is by --generation NAME$/],
    [['--device', '0x10000'], /deviceId 0x10000 is not an integer/],
    [['--generation', 'gen99'], /^--generation: expected i830, .*, got gen99$/],
    [['--generation', 'gen9'], /^expected --ggc N/],
    [GEN9, /^expected --ram SIZE/],
    [['--generation', 'gen9', '--ggc', '0', '--ram', '1G'], /^expected --bdsm N/],
    [['--generation', 'i865', '--ggc', '0', '--ram', '1G'], /toud undefined is not an integer/],
    [[...GEN9, '--ram', '3T'], /^--ram: expected a number .*, got 3T$/],
    [[...GEN9, '--ram', 'c0'], /^--ram: expected a number/],
    [[...GEN9, '--ram', ''], /^--ram: expected a number/],
    [[...GEN9, '--ram', '0x10000000000001'], /^--ram: expected a number up to 2\^52/],
    [[...GEN9, '--ram', '5G'], /ram.low 0x140000000 is no multiple of 4096 in \[0, 0x100000000\]/],
    [[...GEN9, '--ram', '1G', '--mmio', '1'], /^--mmio: expected A-B, got 1$/],
    [[...GEN9, '--ram', '1G', '--mmio', '1-2-3'], /^--mmio: expected A-B/],
    [[...GEN9, '--ram', '1G', '--reserve', '2-1'], /--reserve 0x2-0x1 is no range/],
    [[...GEN9, '--ram', '1G', '--mmio', '0x7d000000-0x7e000000'], /0x7c000000-0x80000000 overlaps --mmio/],
    [
      [...GEN9, '--ram', '1G', '--base', '0x7b000000'],
      /expected.base 0x7b000000 is not the device's 0x7c000000/,
    ],
    [[...GEN9, '--ram', '1G', '--limit', '0x7fffffff'], /above the limit 0x7fffffff/],
    [
      ['--generation', 'meteorlake', '--ggc', '0x2c0', '--ram', '1G', '--base', '0'],
      /^--base: meteorlake has no/,
    ],
    [
      ['--generation', 'gen9', '--ggc', '0x2c0', '--bdsm', '0x17c000000', '--ram', '1G'],
      /bdsm 0x17c000000 is not/,
    ],
    [[...GEN9, '--ram', '1G', '--sbdf', '0:2.0:1'], /^sbdf "0:2.0:1" is not of the form 0000:bb:dd.f$/],
    [[...GEN9, '--what'], /Unknown option '--what'/],
    [[...GEN9, 'what'], /Unexpected argument 'what'/],
  ])('%j', async (args, message) => {
    await expect(stolen(args)).rejects.toThrow(message);
    expect(printed.text).toBe('');
  });
});
