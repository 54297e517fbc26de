import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '../cli/input-error.js';

/** A step's effects fit many times over; a file without line ends must not fill the memory. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** The lines of a plain or gzip file (told by its magic bytes), as a stream. */
export async function* readLines(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const text of textOf(path)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > LONGEST_LINE) throw new InputError(`a line is longer than ${LONGEST_LINE} characters`);
  }
  if (rest !== '') yield rest;
}

async function* textOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  try {
    const chunks = file[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
    let head = Buffer.alloc(0);
    while (head.length < 2) {
      const next = await chunks.next();
      if (next.done) break;
      head = Buffer.concat([head, next.value]);
    }
    const bytes = Readable.from(prepend(head, chunks), { objectMode: false });
    // RFC 1952, 2.3.1: ID1 = 31, ID2 = 139.
    if (head[0] !== 31 || head[1] !== 139) yield* bytes.setEncoding('utf8');
    else {
      const plain = createGunzip().setEncoding('utf8');
      bytes.on('error', (error) => plain.destroy(error));
      yield* bytes.pipe(plain);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new InputError(reasonOf(error));
    throw error;
  } finally {
    file.destroy();
  }
}

async function* prepend(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

function reasonOf(error: Error & { code?: unknown }): string {
  if (error.code === 'Z_BUF_ERROR') return 'the gzip data is cut off';
  if (error.code === 'ENOENT') return 'no such file';
  if (error.code === 'EISDIR') return 'is a directory';
  return error.message;
}
