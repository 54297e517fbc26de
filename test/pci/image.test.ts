import { expect, it } from 'vitest';
import { TraplineError } from '../../src/errors.js';
import { describeImage } from '../../src/pci/image.js';

/** A type 0 header with these BAR registers. */
function image(size: number, ...registers: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  for (const [index, value] of registers.entries()) view.setUint32(0x10 + 4 * index, value, true);
  return new Uint8Array(view.buffer);
}

it.each([0, 64, 255, 257, 4095, 4097])('an image of %i bytes is refused', (size) => {
  expect(() => describeImage(new Uint8Array(size), [])).toThrow(
    new TraplineError('bad-argument', `config: an image has 256 or 4096 bytes, not ${size}`),
  );
});

it.each([256, 4096])('one of %i bytes is read', (size) => {
  expect(describeImage(image(size, 0xfe000000), [4096]).bars).toMatchObject([
    { index: 0, type: 'mem32', address: 0xfe000000, size: 4096 },
  ]);
});

it('every BAR without a size is named', () => {
  const registers = [0xfe000000, 0xd001, 0, 0xe0000004, 1];
  expect(() => describeImage(image(256, ...registers), [])).toThrow(
    expect.objectContaining({
      faults: [
        'config: bar 0 is 0xfe000000 but sizes has none for it',
        'config: bar 1 is 0xd001 but sizes has none for it',
        'config: bar 3 is 0xe0000004 but sizes has none for it',
      ],
    }),
  );
});

it('a BAR at 0 needs no size, whatever its type bits', () => {
  expect(describeImage(image(256, 1, 8, 4), []).bars).toEqual([]);
});
