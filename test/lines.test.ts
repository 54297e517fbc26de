import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/input-error.js';
import { asInputError, type LineSource, readLines } from '../src/lines.js';
import { textOf } from '../src/trace/digits.js';
import { temporaryFolder } from './temporary.js';

const folder = temporaryFolder();

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(folder, `${files++}`);
  writeFileSync(path, content);
  return path;
}

async function linesOf(source: LineSource): Promise<string[]> {
  const lines: string[] = [];
  await readLines(source, (bytes, start, end, line) => {
    expect(line).toBe(lines.length + 1);
    lines.push(textOf(bytes, start, end));
  });
  return lines;
}

/** Longer than the chunks in which files are read. */
const long = Array.from({ length: 60_000 }, (_, index) => `${index} ${'x'.repeat(index % 97)}`);

describe('lines', () => {
  it.each([
    ['of a plain file', (text: string) => text],
    ['of a gzip file, whatever its name', (text: string) => gzipSync(text)],
    [
      'of a gzip file of two members',
      (text: string) => {
        const middle = text.length >> 1;
        return Buffer.concat([gzipSync(text.slice(0, middle)), gzipSync(text.slice(middle))]);
      },
    ],
  ])('%s', async (_, packed) => {
    expect(await linesOf(file(packed('one\n\ntwo\r\nthree')))).toEqual(['one', '', 'two', 'three']);
    expect(await linesOf(file(packed('one\n')))).toEqual(['one']);
    expect(await linesOf(file(packed('\n')))).toEqual(['']);
    expect(await linesOf(file(packed(`${long.join('\n')}\n`)))).toEqual(long);
  });

  it('end when the sink has seen enough', async () => {
    const seen: number[] = [];
    await readLines(file(gzipSync(`${long.join('\n')}\n`)), (_, __, ___, line) => seen.push(line) < 3);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('report the bytes that were read', async () => {
    const path = file(`${long.join('\n')}\n`);
    const reports: [number, number][] = [];
    await readLines(path, () => {}, { progress: (done, total) => reports.push([done, total]) });
    expect(reports.length).toBeGreaterThan(1);
    expect(reports.every(([done], index) => index === 0 || done > reports[index - 1][0])).toBe(true);
    expect(reports.at(-1)![0]).toBe(reports.at(-1)![1]);
  });
});

describe('a stream', () => {
  const named = (chunks: Iterable<Buffer>) => ({ name: 'standard input', stream: Readable.from(chunks) });

  it.each([
    ['plain', Buffer.from(`${long.join('\n')}\n`)],
    ['gzip', gzipSync(`${long.join('\n')}\n`)],
  ])('%s, in pieces', async (_, bytes) => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1009) }, (_, index) =>
      bytes.subarray(1009 * index, 1009 * (index + 1)),
    );
    expect(await linesOf(named(pieces))).toEqual(long);
  });

  it('that is empty', async () => {
    await expect(linesOf(named([]))).rejects.toThrow(/^standard input is empty$/);
  });
});

describe('a limit', () => {
  const line = Buffer.from(`${'x'.repeat(1023)}\n`);
  const mebibyte = Buffer.concat(Array.from({ length: 1024 }, () => line));

  it.each([
    ['a file', (bytes: Buffer) => file(bytes)],
    ['a gzip file, unpacked', (bytes: Buffer) => file(gzipSync(bytes))],
    ['a stream', (bytes: Buffer) => ({ name: 'it', stream: Readable.from([bytes]) })],
  ])('of %s', async (_, source) => {
    let lines = 0;
    await readLines(source(mebibyte), () => void lines++, { most: 1 });
    expect(lines).toBe(1024);
    const reading = readLines(source(Buffer.concat([mebibyte, line])), () => {}, { most: 1 });
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(/: expected at most 1 MiB$/);
  });

  it('is told by the size of a file before it is read', async () => {
    const path = file('one\n');
    truncateSync(path, 2 ** 30);
    let lines = 0;
    await expect(readLines(path, () => void lines++, { most: 128 })).rejects.toThrow(/at most 128 MiB$/);
    expect(lines).toBe(0);
  });
});

it.each([
  ['EACCES', 'disk: permission denied'],
  ['EPERM', 'disk: permission denied'],
  ['Z_BUF_ERROR', 'disk:7: the gzip data end too early'],
  ['Z_DATA_ERROR', 'disk:7: the gzip data are damaged'],
  ['ERR_TRAILING_JUNK_AFTER_STREAM_END', 'disk:7: the gzip data are damaged'],
])('the error %s of a file is told as: %s', (code, message) => {
  const told = asInputError('disk', 7, Object.assign(new Error('as it is'), { code }));
  expect(told).toBeInstanceOf(InputError);
  expect(told).toHaveProperty('message', message);
});

describe('bad input', () => {
  const packed = gzipSync(long.join('\n'));

  it.each([
    ['an empty file', '', /is empty$/],
    ['an empty gzip file', gzipSync(''), /is empty$/],
    ['a cut gzip file', packed.subarray(0, packed.length - 100), /gzip data end too early$/],
    [
      'a damaged gzip file',
      Buffer.concat([packed.subarray(0, 5000), Buffer.alloc(5000)]),
      /gzip data (are damaged|end too early)$/,
    ],
    ['no text', Buffer.alloc(1 << 21), /:1: expected a line of text of at most 65536 bytes$/],
    [
      'a line that is too long, and ends',
      `one\n${'x'.repeat(65537)}\n`,
      /:2: expected a line of text of at most 65536 bytes$/,
    ],
  ])('%s', async (_, content, message) => {
    const reading = linesOf(file(content));
    await expect(reading).rejects.toThrow(InputError);
    await expect(reading).rejects.toThrow(message);
  });

  it('no file, or a folder', async () => {
    await expect(linesOf(join(folder, 'none'))).rejects.toThrow(/none: no such file$/);
    mkdirSync(join(folder, 'folder'));
    await expect(linesOf(join(folder, 'folder'))).rejects.toThrow(/folder is a directory$/);
  });

  it('a sink that throws', async () => {
    const reading = readLines(file('one\n'), () => {
      throw new RangeError('mine');
    });
    await expect(reading).rejects.toThrow(RangeError);
  });
});
