import { InputError } from '../input-error.js';
import { readLines } from '../lines.js';
import type { Sbdf } from '../sbdf.js';
import { functionHead } from './function-head.js';

const ROW = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2}){16})(?:\s|$)/i;

export interface HexdumpRow {
  readonly offset: number;
  readonly bytes: readonly number[];
}

/** A row of a configuration space as `lspci -x`, `-xxx` and `-xxxx` print it. */
export function hexdumpRow(line: string): HexdumpRow | undefined {
  const match = ROW.exec(line);
  if (!match) return undefined;
  const bytes = match[2].trimStart().split(' ');
  return { offset: parseInt(match[1], 16), bytes: bytes.map((byte) => parseInt(byte, 16)) };
}

/**
 * Configuration spaces as `lspci -x`, `-xxx` and `-xxxx` print them, by function. One of which less than 256 bytes are
 * shown (`-x`, or no privilege) is filled up with zeros to 256. Throws `InputError`.
 */
export async function readHexdumps(path: string): Promise<Map<Sbdf, Uint8Array>> {
  const dumps = new Map<Sbdf, number[]>();
  let current: number[] | undefined;
  await readLines(path, (bytes, start, end, line) => {
    const text = bytes.toString('latin1', start, end);
    const head = functionHead(text);
    if (head?.text !== undefined) {
      current = [];
      if (head.sbdf !== undefined) dumps.set(head.sbdf, current);
      return;
    }
    const row = hexdumpRow(text);
    if (!row) return;
    if (row.offset !== current?.length) {
      throw new InputError(
        `${path}:${line}: expected the row of offset 0x${(current?.length ?? 0).toString(16)} of a function`,
      );
    }
    current.push(...row.bytes);
  });
  if (dumps.size === 0) throw new InputError(`${path} has no function as lspci -xxxx prints it`);
  return new Map([...dumps].map(([sbdf, dump]) => [sbdf, filled(dump)]));
}

function filled(dump: readonly number[]): Uint8Array {
  const image = new Uint8Array(dump.length > 256 ? 4096 : 256);
  image.set(dump.slice(0, image.length));
  return image;
}
