import { createReadStream, type ReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { InputError } from '../cli/input-error.js';

/** Gets a line's bytes in [start, end), without its end; they are valid during the call only. False ends the reading. */
export type LineSink = (bytes: Uint8Array, start: number, end: number, line: number) => unknown;

/** Bytes of the file, as stored, that were read so far. */
export type Progress = (done: number, total: number) => void;

const CHUNK = 1 << 20;
/** A longer line is no text log; also bounds the memory. */
const LONGEST_LINE = 1 << 16;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const NOTHING = new Uint8Array(0);

/** Reads a text file, plain or gzip (told by its first bytes), line by line. Throws `InputError`. */
export async function readLines(path: string, sink: LineSink, progress?: Progress): Promise<void> {
  const file = createReadStream(path, { highWaterMark: CHUNK });
  let line = 0;
  let rest = NOTHING;
  const cut = (bytes: Uint8Array, start: number, end: number): unknown =>
    sink(bytes, start, end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end, ++line);
  try {
    const { size } = await fileAt(path);
    for await (const chunk of plainText(file)) {
      let start = 0;
      if (rest.length > 0) {
        const end = chunk.indexOf(NEWLINE);
        const joined = Buffer.concat([rest, end < 0 ? chunk : chunk.subarray(0, end)]);
        if (joined.length > LONGEST_LINE) throw tooLong(path, line + 1);
        rest = end < 0 ? joined : NOTHING;
        if (end < 0) continue;
        if (cut(joined, 0, joined.length) === false) return;
        start = end + 1;
      }
      for (let at = start; at < chunk.length; at++) {
        if (chunk[at] !== NEWLINE) continue;
        if (cut(chunk, start, at) === false) return;
        start = at + 1;
      }
      if (chunk.length - start > LONGEST_LINE) throw tooLong(path, line + 1);
      if (start < chunk.length) rest = Uint8Array.from(chunk.subarray(start));
      progress?.(file.bytesRead, size);
    }
    if (rest.length > 0) cut(rest, 0, rest.length);
    else if (line === 0) throw new InputError(`${path} is empty`);
  } catch (error) {
    throw asInputError(path, error);
  } finally {
    file.destroy();
  }
}

async function fileAt(path: string): Promise<Stats> {
  const file = await stat(path);
  // Opened twice: a pipe would be empty the second time.
  if (!file.isFile() && !file.isDirectory()) throw new InputError(`${path} is not a regular file`);
  return file;
}

async function* plainText(file: ReadStream): AsyncGenerator<Uint8Array> {
  const chunks = file[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const first = await chunks.next();
  if (first.done) return;
  // RFC 1952 2.3.1: ID1 and ID2.
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
    return;
  }
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const feed = async () => {
    for (let next: IteratorResult<Uint8Array> = first; !next.done; next = await chunks.next()) {
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

function tooLong(path: string, line: number): InputError {
  return new InputError(`${path}:${line}: expected a line of text of at most ${LONGEST_LINE} bytes`);
}

function asInputError(path: string, error: unknown): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return new InputError(`${path}: no such file`);
    case 'EISDIR':
      return new InputError(`${path} is a directory`);
    case 'EACCES':
    case 'EPERM':
      return new InputError(`${path}: permission denied`);
    case 'Z_BUF_ERROR':
      return new InputError(`${path}: the gzip data end too early`);
    case 'Z_DATA_ERROR':
    case 'ERR_TRAILING_JUNK_AFTER_STREAM_END':
      return new InputError(`${path}: the gzip data are damaged`);
    default:
      return error;
  }
}
