import { describe, expect, it } from 'vitest';
import { createDispatcher, UNCLAIMED } from '../../src/index.js';
import { MemoryRegion, planStolenMemory } from '../../src/stolen-memory.js';
import { MemoryHost } from '../memory-host.js';

describe('stolen memory that is trapped', () => {
  const plan = planStolenMemory({
    base: 0x7c00_0000,
    size: 0x400_0000,
    ram: { low: 0x7e00_0000 },
    trapped: true,
  });
  const [{ start, end }] = plan.trapped;

  function machine(region: MemoryRegion) {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    dispatcher.assign({ sbdf: '00:02.0', bars: [] }).placeRegion(region, start);
    return dispatcher;
  }

  it('reads zero, keeps what is written, and is all that is claimed', () => {
    const region = new MemoryRegion(end - start);
    const dispatcher = machine(region);
    for (const at of [start, start + 0x123_4560, end - 8]) {
      expect(dispatcher.readBig(at)).toBe(0n);
      dispatcher.writeBig(at, 0x1122_3344_5566_7788n + BigInt(at));
    }
    for (const at of [start, start + 0x123_4560, end - 8]) {
      expect(dispatcher.readBig(at)).toBe(0x1122_3344_5566_7788n + BigInt(at));
    }
    dispatcher.write(start + 0xfff, 4, 0xa1b2c3d4);
    expect(dispatcher.read(start + 0x1000, 2)).toBe(0xb2c3);
    expect([dispatcher.read(start - 1, 1), dispatcher.read(end, 1)]).toEqual([UNCLAIMED, UNCLAIMED]);
    expect(dispatcher.trappedPages).toBe((end - start) / 0x1000);
    // Reading allocates nothing: four pages were written.
    expect(region.allocated).toBe(4 * 0x1000);
  });

  it('is answered from the backing that the plan names', () => {
    const [ram, added] = plan.backing;
    expect([ram.source, added.source]).toEqual(['ram', 'new']);
    const guestRam = new Map<number, Uint8Array>();
    const memoryAt = (address: number) => {
      const page = guestRam.get(address) ?? new Uint8Array(0x1000);
      guestRam.set(address, page);
      return page;
    };
    const dispatcher = machine(new MemoryRegion(end - start, (position) => memoryAt(start + position)));
    dispatcher.write(ram.end - 2, 4, 0x44332211);
    expect([...memoryAt(ram.end - 0x1000).subarray(0xffe), ...memoryAt(added.start).subarray(0, 2)]).toEqual([
      0x11, 0x22, 0x33, 0x44,
    ]);
    memoryAt(start)[5] = 9;
    expect(dispatcher.read(start + 5, 1)).toBe(9);
  });
});

describe('a transfer', () => {
  it('of any length at any position, clamped at the end', () => {
    const region = new MemoryRegion(0x2801);
    const bytes = Uint8Array.from({ length: 0x2801 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
    expect(region.write(0, bytes)).toBe(0x2801);
    for (const [position, length] of [
      [0, 0x2801],
      [0xffd, 6],
      [0xfff, 0x1002],
      [0x2800, 1],
      [0x2000, 0],
    ]) {
      const into = new Uint8Array(length).fill(0xee);
      expect(region.read(position, into)).toBe(length);
      expect(into).toEqual(bytes.subarray(position, position + length));
    }
    const into = new Uint8Array(4).fill(0xee);
    expect([region.read(0x27ff, into), ...into]).toEqual([2, bytes[0x27ff], bytes[0x2800], 0xee, 0xee]);
    expect(region.write(0x2800, new Uint8Array(4))).toBe(1);
    expect(region.read(0x2801, into)).toBe(0);
  });
});

it.each([0, -1, 0.5, 2 ** 52 + 1, Number.NaN])('%s bytes are none', (size) => {
  expect(() => new MemoryRegion(size)).toThrow(/^MemoryRegion: size .* is not an integer in \[1, 2\^52\]$/);
});
