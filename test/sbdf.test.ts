import { describe, expect, it } from 'vitest';
import { formatSbdf, parseSbdf } from '../src/sbdf.js';

describe('an SBDF', () => {
  it.each([
    ['0000:00:00.0', 0],
    ['01:00.0', 0x100],
    ['0000:00:1f.7', 0xff],
    ['ffff:ff:1f.7', 0xffffffff],
    ['8000:00:00.1', 0x80000001],
    ['0001:aB:0C.3', 0x1ab63],
  ])('%s is read as %d', (text, number) => {
    expect(parseSbdf(text)).toBe(number);
    expect(parseSbdf(number)).toBe(number);
    expect(parseSbdf(formatSbdf(number))).toBe(number);
  });

  it('is written with its segment', () => {
    expect(formatSbdf(0x1ab63)).toBe('0001:ab:0c.3');
    expect(formatSbdf(8)).toBe('0000:00:01.0');
  });

  it.each(['', '0', '00:20.0', '00:00.8', '00:00', '0000:00:00.0 ', '10000:00:00.0', '00:00.0.0'])(
    'is refused as %j',
    (text) => expect(() => parseSbdf(text)).toThrow(expect.objectContaining({ code: 'bad-argument' })),
  );

  it.each([-1, 2 ** 32, 0.5, Number.NaN])('is refused as the number %d', (number) => {
    expect(() => parseSbdf(number)).toThrow(/sbdf .* is not of the form/);
  });
});
