// DBUF_CTL said that the display buffer had power, left by the host's firmware, though nobody asked for it: the guest's driver never
// asked either. A register that must read otherwise now and then is a page of the embedder's.
// https://github.com/lf-edge/eve/pull/6141

import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import type { PageHandler } from '../../src/index.js';
import { attached, doors, engines } from '../engines.js';
import { MemoryHost } from '../memory-host.js';

const BAR = 0xc000_0000;
/** Slice 2 of gen12: bit 31 asks for power, bit 30 says that there is some. */
const DBUF_CTL = 0x4_4fe8;
const ASKED = 0x8000_0000;
const POWERED = 0x4000_0000;

describe.each([...engines, ...doors, attached])('$name', ({ create }) => {
  it.each([
    [POWERED | 0x123, 0x123],
    [ASKED | POWERED | 0x123, (ASKED | POWERED | 0x123) >>> 0],
    [ASKED >>> 0, ASKED],
    [0, 0],
  ])('the device has %i, the guest reads %i, by any width and at any offset', (has, reads) => {
    const memory = new MemoryHost();
    const bytes = memory.mapPage(DBUF_CTL - (DBUF_CTL % 4096));
    const view = new DataView(bytes.buffer);
    view.setUint32(DBUF_CTL % 4096, has, true);
    const word = (offset: number) => {
      const value = view.getUint32(offset, true);
      return offset !== DBUF_CTL % 4096 || value & ASKED ? value : (value & ~POWERED) >>> 0;
    };
    const page: PageHandler = {
      read(offset, width, high) {
        high[0] = width === 8 ? word(offset + 4) : 0;
        return width < 4 ? (word(offset - (offset % 4)) >>> (8 * (offset % 4))) % 256 ** width : word(offset);
      },
      write: (offset, _width, low) => view.setUint32(offset, low, true),
    };
    const trap = create({
      trapAll: true,
      host: { mapPage: (address) => (address === BAR + 0x4_4000 ? page : memory.mapPage(address)) },
    });
    trap.assign({
      sbdf: '00:02.0',
      bars: [{ index: 0, type: 'mem64', address: BAR, size: 0x100_0000 }],
      decode: true,
    });
    const expected = new Uint8Array(24);
    new DataView(expected.buffer).setUint32(8, reads, true);
    for (const width of [1, 2, 4, 8] as Width[]) {
      for (let offset = 0; offset + width <= 24; offset++) {
        const low = trap.read(BAR + DBUF_CTL - 8 + offset, width);
        const got = Array.from(
          { length: width },
          (_, at) => ((at < 4 ? low : trap.high) >>> (8 * (at % 4))) & 0xff,
        );
        expect(got).toEqual([...expected.subarray(offset, offset + width)]);
      }
    }
    trap.write(BAR + DBUF_CTL, 4, ASKED);
    expect(view.getUint32(DBUF_CTL % 4096, true)).toBe(ASKED);
  });
});
