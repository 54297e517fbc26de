import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openStolenMemory } from '../../src/regions/stolen-clearing.js';

it('all is zeroed on open, and on release, once', () => {
  const memory = new Uint8Array(16).fill(1);
  const open = openStolenMemory(memory);
  expect([...memory]).toEqual(new Array(16).fill(0));
  memory.fill(2);
  open.release();
  expect([...memory]).toEqual(new Array(16).fill(0));
  // It is somebody else's by now.
  memory.fill(3);
  open.release();
  expect([...memory]).toEqual(new Array(16).fill(3));
});

it('exactly the bytes that are not kept are zeroed, each once', () => {
  const range = fc
    .tuple(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 0, max: 32 }))
    .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other) }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 4 }), (keep) => {
      const times = new Array(32).fill(0);
      const zero = (offset: number, length: number) => {
        expect(length).toBeGreaterThan(0);
        for (let byte = offset; byte < offset + length; byte++) times[byte]++;
      };
      const open = openStolenMemory({ size: 32, zero }, keep);
      const expected = times.map((_, byte) => (keep.some((at) => at.start <= byte && byte < at.end) ? 0 : 1));
      expect(times).toEqual(expected);
      open.release();
      expect(times).toEqual(expected.map((count) => 2 * count));
    }),
  );
});

it('a release whose store throws may be tried again', () => {
  let fails = false;
  let calls = 0;
  const store = {
    size: 16,
    zero() {
      calls++;
      if (fails) throw new Error('busy');
    },
  };
  const open = openStolenMemory(store);
  fails = true;
  expect(() => open.release()).toThrow('busy');
  fails = false;
  open.release();
  expect(calls).toBe(3);
});

it('misuse zeroes nothing and lists every fault', () => {
  const memory = new Uint8Array(16).fill(1);
  expect(() =>
    openStolenMemory(memory, [
      { start: 0, end: 17 },
      { start: 3, end: 2 },
    ]),
  ).toThrow(
    /^openStolenMemory: keep end 0x11 is past the size 0x10; openStolenMemory: keep 0x3-0x2 is no range/,
  );
  expect([...memory]).toEqual(new Array(16).fill(1));
  expect(() => openStolenMemory({ size: -1, zero() {} })).toThrow(/size -1 is not an integer/);
});
