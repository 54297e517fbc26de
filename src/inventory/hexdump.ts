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
