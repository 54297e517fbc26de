import { describe, expect, it } from 'vitest';
import { ConfigSpace } from '../../src/pci/config-space.js';

const image = (size = 256) => Uint8Array.from({ length: size }, (_, index) => (index * 7) & 0xff);
const wide = (bytes: Uint8Array, offset: number, width: number) =>
  Array.from({ length: width }, (_, index) => bytes[offset + index] * 2 ** (8 * index)).reduce(
    (a, b) => a + b,
  );

describe('a configuration space', () => {
  it.each([256, 4096])('of %d bytes reads aligned 1, 2 and 4 bytes everywhere, little endian', (size) => {
    const config = new ConfigSpace(image(size));
    for (const width of [1, 2, 4]) {
      for (let offset = 0; offset < size; offset += width) {
        expect(config.read(offset, width)).toBe(wide(image(size), offset, width));
      }
    }
  });

  it.each([0, 1, 2, 100, 255, 257, 4095, 4097])('refuses an image of %d bytes', (size) => {
    expect(() => new ConfigSpace(new Uint8Array(size))).toThrow(/an image has 256 or 4096 bytes/);
  });

  it('answers ones and writes nothing for other widths, alignments and offsets', () => {
    const config = new ConfigSpace(image());
    config.mask({ offset: 0x40, width: 4, writable: 0xffffffff });
    const before = config.bytes.slice();
    for (let width = 0; width <= 9; width++) {
      for (const offset of [-4, -1, 0x3f, 0x40, 0x41, 0x42, 0x43, 0.5, 254, 255, 256, 4096, Number.NaN]) {
        const allowed =
          [1, 2, 4].includes(width) && offset % width === 0 && offset >= 0 && offset + width <= 256;
        if (allowed) continue;
        expect(config.read(offset, width)).toBe(width < 4 ? 2 ** (8 * width) - 1 : 0xffffffff);
        config.write(offset, width, 0);
        expect(config.bytes, `${width} at ${offset}`).toEqual(before);
      }
    }
    expect([config.read(1, 2), config.read(2, 4), config.read(256, 1)]).toEqual([0xffff, 0xffffffff, 0xff]);
  });

  it('keeps read-only bits, writes writable ones and clears write-1-to-clear ones, by any width', () => {
    const start = Uint8Array.from({ length: 256 }, () => 0xa5);
    for (const width of [1, 2, 4]) {
      for (let offset = 0x40; offset < 0x44; offset += width) {
        for (const value of [0, 0xffffffff, 0x0f0f0f0f, 0xa5a5a5a5]) {
          const config = new ConfigSpace(start);
          config.mask({ offset: 0x40, width: 4, writable: 0x00ff00ff, clearable: 0x0f000000 });
          config.write(offset, width, value);
          for (let byte = 0; byte < 4; byte++) {
            const written = 0x40 + byte >= offset && 0x40 + byte < offset + width;
            const data = (value >>> (8 * (0x40 + byte - offset))) & 0xff;
            const expected = [data, 0xa5, data, 0xa5 & ~(data & 0x0f)][byte];
            expect(config.bytes[0x40 + byte]).toBe(written ? expected : 0xa5);
          }
        }
      }
    }
  });

  it('tells a handler the whole register and which bits were written, once a write', () => {
    const config = new ConfigSpace(new Uint8Array(256));
    const calls: string[] = [];
    config.bytes.set([0x34, 0x12], 0x44);
    config.handle({
      offset: 0x44,
      width: 2,
      write(value, written, stored) {
        calls.push([value, written, stored].map((one) => one.toString(16)).join(' '));
        return value;
      },
    });
    config.mask({ offset: 0x46, width: 2, writable: 0xffff });
    config.write(0x45, 1, 0xab);
    config.write(0x44, 1, 0xcd);
    config.write(0x44, 4, 0x55667788);
    expect(calls).toEqual(['ab34 ff00 1234', 'abcd ff ab34', '7788 ffff abcd']);
    expect(config.read(0x44, 4)).toBe(0x55667788);
  });
});
