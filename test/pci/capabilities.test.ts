import { describe, expect, it } from 'vitest';
import { capabilities, hideCapabilities } from '../../src/pci/capabilities.js';

/** A space with these standard capabilities: [offset, id, next]. */
function space(pointer: number, list: [number, number, number][], size = 256): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes[6] = 0x10;
  bytes[0x34] = pointer;
  for (const [offset, id, next] of list) bytes.set([id, next], offset);
  return bytes;
}

function extended(list: [number, number, number][]): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  for (const [offset, id, next] of list) view.setUint32(offset, ((next << 20) | (1 << 16) | id) >>> 0, true);
  return bytes;
}

describe('the standard list', () => {
  const list: [number, number, number][] = [
    [0x40, 1, 0x50],
    [0x50, 5, 0x60],
    [0x60, 0x11, 0],
  ];

  it('is walked in order', () => {
    const { standard, faults } = capabilities(space(0x40, list));
    expect(standard).toEqual([
      { id: 1, offset: 0x40 },
      { id: 5, offset: 0x50 },
      { id: 0x11, offset: 0x60 },
    ]);
    expect(faults).toEqual([]);
  });

  it('counts only while the status register says that there is one', () => {
    const bytes = space(0x40, list);
    bytes[6] = 0;
    expect(capabilities(bytes).standard).toEqual([]);
  });

  it('ignores the two reserved low bits of pointers', () => {
    expect(
      capabilities(
        space(0x43, [
          [0x40, 1, 0x53],
          [0x50, 5, 1],
        ]),
      ).standard,
    ).toHaveLength(2);
  });

  it.each([
    ['itself', 0x40, 'loops at 0x40'],
    ['an earlier one', 0x50, 'loops at 0x50'],
  ])('ends with a fault when it loops to %s', (_name, next, fault) => {
    const { standard, faults } = capabilities(
      space(0x50, [
        [0x50, 5, 0x40],
        [0x40, 1, next],
      ]),
    );
    expect(standard).toHaveLength(2);
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  it('ends with a fault when it points into the header', () => {
    const { standard, faults } = capabilities(space(0x40, [[0x40, 1, 0x3c]]));
    expect([standard.length, faults.length]).toEqual([1, 1]);
  });

  it.each([0, 1, 2])('passes over hidden capability %d, whose header reads zero', (hidden) => {
    const id = list[hidden][1];
    const copy = hideCapabilities(space(0x40, list), [id]);
    expect(capabilities(copy).standard.map((one) => one.id)).toEqual(
      [1, 5, 0x11].filter((one) => one !== id),
    );
    expect([copy[list[hidden][0]], copy[list[hidden][0] + 1]]).toEqual([0, 0]);
  });

  it('is gone when all are hidden', () => {
    const copy = hideCapabilities(space(0x40, list), [1, 5, 0x11]);
    expect([copy[6] & 0x10, copy[0x34], capabilities(copy).standard.length]).toEqual([0, 0, 0]);
  });
});

describe('the extended list', () => {
  it('is walked from 0x100, past an empty head', () => {
    expect(
      capabilities(
        extended([
          [0x100, 1, 0x148],
          [0x148, 0x0d, 0],
        ]),
      ).extended,
    ).toEqual([
      { id: 1, offset: 0x100 },
      { id: 0x0d, offset: 0x148 },
    ]);
    expect(
      capabilities(
        extended([
          [0x100, 0, 0x148],
          [0x148, 0x0d, 0],
        ]),
      ).extended,
    ).toEqual([{ id: 0x0d, offset: 0x148 }]);
    expect(capabilities(new Uint8Array(4096)).extended).toEqual([]);
    expect(capabilities(new Uint8Array(4096).fill(0xff, 0x100)).extended).toEqual([]);
  });

  it('ends with a fault when it loops or leaves its space', () => {
    expect(
      capabilities(
        extended([
          [0x100, 1, 0x200],
          [0x200, 2, 0x100],
        ]),
      ).faults,
    ).toEqual([expect.stringContaining('loops at 0x100')]);
    expect(capabilities(extended([[0x100, 1, 0x80]])).faults).toEqual([expect.stringContaining('leaves')]);
  });
});
