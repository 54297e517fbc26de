import { expect, it } from 'vitest';
import { attach, createDispatcher } from '../../src/shared.js';
import { described } from './described.js';

const BAR = 0xfe000000;
const ADJACENT = 0x800;

it("v86's door of another worker has that worker's pages, whatever their numbers", () => {
  const dispatcher = createDispatcher({ shared: true, host: { mapPage: () => null } });
  for (let slot = 0; slot < 32; slot++) {
    dispatcher.assign(described(slot * 8, BAR + slot * 0x2000));
  }
  const view = attach(dispatcher.share(), {
    host: { mapPage: (address) => new Uint8Array(4096).fill((address - BAR) / 0x2000 + 1) },
  });
  const door = view.attach();
  const words = Array.from({ length: 32 }, (_, slot) => {
    const at = BAR + slot * 0x2000 + ADJACENT;
    door.mmap_write32(at, (slot + 1) * 3);
    return [door.mmap_read32(at + 4), door.mmap_read32(at)];
  });
  expect(words).toEqual(words.map((_, slot) => [(slot + 1) * 0x01010101, (slot + 1) * 3]));
});
