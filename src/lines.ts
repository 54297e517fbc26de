import { createReadStream, ReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from './input-error.js';

/** Gets a line's bytes in [start, end), without its end; they are valid during the call only. False ends the reading. */
export type LineSink = (bytes: Buffer, start: number, end: number, line: number) => unknown;

/** The path of a file, or a stream with its name in messages. */
export type LineSource = string | { readonly name: string; readonly stream: Readable };

/** Bytes of the file, as stored, that were read so far. */
export type Progress = (done: number, total: number) => void;

export interface LineOptions {
  /** Of a file. */
  readonly progress?: Progress;
  /** Bytes of a line at most. */
  readonly longest?: number;
  /** MiB of all lines at most, of a file also as stored. */
  readonly most?: number;
}

const MEBIBYTE = 1 << 20;
const CHUNK = 1 << 20;
/** A longer line is no text log; also bounds the memory. */
const LONGEST_LINE = 1 << 16;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/**
 * Reads text, plain or gzip (told by its first bytes), line by line. False: the last line has no end, the text may be cut.
 * Throws `InputError`.
 */
export async function readLines(
  source: LineSource,
  sink: LineSink,
  { progress, longest = LONGEST_LINE, most = Number.POSITIVE_INFINITY }: LineOptions = {},
): Promise<boolean> {
  const isFile = typeof source === 'string';
  const name = isFile ? source : source.name;
  const lines = new Lines(name, sink, longest);
  let left = most * MEBIBYTE;
  const expectRoom = (bytes: number) => {
    if (bytes > left) throw new InputError(`${name}: expected at most ${most} MiB`);
  };
  try {
    const size = isFile ? (await fileAt(source)).size : 0;
    expectRoom(size);
    const stream = isFile ? createReadStream(source, { highWaterMark: CHUNK }) : source.stream;
    for await (const chunk of plainText(stream)) {
      expectRoom(chunk.length);
      left -= chunk.length;
      if (!lines.feed(chunk)) return true;
      if (stream instanceof ReadStream) progress?.(stream.bytesRead, size);
    }
    return lines.end();
  } catch (error) {
    throw asInputError(name, lines.line + 1, error);
  }
}

/** Cuts chunks into lines. */
class Lines {
  private readonly path: string;
  private readonly sink: LineSink;
  private readonly longest: number;
  /** Lines given so far. */
  line = 0;
  /** The start of a line that goes on in the next chunk. */
  private rest = Buffer.alloc(0);

  constructor(path: string, sink: LineSink, longest: number) {
    this.path = path;
    this.sink = sink;
    this.longest = longest;
  }

  /** False: the sink has seen enough. */
  feed(chunk: Buffer): boolean {
    let start = 0;
    let end = chunk.indexOf(NEWLINE);
    if (this.rest.length > 0) {
      const line = Buffer.concat([this.rest, end < 0 ? chunk : chunk.subarray(0, end)]);
      this.keep(end < 0 ? line : line.subarray(0, 0));
      if (end < 0) return true;
      if (this.give(line, 0, line.length) === false) return false;
      start = end + 1;
      end = chunk.indexOf(NEWLINE, start);
    }
    while (end >= 0) {
      if (this.give(chunk, start, end) === false) return false;
      start = end + 1;
      end = chunk.indexOf(NEWLINE, start);
    }
    this.keep(Buffer.from(chunk.subarray(start)));
    return true;
  }

  /** Gives a last line that has no end; false: there was one. */
  end(): boolean {
    const isEnded = this.rest.length === 0;
    if (!isEnded) this.give(this.rest, 0, this.rest.length);
    else if (this.line === 0) throw new InputError(`${this.path} is empty`);
    return isEnded;
  }

  private give(bytes: Buffer, start: number, end: number): unknown {
    this.check(end - start);
    const last = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    return this.sink(bytes, start, last, ++this.line);
  }

  private keep(rest: Buffer<ArrayBuffer>): void {
    this.check(rest.length);
    this.rest = rest;
  }

  private check(length: number): void {
    if (length <= this.longest) return;
    throw new InputError(
      `${this.path}:${this.line + 1}: expected a line of text of at most ${this.longest} bytes`,
    );
  }
}

async function fileAt(path: string): Promise<Stats> {
  const file = await stat(path);
  // Opened twice: a pipe would be empty the second time.
  if (!file.isFile() && !file.isDirectory()) throw new InputError(`${path} is not a regular file`);
  return file;
}

/** The stream's bytes, unpacked. Closes it. */
async function* plainText(stream: Readable): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    const first = await chunks.next();
    if (first.done) return;
    // RFC 1952 2.3.1: ID1 and ID2.
    if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* unpacked(first, chunks);
    else
      for (let next: IteratorResult<Buffer> = first; !next.done; next = await chunks.next()) yield next.value;
  } finally {
    stream.destroy();
  }
}

async function* unpacked(
  first: IteratorResult<Buffer>,
  chunks: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const feed = async () => {
    for (let next = first; !next.done; next = await chunks.next()) {
      if (!gunzip.write(next.value)) await new Promise((resolve) => gunzip.once('drain', resolve));
    }
    gunzip.end();
  };
  feed().catch((error) => gunzip.destroy(error));
  try {
    yield* gunzip;
  } finally {
    gunzip.destroy();
  }
}

export function asInputError(path: string, line: number, error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return new InputError(`${path}: no such file`);
    case 'EISDIR':
      return new InputError(`${path} is a directory`);
    case 'EACCES':
    case 'EPERM':
      return new InputError(`${path}: permission denied`);
    case 'Z_BUF_ERROR':
      return new InputError(`${path}:${line}: the gzip data end too early`);
    case 'Z_DATA_ERROR':
    case 'ERR_TRAILING_JUNK_AFTER_STREAM_END':
      return new InputError(`${path}:${line}: the gzip data are damaged`);
    default:
      // What else the system says: an I/O error, a name that is too long.
      return error instanceof Error && 'errno' in error ? new InputError(`${path}: ${error.message}`) : error;
  }
}
