import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  decodeReservedMemoryRegion,
  encodeReservedMemoryRegion,
} from '../../src/regions/reserved-memory-region.js';

it('is an RMRR structure with the device as its scope', () => {
  const bytes = encodeReservedMemoryRegion({
    sbdf: '0001:03:02.1',
    start: 0x4_8000_0000,
    end: 0x4_8400_0000,
  });
  expect([...bytes]).toEqual([
    ...[1, 0, 32, 0, 0, 0, 1, 0],
    ...[0, 0, 0, 0x80, 4, 0, 0, 0],
    ...[0xff, 0xff, 0xff, 0x83, 4, 0, 0, 0],
    ...[1, 8, 0, 0, 0, 3, 2, 1],
  ]);
});

it('what is encoded is decoded, wherever the bytes are', () => {
  const page = fc.integer({ min: 0, max: 2 ** 40 - 1 });
  fc.assert(
    fc.property(page, page, fc.integer({ min: 0, max: 0xffffffff }), (one, other, sbdf) => {
      const region = { sbdf, start: Math.min(one, other) * 4096, end: (Math.max(one, other) + 1) * 4096 };
      const around = new Uint8Array(48);
      around.set(encodeReservedMemoryRegion(region), 7);
      expect(decodeReservedMemoryRegion(around.subarray(7, 39))).toEqual(region);
    }),
  );
});

it.each([0, 2, 4, 6 + 18, 25, 30, 31])('a wrong byte %d is refused', (offset) => {
  const bytes = encodeReservedMemoryRegion({ sbdf: 0x10, start: 4096, end: 8192 });
  bytes[offset] ^= 0x20;
  expect(() => decodeReservedMemoryRegion(bytes)).toThrow(/are no RMRR structure/);
});

it.each([31, 33])('%d bytes are refused', (length) => {
  expect(() => decodeReservedMemoryRegion(new Uint8Array(length))).toThrow(/\(\d+\) are no RMRR/);
});

it('unaligned and empty ranges are refused', () => {
  expect(() => encodeReservedMemoryRegion({ sbdf: 0, start: 4097, end: 4096 })).toThrow(
    /start 0x1001 is no multiple of 4096 .*; encodeReservedMemoryRegion: end 0x1000 is not after start 0x1001$/,
  );
  expect(() => encodeReservedMemoryRegion({ sbdf: 0, start: 4096, end: 4096 })).toThrow(/is not after/);
});
