/** A file of a cpio archive; one that ends with `/` is a folder. */
export interface Entry {
  readonly path: string;
  readonly bytes?: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

const FOLDER = 0o040000;
const REGULAR = 0o100000;
const TRAILER = 'TRAILER!!!';

/** A cpio archive in the format that Linux unpacks as its first root (initramfs, buffer format: `newc`). */
export function newc(entries: readonly Entry[]): Uint8Array {
  const parts = entries.flatMap(({ path, bytes = new Uint8Array(), mode }, index) =>
    path.endsWith('/')
      ? member(path.slice(0, -1), FOLDER | mode, bytes, index + 1)
      : member(path, REGULAR | mode, bytes, index + 1),
  );
  return Buffer.concat([...parts, ...member(TRAILER, 0, new Uint8Array(), 0)]);
}

/** Header of 13 hexadecimal fields, name, contents; name and contents end at multiples of 4. */
function member(name: string, mode: number, bytes: Uint8Array, inode: number): Uint8Array[] {
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return [Buffer.from(header), padding(header.length), bytes, padding(bytes.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
