/** Reads numbers out of a line's bytes, without strings: a trace has millions of them. */
export class Digits {
  /** Lanes of the last hexadecimal number. */
  low = 0;
  high = 0;
  /** The last decimal number. */
  value = 0;

  /** Reads `0x` and 1 to 16 hexadecimal digits. Returns the position behind them, or -1. */
  hex(bytes: Uint8Array, at: number, end: number): number {
    if (at + 2 >= end || bytes[at] !== 0x30 || bytes[at + 1] !== 0x78) return -1;
    return this.bareHex(bytes, at + 2, end);
  }

  bareHex(bytes: Uint8Array, at: number, end: number): number {
    let low = 0;
    let high = 0;
    let next = at;
    for (; next < end; next++) {
      const digit = HEX[bytes[next]];
      if (digit < 0) break;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    this.low = low >>> 0;
    this.high = high >>> 0;
    return next > at && next - at <= 16 ? next : -1;
  }

  /** Reads 1 to 15 decimal digits. Returns the position behind them, or -1. */
  decimal(bytes: Uint8Array, at: number, end: number): number {
    let value = 0;
    let next = at;
    for (; next < end; next++) {
      const digit = bytes[next] - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.value = value;
    return next > at && next - at <= 15 ? next : -1;
  }

  /** The last hexadecimal number as one, exact below 2^53. */
  get number(): number {
    return this.high * 2 ** 32 + this.low;
  }
}

const HEX = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** A word of a format, to be looked for in lines. */
export const word = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Whether the bytes at a position are this word. From its end: words of one format tend to start alike. */
export function startsWith(bytes: Uint8Array, at: number, end: number, wanted: Uint8Array): boolean {
  if (at + wanted.length > end) return false;
  for (let index = wanted.length - 1; index >= 0; index--) {
    if (bytes[at + index] !== wanted[index]) return false;
  }
  return true;
}

/** A line's text, for the lines that are rare. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}
