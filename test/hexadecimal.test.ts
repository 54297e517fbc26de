import { expect, test } from 'vitest';
import { bytesOfHex, digits, hex, hexOfBytes } from '../src/hexadecimal.js';

test.each([
  [0, '0x0'],
  [0xfee0_0000, '0xfee00000'],
  [2 ** 52, '0x10000000000000'],
  [0xffff_ffff_ffff_ffffn, '0xffffffffffffffff'],
])('%s is written as %s', (value, text) => {
  expect(hex(value)).toBe(text);
});

test.each([
  [0, 1, '0'],
  [0x1f, 4, '001f'],
  [0x12345, 4, '12345'],
  [5n, 2, '05'],
])('%s in at least %i digits is %s', (value, count, text) => {
  expect(digits(value, count)).toBe(text);
});

test('bytes come back from their digits', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(hexOfBytes(bytes.subarray(9, 17))).toBe('090a0b0c0d0e0f10');
  expect(bytesOfHex(hexOfBytes(bytes))).toEqual(bytes);
  expect(bytesOfHex('')).toEqual(new Uint8Array());
});
