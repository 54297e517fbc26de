import { afterEach, describe, expect, it } from 'vitest';
import type { Doors } from '../../src/hosts/v86.js';
import {
  createDispatcher,
  type Dispatcher,
  type FunctionDescription,
  type PageHandler,
} from '../../src/index.js';
import { parseSbdf } from '../../src/sbdf.js';
import { Guest, type Operation, withGuest } from './guest/machine.js';

const BAR = 0xfe00_0000;
const PAGE = 0x1000;
const WHERE = 8 << 3;
const device: FunctionDescription = {
  sbdf: '00:08.0',
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x4000 }],
  decode: true,
};

function dispatcherOf(description: FunctionDescription | undefined = device): Dispatcher {
  const page = Uint8Array.from({ length: PAGE }, (_, at) => at * 7);
  const dispatcher = createDispatcher({ trapAll: true, host: { mapPage: () => page } });
  if (description) dispatcher.assign(description);
  return dispatcher;
}

/** Doors that note what comes through them: width, offset, and what is written. */
function notingDoors(dispatcher: Dispatcher, notes: string[]): Doors {
  const at = (low: number) => ((low >>> 0) - BAR).toString(16);
  return {
    attach: (fallback) => {
      const { trap_read, trap_write } = dispatcher.attach(fallback);
      return {
        trap_read: (low, high, width) => {
          notes.push(`r${width} ${at(low)}`);
          return trap_read(low, high, width);
        },
        trap_write: (low, high, width, data, dataHigh) => {
          const value = width === 8 ? ` ${(dataHigh >>> 0).toString(16)}` : '';
          notes.push(`w${width} ${at(low)}${value} ${(data >>> 0).toString(16)}`);
          trap_write(low, high, width, data, dataHigh);
        },
      };
    },
  };
}

describe('the shapes in which accesses arrive', () => {
  const data = [0x44332211, 0x88776655, 3, 4];
  it.each<[Operation['kind'], number, number, string]>([
    ['read', 1, 0, 'r1 0'],
    ['read', 2, 0, 'r1 0, r1 1'],
    ['read', 2, 1, 'r1 1, r1 2'],
    ['read', 4, 0, 'r4 0'],
    ['read', 4, 1, 'r4 1'],
    ['read', 4, 0xffd, 'r1 ffd, r1 ffe, r1 fff, r1 1000'],
    ['read', 8, 0, 'r4 0, r4 4'],
    ['read', 8, 1, 'r4 1, r4 5'],
    ['read', 8, 0xffd, 'r1 ffd, r1 ffe, r1 fff, r1 1000, r4 1001'],
    ['read', 16, 0, 'r4 0, r4 4, r4 8, r4 c'],
    ['write', 1, 1, 'w1 1 11'],
    ['write', 2, 0, 'w2 0 2211'],
    ['write', 2, 1, 'w2 1 2211'],
    ['write', 2, 0xfff, 'w1 fff 11, w1 1000 22'],
    ['write', 4, 0, 'w4 0 44332211'],
    ['write', 4, 1, 'w4 1 44332211'],
    ['write', 4, 0xffd, 'w1 ffd 11, w1 ffe 22, w1 fff 33, w1 1000 44'],
    ['write', 8, 0, 'w8 0 88776655 44332211'],
    ['write', 8, 1, 'w8 1 88776655 44332211'],
    ['write', 8, 0xffc, 'w4 ffc 44332211, w4 1000 88776655'],
    ['write', 16, 0, 'w8 0 88776655 44332211, w8 8 4 3'],
    ['write', 16, 0xff8, 'w8 ff8 88776655 44332211, w8 1000 4 3'],
    ['add', 4, 0, 'r4 0, w4 0 59412911'],
    ['copy in', 1, 0, 'r1 0, r1 1, r1 2'],
    ['copy in', 2, 0, 'r1 0, r1 1, r1 2, r1 3, r1 4, r1 5'],
    ['copy in', 4, 0, 'r4 0, r4 4, r4 8'],
    ['copy out', 2, 0, 'w2 0 2211, w2 2 4433, w2 4 6655'],
    ['copy out', 4, 1, 'w4 1 44332211, w4 5 88776655, w4 9 3'],
  ])('%s of %i bytes at %i: %s', async (kind, width, offset, shape) => {
    const dispatcher = dispatcherOf();
    const notes: string[] = [];
    await withGuest({ dispatcher, doors: notingDoors(dispatcher, notes) }, async (guest) => {
      await guest.run({ kind, width, address: BAR + offset, where: 3, data });
    });
    expect(notes.join(', ')).toBe(shape);
  });
});
