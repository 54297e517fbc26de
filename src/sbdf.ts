import { TraplineError } from './errors.js';

/** Segment, bus, device, function as one number: segment << 16 | bus << 8 | device << 3 | function. */
export type Sbdf = number;

const TEXT = /^(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/i;

/** Reads `0000:bb:dd.f` or `bb:dd.f` (hexadecimal), or passes a number through. Throws `bad-argument`. */
export function parseSbdf(value: string | Sbdf): Sbdf {
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value;
  } else {
    const match = TEXT.exec(value);
    const device = match ? parseInt(match[3], 16) : 32;
    if (match && device < 32) {
      const segment = parseInt(match[1] ?? '0', 16);
      return ((segment << 16) | (parseInt(match[2], 16) << 8) | (device << 3) | Number(match[4])) >>> 0;
    }
  }
  throw new TraplineError('bad-argument', `sbdf ${JSON.stringify(value)} is not of the form 0000:bb:dd.f`);
}

/** `0000:bb:dd.f` */
export function formatSbdf(sbdf: Sbdf): string {
  const place = (0x1_0000_0000 + (sbdf >>> 8) * 0x100 + ((sbdf >>> 3) & 0x1f)).toString(16);
  return `${place.slice(1, 5)}:${place.slice(5, 7)}:${place.slice(7)}.${sbdf & 7}`;
}
