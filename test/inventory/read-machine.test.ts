import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import { readInventory, readMachine } from '../../src/inventory/read-machine.js';
import { fileIn, temporaryFolder } from '../temporary.js';
import { lspciOf, plant } from './dumps.js';

const folder = temporaryFolder();
const file = fileIn(folder);

const input = (...chunks: readonly (string | Buffer)[]) =>
  Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

const BAR = '00:05.0 Thing\n\tRegion 0: Memory at fe200000 (64-bit, non-prefetchable)';
const SIZED = `${BAR} [size=16K]`;

async function refusal(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).not.toContain('\n');
  return error.message;
}

describe('several sources', () => {
  it('are one machine: files, gzip files, standard input', async () => {
    const machine = await readMachine({
      files: [file(BAR), '-', file(gzipSync('IOMMU Group 3 00:05.0 Thing\n'))],
      input: input(SIZED, '\n00:04.0 Other', '\nfe200000-fe3fffff : PCI Bus 0000:01'),
    });
    expect(machine.functions).toMatchObject([
      { sbdf: 0x20 },
      { sbdf: 0x28, iommuGroup: 3, bars: [{ address: 0xfe200000, size: 2 ** 14 }] },
    ]);
    expect(machine.memory).toHaveLength(1);
  });

  it('the first is believed, a later one fills', async () => {
    const other = SIZED.replace('fe200000', 'fe300000');
    const { functions } = await readMachine({ files: [file(BAR), file(other)] });
    expect(functions[0].bars).toMatchObject([{ address: 0xfe200000, size: 2 ** 14 }]);
  });

  it('sysfs fills what the files do not show', async () => {
    const tree = join(folder, 'sysfs');
    plant(join(tree, '0000:00:05.0'), {
      resource: `0x00000000fe200000 0x00000000fe203fff 0x0000000000140204\n${'0x0 0x0 0x0\n'.repeat(6)}`,
      irq: '22\n',
    });
    const { functions } = await readMachine({ files: [file(BAR)], sysfs: tree });
    expect(functions).toMatchObject([{ name: 'Thing', bars: [{ size: 2 ** 14 }], interrupt: { irq: 22 } }]);
    const { functions: alone } = await readMachine({ files: [], sysfs: tree });
    expect(alone).toMatchObject([{ sbdf: 0x28 }]);
  });

  it('a recorded machine through a stream, in pieces', async () => {
    const text = readFileSync(lspciOf('m3'));
    const pieces = Array.from({ length: Math.ceil(text.length / 777) }, (_, index) =>
      text.subarray(777 * index, 777 * (index + 1)),
    );
    expect(await readMachine({ files: ['-'], input: input(...pieces) })).toEqual(
      await readMachine({ files: [lspciOf('m3')] }),
    );
  });
});

describe('what an audit must bear, and a replay refuses', () => {
  it.each([
    ['a size that is no multiple of 16', SIZED.replace('16K', '100'), /multiple of 16, got 100$/],
    ['an upper half that is in use', `${SIZED}\n\tRegion 1: I/O ports at c000 [size=32]`, /nothing beside/],
    ['one BAR twice', `${SIZED}\n\tRegion 0: Memory at fe300000 (64-bit)`, /expected it once$/],
  ])('%s', async (_, text, message) => {
    const path = file(text);
    const { functions } = await readMachine({ files: [path] });
    expect(functions[0].bars.length).toBe(text.match(/Region/g)?.length);
    expect(await refusal(readInventory([path]))).toMatch(message);
  });

  it('what is above 2^52 is left out, and said', async () => {
    const text = `${SIZED}\n\tRegion 2: Memory at fff0000000000000 (64-bit, prefetchable) [size=16K]`;
    const path = file(text);
    const { functions, unseen } = await readMachine({ files: [path] });
    expect(functions[0].bars).toMatchObject([{ index: 0 }]);
    expect(unseen).toContain(
      'addresses above 2^52 or MSI-X tables of more than 2048 entries of 0000:00:05.0',
    );
    expect(await refusal(readInventory([path]))).toMatch(/below 2\^52$/);
  });
});

describe('bad input', () => {
  it.each([
    ['an empty file', '', /is empty$/],
    ['another text', 'hello\nworld\n', /: expected the output of lspci, found no function$/],
    [
      'memory without functions',
      'fe200000-fe3fffff : x\n',
      /: expected the output of lspci, found no function$/,
    ],
    ['a zero byte', `${SIZED}\nx\0y\n`, /:3: expected text, found a zero byte$/],
    ['a long line', 'x'.repeat(70_000), /:1: expected a line of text of at most 65536 bytes$/],
    [
      'more functions than a machine has',
      Array.from({ length: 65_538 }, (_, index) => {
        const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
        return `${hex(index >> 8, 4)}:${hex(index & 255, 2)}:00.0 x`;
      }).join('\n'),
      /expected at most 65536 functions, and as many ranges of memory$/,
    ],
    [
      'more memory than a machine has',
      'fe200000-fe3fffff : x\n'.repeat(65_537),
      /:65537: expected at most 65536 functions, and as many ranges of memory$/,
    ],
  ])('%s', async (_, text, message) => {
    expect(await refusal(readMachine({ files: [file(text)] }))).toMatch(message);
    expect(await refusal(readMachine({ files: ['-'], input: input(text) }))).toMatch(message);
  });

  it('no file, no such file, standard input twice', async () => {
    expect(await refusal(readMachine({ files: [] }))).toBe(
      'no file: expected the output of lspci, found no function',
    );
    expect(await refusal(readMachine({ files: [join(folder, 'none')] }))).toMatch(/none: no such file$/);
    expect(await refusal(readMachine({ files: ['-', '-'], input: input(SIZED) }))).toBe(
      'expected standard input, -, once',
    );
  });
});

describe('200 MB', () => {
  const LINES = Buffer.from(`${SIZED}\n${`${'a line of text, '.repeat(60)}\n`.repeat(1_050)}`);
  function* endless() {
    for (let count = 0; count < 200; count++) yield LINES;
  }

  it('of zeros and of lines, in a file, are refused before they are read', async () => {
    const zeros = file('x');
    truncateSync(zeros, 200e6);
    const lines = file(LINES);
    writeFileSync(lines, Buffer.concat(Array.from({ length: 200 }, () => LINES)));
    for (const path of [zeros, lines]) {
      expect(await refusal(readMachine({ files: [path] }))).toBe(`${path}: expected at most 128 MiB`);
    }
  });

  it('of lines in a stream are refused, and do not pile up', async () => {
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    const reading = readMachine({ files: ['-'], input: Readable.from(endless()) });
    expect(await refusal(reading)).toBe('standard input: expected at most 128 MiB');
    const after = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    expect(after - before).toBeLessThan(100e6);
  });

  it('of zeros in a stream are refused at once', async () => {
    let chunks = 0;
    function* zeros() {
      for (; chunks < 200; chunks++) yield Buffer.alloc(1 << 20);
    }
    const reading = readMachine({ files: ['-'], input: Readable.from(zeros(), { highWaterMark: 1 }) });
    expect(await refusal(reading)).toMatch(/at most 65536 bytes$/);
    expect(chunks).toBeLessThan(5);
  });

  it('unpacked from a small file are refused', async () => {
    const packed = file(gzipSync(Buffer.concat(Array.from({ length: 140 }, () => LINES)), { level: 1 }));
    expect(await refusal(readMachine({ files: [packed] }))).toMatch(/expected at most 128 MiB$/);
  });
});

describe('a text that ends without a line end', () => {
  const told = async (text: string) => {
    const { unseen } = await readMachine({ files: [file(text)] });
    return unseen.filter((sentence) => sentence.includes('not ended'));
  };

  it('may be cut: the function at its end is named', async () => {
    expect(await told(`${SIZED}\n\n00:06.0 Other\n\tControl: I/O+ Mem+ BusMaster- DisINTx-\n\tStat`)).toEqual(
      ['what may follow the end of the text, and the rest of 0000:00:06.0: its last line is not ended'],
    );
  });

  it.each([
    ['its last line is ended', `${SIZED}\n`],
    ['it ends with the first line of a function', `${SIZED}\n00:06.0 Other`],
  ])('is not told where %s', async (_, text) => {
    expect(await told(text)).toEqual([]);
  });
});
