import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { createDispatcher } from '../../src/dispatcher.js';
import type { PageHandler } from '../../src/host.js';
import { MemoryHost } from '../memory-host.js';
import { nvmeLike, TABLE } from '../nvme-like.js';

/** A handler that does what 4 KiB of memory does, one byte after the other. */
function handlerOver(memory: Uint8Array): PageHandler {
  const lane = (offset: number, width: number) => {
    let value = 0;
    for (let index = width - 1; index >= 0; index--) value = value * 256 + memory[offset + index];
    return value;
  };
  return {
    read(offset, width, high) {
      high[0] = width === 8 ? lane(offset + 4, 4) : 0x5a5a5a5a;
      return lane(offset, Math.min(width, 4));
    },
    write(offset, width, low, high) {
      for (let index = 0; index < width; index++) {
        memory[offset + index] = (index < 4 ? low : high) >>> (8 * (index % 4));
      }
    },
  };
}

describe('a host page', () => {
  it.each([1, 2, 4, 8] as Width[])(
    'is the same as memory and as a handler, width %i, every offset',
    (width) => {
      const memory = Uint8Array.from({ length: 4096 }, (_, index) => (index * 37 + (index >> 8)) & 0xff);
      const [memories, shadows] = [new MemoryHost(), new MemoryHost()];
      for (const host of [memories, shadows]) host.mapPage(TABLE).set(memory);
      const behind = [memories, { mapPage: (address: number) => handlerOver(shadows.mapPage(address)) }];
      const [first, second] = behind.map((host) => {
        const dispatcher = createDispatcher({ host });
        dispatcher.assign(nvmeLike);
        return dispatcher;
      });
      for (let offset = 0x80; offset < 0x1000; offset++) {
        const address = TABLE + offset;
        first.write(address, width, 0x9abcdef0 ^ offset, 0x12345678);
        second.write(address, width, 0x9abcdef0 ^ offset, 0x12345678);
        expect(first.read(address, width), `offset ${offset}`).toBe(second.read(address, width));
        if (width === 8) expect(first.high).toBe(second.high);
      }
      expect(memories.pages).toEqual(shadows.pages);
      expect(memories.pages.size).toBe(width === 1 ? 1 : 2);
    },
  );

  it('hands a handler nothing above the width', () => {
    const writes: number[] = [];
    const dispatcher = createDispatcher({
      host: {
        mapPage: () => ({ read: () => 0xffffffff, write: (_offset, _width, low) => writes.push(low) }),
      },
    });
    dispatcher.assign(nvmeLike);
    dispatcher.write(TABLE + 0x100, 1, -1);
    dispatcher.write(TABLE + 0x100, 2, -1);
    dispatcher.write(TABLE + 0x100, 4, -1);
    expect(writes).toEqual([0xff, 0xffff, 0xffffffff]);
    expect([1, 2, 4].map((width) => dispatcher.read(TABLE + 0x100, width as Width))).toEqual(writes);
  });

  it('reports memory of the wrong size as the host error that it is', () => {
    const errors: unknown[] = [];
    const dispatcher = createDispatcher({
      host: { mapPage: () => new Uint8Array(16) },
      onError: (error) => errors.push(error),
    });
    dispatcher.assign(nvmeLike);
    expect(dispatcher.read(TABLE + 0x100, 4)).toBe(0xffffffff);
    expect(errors).toEqual([expect.objectContaining({ code: 'bad-argument' })]);
  });
});
