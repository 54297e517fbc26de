/** As people write addresses: `0x1f`. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** At least so many digits: `001f`. */
export const digits = (value: number | bigint, count: number): string =>
  value.toString(16).padStart(count, '0');

/** Two digits a byte. */
export const bytesOfHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

export const hexOfBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => digits(byte, 2)).join('');
