import { expect, it } from 'vitest';
import { AslsRegister } from '../../src/regions/asls.js';

it('starts as it was made, and a guest writes it', () => {
  const asls = new AslsRegister(0xfedc_ba98);
  expect(asls.read(0xfc, 4)).toBe(0xfedc_ba98);
  expect([0xfc, 0xfe].map((offset) => asls.read(offset, 2))).toEqual([0xba98, 0xfedc]);
  expect([0xfc, 0xfd, 0xfe, 0xff].map((offset) => asls.read(offset, 1))).toEqual([0x98, 0xba, 0xdc, 0xfe]);
  asls.write(0xfc, 4, 0x8000_0001);
  expect(asls.value).toBe(0x8000_0001);
  asls.write(0xfd, 1, 0x1ff);
  expect(asls.value).toBe(0x8000_ff01);
  asls.write(0xfe, 2, 0x1_1234);
  expect(asls.value).toBe(0x1234_ff01);
});

it('any other cycle reads all ones and writes nothing', () => {
  const asls = new AslsRegister(0x0102_0304);
  for (let offset = 0xf0; offset < 0x110; offset++) {
    for (const width of [0, 1, 2, 3, 4, 8]) {
      const own =
        offset >= 0xfc && offset + width <= 0x100 && [1, 2, 4].includes(width) && offset % width === 0;
      if (own) continue;
      expect(asls.read(offset, width)).toBe(0xffff_ffff);
      asls.write(offset, width, 0);
      expect(asls.value).toBe(0x0102_0304);
    }
  }
});
