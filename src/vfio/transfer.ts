import type { Width } from '../access.js';
import type { Range } from '../range.js';
import type { Errno } from './errno.js';

/** No positions. */
export const NOTHING: Range = { start: 0, end: 0 };

interface Accessible {
  /** The widest access. */
  readonly widest: Width;
  /** What is never accessed: it reads 0xff, and writes to it are dropped. */
  readonly excluded: Range;
}

/** What is read by single accesses, little endian, aligned to their width. */
export interface Source extends Accessible {
  /** One access, its value put at `index` of `into`. 0, or the errno that ends the transfer. */
  load(position: number, width: Width, into: DataView, index: number): 0 | Errno;
}

/** What is written as well. */
export interface Target extends Source {
  store(position: number, width: Width, from: DataView, index: number): 0 | Errno;
}

/** Reads all of `into`. Its length, or the errno of the first access that failed. */
export function readFrom(source: Source, position: number, into: Uint8Array): number {
  const view = viewOf(into);
  return transfer(
    source,
    position,
    into.length,
    (at, width, index) => source.load(at, width, view, index),
    (index, length) => into.fill(0xff, index, index + length),
  );
}

/** Writes all of `from`. Its length, or the errno of the first access that failed. */
export function writeTo(target: Target, position: number, from: Uint8Array): number {
  const view = viewOf(from);
  return transfer(
    target,
    position,
    from.length,
    (at, width, index) => target.store(at, width, view, index),
    () => {},
  );
}

/** vfio's loop: at each step the widest access that is aligned and fits before the excluded positions. */
function transfer(
  { widest, excluded: { start, end } }: Accessible,
  position: number,
  count: number,
  access: (position: number, width: Width, index: number) => 0 | Errno,
  skip: (index: number, length: number) => void,
): number {
  let done = 0;
  while (done < count) {
    const at = position + done;
    const left = count - done;
    if (at >= start && at < end) {
      const length = Math.min(left, end - at);
      skip(done, length);
      done += length;
      continue;
    }
    const width = widthAt(at, at < start ? Math.min(left, start - at) : left, widest);
    const failed = access(at, width, done);
    if (failed !== 0) return failed;
    done += width;
  }
  return done;
}

function widthAt(position: number, fillable: number, widest: Width): Width {
  for (const width of [8, 4, 2] as const) {
    if (width <= widest && width <= fillable && position % width === 0) return width;
  }
  return 1;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
