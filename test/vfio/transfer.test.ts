import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import type { Range } from '../../src/range.js';
import { errno } from '../../src/vfio/errno.js';
import { NOTHING, readFrom, type Target, writeTo } from '../../src/vfio/transfer.js';
import { accessesOf, everyTransfer } from './access-model.js';

/** Byte n holds n; accesses as width@position. */
function target(widest: Width, excluded: Range, failAt = -1): Target & { accesses: string[] } {
  const accesses: string[] = [];
  const access = (position: number, width: Width) => {
    if (accesses.length === failAt) return errno.EIO;
    accesses.push(`${width}@${position}`);
    return 0;
  };
  return {
    widest,
    excluded,
    accesses,
    load: (position, width, into, index) => {
      for (let n = 0; n < width; n++) into.setUint8(index + n, position + n);
      return access(position, width);
    },
    store: (position, width, from, index) => {
      for (let n = 0; n < width; n++) {
        if (from.getUint8(index + n) !== position + n) throw new Error(`byte ${position + n}`);
      }
      return access(position, width);
    },
  };
}

const counted = (position: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, index) => position + index);

describe('the examples of vfio', () => {
  it.each([
    [1, 7, '1@1 2@2 4@4'],
    [6, 10, '2@6 8@8'],
    [4, 8, '4@4 4@8'],
    [0, 3, '2@0 1@2'],
    [0, 8, '8@0'],
    [8, 16, '8@8 8@16'],
  ])('offset %i, count %i', (position, count, accesses) => {
    const reads = target(8, NOTHING);
    const into = new Uint8Array(count);
    expect(readFrom(reads, position, into)).toBe(count);
    expect(reads.accesses.join(' ')).toBe(accesses);
    expect(into).toEqual(counted(position, count));
    const writes = target(8, NOTHING);
    expect(writeTo(writes, position, counted(position, count))).toBe(count);
    expect(writes.accesses.join(' ')).toBe(accesses);
  });

  it('a table at an odd place: 0x0a to 0x1a', () => {
    const reads = target(8, { start: 0x0a, end: 0x1a });
    const into = new Uint8Array(8);
    expect(readFrom(reads, 8, into)).toBe(8);
    expect(reads.accesses).toEqual(['2@8']);
    expect([...into]).toEqual([8, 9, 255, 255, 255, 255, 255, 255]);
  });

  it('nothing wider than the widest', () => {
    const reads = target(4, NOTHING);
    readFrom(reads, 8, new Uint8Array(16));
    expect(reads.accesses).toEqual(['4@8', '4@12', '4@16', '4@20']);
  });
});

it('every offset below 32 and count to 40, with every window, as the model has it', () => {
  const wrong: string[] = [];
  const compare = (name: string, actual: unknown, expected: unknown) => {
    if (String(actual) !== String(expected)) wrong.push(`${name}: ${actual}, not ${expected}`);
  };
  const check = (widest: Width, excluded: Range, position: number, count: number) => {
    const name = `${position}+${count} without ${excluded.start}-${excluded.end}, widest ${widest}`;
    const bytes = counted(position, count);
    const expected = accessesOf(position, count, excluded, widest);
    const reads = target(widest, excluded);
    const into = new Uint8Array(count);
    compare(name, readFrom(reads, position, into), count);
    compare(name, reads.accesses, expected);
    const isExcluded = (byte: number) => byte >= excluded.start && byte < excluded.end;
    compare(
      name,
      into,
      bytes.map((byte) => (isExcluded(byte) ? 0xff : byte)),
    );
    const writes = target(widest, excluded);
    compare(name, writeTo(writes, position, bytes), count);
    compare(name, writes.accesses, expected);
  };
  const windows = [NOTHING];
  for (let start = 0; start <= 32; start++) {
    for (const length of [1, 2, 3, 4, 7, 8, 16, 40]) windows.push({ start, end: start + length });
  }
  for (const widest of [8, 4] as const) {
    for (const excluded of windows) {
      everyTransfer(0, 32, (position, count) => check(widest, excluded, position, count));
    }
  }
  expect(wrong).toEqual([]);
});

it('the first access that fails ends it, and its errno is all that is returned', () => {
  for (let failAt = 0; failAt < 3; failAt++) {
    const reads = target(8, NOTHING, failAt);
    expect(readFrom(reads, 1, new Uint8Array(7))).toBe(errno.EIO);
    expect(reads.accesses).toHaveLength(failAt);
    const writes = target(8, NOTHING, failAt);
    expect(writeTo(writes, 1, counted(1, 7))).toBe(errno.EIO);
    expect(writes.accesses).toHaveLength(failAt);
  }
});

it('what comes after the access that fails is left as it was', () => {
  const into = new Uint8Array(16).fill(0xee);
  expect(readFrom(target(4, { start: 4, end: 8 }, 1), 0, into)).toBe(errno.EIO);
  expect([...into.subarray(0, 8)]).toEqual([0, 1, 2, 3, 255, 255, 255, 255]);
  expect([...into.subarray(12)]).toEqual([0xee, 0xee, 0xee, 0xee]);
});

it('a part of a larger buffer is transferred, and nothing around it', () => {
  const bytes = new Uint8Array(16).fill(0xee);
  expect(readFrom(target(8, { start: 6, end: 7 }), 4, bytes.subarray(4, 12))).toBe(8);
  expect([...bytes]).toEqual([238, 238, 238, 238, 4, 5, 255, 7, 8, 9, 10, 11, 238, 238, 238, 238]);
});
