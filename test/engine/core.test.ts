import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { createDispatcher } from '../../src/dispatcher.js';
import { Core, type CoreImports } from '../../src/engine/core.js';
import { TraplineError } from '../../src/errors.js';
import { MemoryHost } from '../memory-host.js';
import { nvmeLike, TABLE } from '../nvme-like.js';

const imports: CoreImports = {
  complete_read: () => 0,
  complete_write: () => {},
  unclaimed_read: () => 0,
  forwarded_read4: () => 0,
  forwarded_write4: () => {},
  unclaimed_write: () => {},
};
const raw = () => new WebAssembly.Module(readFileSync('build/core.wasm'));

describe('the core', () => {
  it('exports and imports what its TypeScript declaration says', () => {
    expect(
      WebAssembly.Module.exports(raw())
        .map(({ name, kind }) => `${kind} ${name}`)
        .sort(),
    ).toEqual([
      'function answer',
      'function configure',
      'function mmap_read32',
      'function mmap_read8',
      'function mmap_write128',
      'function mmap_write16',
      'function mmap_write32',
      'function mmap_write64',
      'function mmap_write8',
      'function read',
      'function read4',
      'function trap_read',
      'function trap_write',
      'function write',
      'function write4',
      'memory memory',
    ]);
    expect(
      WebAssembly.Module.imports(raw())
        .map(({ module, name }) => `${module}.${name}`)
        .sort(),
    ).toEqual([
      'env.memory',
      ...Object.keys(imports)
        .sort()
        .map((name) => `host.${name}`),
    ]);
  });

  it('is at most 8 KiB', () => {
    expect(readFileSync('build/core.wasm').length).toBeLessThanOrEqual(8192);
  });

  it('serves a dispatcher from a module that the embedder compiled', () => {
    const dispatcher = createDispatcher({ host: new MemoryHost(), module: raw() });
    dispatcher.assign(nvmeLike);
    expect(dispatcher.read(TABLE + 12, 4)).toBe(1);
  });

  it('refuses a module that is not the core, with a typed error', () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    expect(() => createDispatcher({ host: new MemoryHost(), module: empty })).toThrow(TraplineError);
    expect(() => createDispatcher({ host: new MemoryHost(), module: empty })).toThrow(
      /module is not trapline\/core.wasm/,
    );
  });

  it.each([null, 0, 'core.wasm', {}, new Uint8Array(8)])('refuses %s for a module', (module) => {
    const create = () => createDispatcher({ host: new MemoryHost(), module: module as WebAssembly.Module });
    expect(create).toThrow(expect.objectContaining({ code: 'bad-module' }));
  });

  it('keeps the regions of its memory apart', () => {
    const regions = [
      [layout.STATUS, 4],
      [layout.HIGH, 4],
      [layout.OFFSET, 4],
      [layout.NO_KINDS, 512],
      [layout.MIXED_KINDS, 512],
      [layout.TOP, layout.NODE_SIZE],
      [layout.EMPTY_MID, layout.NODE_SIZE],
      [layout.EMPTY_LEAF, layout.NODE_SIZE],
      [layout.HEAP, 0],
    ];
    regions.slice(1).forEach(([start], index) => {
      const [before, size] = regions[index];
      expect(start).toBeGreaterThanOrEqual(before + size);
    });
    expect(layout.NODE_POINTERS * 4).toBe(layout.NODE_SIZE);
    expect(layout.NODE_ENTRIES * layout.ENTRY_SIZE).toBe(layout.NODE_SIZE);
  });
});

describe('the allocator', () => {
  it('hands out 64-byte aligned blocks that do not overlap, and reuses what was released', () => {
    const core = new Core(imports, 4 << 20);
    const blocks = [1, 64, 65, 1000, 65536, 4].map((size) => ({ size, at: core.allocate(size) }));
    blocks.forEach(({ at, size }, index) => {
      expect(at % 64).toBe(0);
      for (const other of blocks.slice(index + 1)) {
        expect(at + size <= other.at || other.at + other.size <= at).toBe(true);
      }
    });
    core.release(blocks[3].at, 1000);
    expect(core.allocate(1000)).toBe(blocks[3].at);
  });

  it('makes its views anew when it has grown', () => {
    const core = new Core(imports, 64 << 20);
    const { buffer } = core.memory;
    const block = core.allocate(32 << 20);
    expect(core.memory.buffer).not.toBe(buffer);
    for (const view of [core.bytes, core.halfwords, core.words]) expect(view.buffer).toBe(core.memory.buffer);
    core.bytes[block + (32 << 20) - 1] = 7;
    expect(core.words[(block + (32 << 20)) / 4 - 1]).toBe(7 << 24);
  });

  it('grows up to the limit and then throws out-of-memory, views intact', () => {
    const core = new Core(imports, 1 << 20);
    const allocate = () => {
      for (;;) core.allocate(65536);
    };
    expect(allocate).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
    expect(core.bytes.buffer).toBe(core.memory.buffer);
    expect(core.memory.buffer.byteLength).toBe(1 << 20);
  });
});
