import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { createDispatcher } from '../../src/dispatcher.js';
import type { FunctionDescription } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { MemoryHost } from '../memory-host.js';

const at = (sbdf: number, address: number): FunctionDescription => ({
  sbdf,
  bars: [{ index: 0, type: 'mem64', address, size: 0x1000 }],
  msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
  decode: true,
});

describe('the page map', () => {
  it('finds a page wherever each of the 40 bits of its number says', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost() });
    const pages = [0, ...Array.from({ length: 40 }, (_, bit) => 2 ** bit), 2 ** 40 - 1];
    pages.forEach((page, sbdf) => {
      dispatcher.assign(at(sbdf, page * 4096));
      dispatcher.write(page * 4096 + 8, 4, sbdf);
    });
    expect(dispatcher.trappedPages).toBe(pages.length);
    pages.forEach((page, sbdf) => {
      expect(dispatcher.read(page * 4096 + 8, 4)).toBe(sbdf);
      for (let bit = 0; bit < 40; bit++) {
        const other = page + (Math.floor(page / 2 ** bit) % 2 ? -(2 ** bit) : 2 ** bit);
        if (!pages.includes(other)) expect(dispatcher.read(other * 4096 + 8, 4)).toBe(UNCLAIMED);
      }
    });
  });

  it('frees its nodes: decoding toggled and BARs moved everywhere fit into little memory', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost(), domain: 'hardware', memoryLimit: 1 << 20 });
    const fn = dispatcher.assign(at(8, 0));
    for (let round = 0; round < 2000; round++) {
      fn.setDecode(false);
      expect(dispatcher.trappedPages).toBe(0);
      const address = (round % 50) * 2 ** 38 + round * 2 ** 24;
      fn.moveBar(0, address);
      expect(fn.setDecode(true)).toBe('okay');
      expect(dispatcher.read(address + 12, 4)).toBe(1);
    }
  });

  it('keeps decoding off, reported, when it is exhausted, and goes on', () => {
    const diagnostics: string[] = [];
    const dispatcher = createDispatcher({
      host: new MemoryHost(),
      memoryLimit: 1 << 20,
      onDiagnostic: ({ code }) => diagnostics.push(code),
    });
    const functions = Array.from({ length: 12 }, (_, sbdf) =>
      dispatcher.assign({ ...at(sbdf, sbdf * 2 ** 38), decode: false }),
    );
    const results = functions.map((fn) => fn.setDecode(true));
    const full = results.indexOf('fail');
    expect(full).toBeGreaterThan(0);
    expect(results.slice(full)).toEqual(results.slice(full).fill('fail'));
    expect(diagnostics[0]).toBe('out-of-memory');
    expect(functions[full].decoding).toBe(false);
    expect(dispatcher.read(full * 2 ** 38 + 12, 4)).toBe(UNCLAIMED);
    expect(dispatcher.read(12, 4)).toBe(1);
    functions[0].setDecode(false);
    expect(functions[full].setDecode(true)).toBe('okay');
    expect(dispatcher.read(full * 2 ** 38 + 12, 4)).toBe(1);
  });

  it('has nothing on a shared page when there is no room for what is left of it', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost(), memoryLimit: 1 << 20 });
    const small = (sbdf: number) => ({
      sbdf,
      bars: [{ index: 0, type: 'mem32' as const, address: 256 * sbdf, size: 256 }],
      decode: true,
    });
    const [first, , last] = [0, 1, 2].map((sbdf) => dispatcher.assign(small(sbdf)));
    const answers = () => [0, 256, 512].map((address) => dispatcher.read(address, 4));
    expect(answers()).toEqual([0, 0, 0]);
    // 36 records are as long as the blocks that the page has had.
    for (const capacity of [16384, 1024, 64, 36, 1]) {
      const fill = () => {
        for (;;) dispatcher.createRing(capacity);
      };
      expect(fill).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    }
    first.setDecode(false);
    expect(answers()).toEqual([UNCLAIMED, UNCLAIMED, UNCLAIMED]);
    expect(last.decoding).toBe(true);
    // All three have the room that all three had.
    expect(first.setDecode(true)).toBe('okay');
    expect(answers()).toEqual([0, 0, 0]);
  });

  it('throws out-of-memory from assign, and nothing has changed', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost(), memoryLimit: 1 << 20 });
    const fill = () => {
      for (let sbdf = 0; ; sbdf++) dispatcher.assign(at(sbdf, sbdf * 2 ** 38));
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    const count = dispatcher.functions.length;
    expect(dispatcher.trappedPages).toBe(count);
    dispatcher.deassign(0);
    dispatcher.assign(at(count, count * 2 ** 38));
  });

  it('stays whole when structures or BARs lie past the last address', () => {
    const last = 2 ** 52 - 4096;
    const malformed = createDispatcher({
      host: new MemoryHost(),
      policy: policies.xenV3,
      domain: 'hardware',
    });
    const fn = malformed.assign({
      ...at(8, last),
      msix: { count: 1, table: { bir: 0, offset: 0xff0 }, pba: { bir: 0, offset: 0x1800 } },
    });
    expect(malformed.trappedPages).toBe(1);
    expect(malformed.read(last + 0xffc, 4)).toBe(1);
    fn.setDecode(false);
    expect(fn.moveBar(0, 2 ** 52)).toBe(true);
    fn.setDecode(true);
    expect(malformed.trappedPages).toBe(0);
    expect([0, last, 2 ** 38].map((address) => malformed.read(address, 4))).toEqual(Array(3).fill(UNCLAIMED));
  });
});
