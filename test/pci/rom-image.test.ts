import { describe, expect, it } from 'vitest';
import { romImageLength } from '../../src/pci/rom-image.js';
import { image } from './rom-images.js';

const SIZE = 0x10000;

/** The length, and the highest byte that was looked at. */
function measured(bytes: readonly number[], size = SIZE): { length: number; highest: number } {
  let highest = -1;
  const length = romImageLength(size, (offset) => {
    expect(offset).toBeGreaterThanOrEqual(0);
    expect(offset).toBeLessThan(size);
    highest = Math.max(highest, offset);
    return bytes[offset] ?? 0xff;
  });
  return { length, highest };
}

const changed = (bytes: number[], ...changes: [number, number][]): number[] => {
  for (const [offset, value] of changes) bytes[offset] = value;
  return bytes;
};

describe('the chain of images', () => {
  it.each([1, 2, 0x41, 0x80])('one image of %i * 512 bytes', (units) => {
    expect(measured(image(units, true)).length).toBe(units * 512);
  });

  it('is not looked at beyond the last image', () => {
    expect(measured([...image(2, true), ...image(4, true)])).toEqual({ length: 1024, highest: 0x31 });
  });

  it('adds up to the last image', () => {
    expect(measured([...image(2, false), ...image(3, false), ...image(1, true)]).length).toBe(6 * 512);
  });

  it('the data structure may stand anywhere in the image, odd offsets too', () => {
    expect(measured(image(4, true, 0x5e1)).length).toBe(2048);
  });

  it('length is 16 bits', () => {
    expect(measured(image(0x101, true), 0x40000).length).toBe(0x101 * 512);
  });
});

describe('broken images', () => {
  it.each([
    ['erased', []],
    ['first signature byte', changed(image(1, true), [0, 0x54])],
    ['second signature byte', changed(image(1, true), [1, 0xab])],
    ['structure signature P', changed(image(1, true), [0x1c, 0])],
    ['structure signature C', changed(image(1, true), [0x1d, 0])],
    ['structure signature I', changed(image(1, true), [0x1e, 0])],
    ['structure signature R', changed(image(1, true), [0x1f, 0])],
    ['structure outside the BAR', changed(image(1, true), [0x18, 0xff], [0x19, 0xff])],
    ['no length', changed(image(1, false), [0x2c, 0], [0x2d, 0])],
    ['no length, last', changed(image(1, true), [0x2c, 0], [0x2d, 0])],
  ])('%s: none', (_, bytes) => {
    expect(measured(bytes as number[]).length).toBe(0);
  });

  it('a structure that begins inside the BAR and ends outside it', () => {
    const bytes = image(4, true, 0x7ea);
    expect(measured(bytes, 2048).length).toBe(2048);
    expect(measured(image(5, true, 0x7eb), 2048).length).toBe(0);
  });

  it('a chain whose next image is none ends before it', () => {
    expect(measured(image(2, false)).length).toBe(1024);
    expect(measured([...image(2, false), ...changed(image(2, true), [0x1c, 0])]).length).toBe(1024);
  });

  it('a chain without a last image ends with the BAR', () => {
    const endless = Array.from({ length: 200 }, () => image(1, false)).flat();
    expect(measured(endless).length).toBe(SIZE);
  });

  it('an image without length in the middle of a chain ends it', () => {
    const bytes = [...image(1, false), ...changed(image(1, false), [0x2c, 0]), ...image(1, true)];
    expect(measured(bytes).length).toBe(512);
  });

  it('an image larger than the BAR is as long as the BAR', () => {
    expect(measured(image(0x200, true), 0x8000).length).toBe(0x8000);
    expect(measured([...image(3, false), ...image(0x200, true)], 0x8000).length).toBe(0x8000);
  });

  it('a header that the BAR cuts off', () => {
    expect(measured([0x55, 0xaa], 16).length).toBe(0);
  });
});
