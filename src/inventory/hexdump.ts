import { InputError } from '../input-error.js';
import { readLines } from '../lines.js';
import { parseSbdf, type Sbdf } from '../sbdf.js';

const FUNCTION = /^(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7] /i;
const ROW = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2}){16})\s*$/i;

/**
 * Configuration spaces as `lspci -x`, `-xxx` and `-xxxx` print them, by function. One of which less than 256 bytes are
 * shown (`-x`, or no privilege) is filled up with zeros to 256. Throws `InputError`.
 */
export async function readHexdumps(path: string): Promise<Map<Sbdf, Uint8Array>> {
  const dumps = new Map<Sbdf, number[]>();
  let current: number[] | undefined;
  await readLines(path, (bytes, start, end, line) => {
    const text = bytes.toString('latin1', start, end);
    const [name] = text.split(' ', 1);
    if (FUNCTION.test(text)) {
      current = [];
      dumps.set(parseSbdf(name), current);
      return;
    }
    const row = ROW.exec(text);
    if (!row) return;
    if (!current || parseInt(row[1], 16) !== current.length) {
      throw new InputError(
        `${path}:${line}: expected the row of offset 0x${(current?.length ?? 0).toString(16)} of a function`,
      );
    }
    for (const byte of row[2].trim().split(' ')) current.push(parseInt(byte, 16));
  });
  if (dumps.size === 0) throw new InputError(`${path} has no function as lspci -xxxx prints it`);
  return new Map([...dumps].map(([sbdf, dump]) => [sbdf, filled(dump)]));
}

function filled(dump: readonly number[]): Uint8Array {
  const image = new Uint8Array(dump.length > 256 ? 4096 : 256);
  image.set(dump.slice(0, image.length));
  return image;
}
