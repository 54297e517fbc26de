// The RTL8168 has a window in BAR 2 to its MSI-X table in BAR 4: a guest could write the physical table there.
// https://gitlab.com/qemu-project/qemu/-/commit/4cb47d281a995cb49e4652cb26bafb3ab2d9bd28

import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import type { PageHandler } from '../../src/host.js';
import { createDispatcher, type Dispatcher, type FunctionDescription } from '../../src/index.js';
import { MemoryHost } from '../memory-host.js';

const REGISTERS = 0xfe004000;
const TABLE = 0xfe000000;
/** In BAR 2: the word that is read or written, and the place in the table with what is to be done there. */
const DATA = REGISTERS + 0x70;
const SELECT = REGISTERS + 0x74;
/** Entry 1, message data, written. */
const WRITE = 0x8001_0018;
const device: FunctionDescription = {
  sbdf: '03:00.0',
  bars: [
    { index: 2, type: 'mem64', address: REGISTERS, size: 0x1000 },
    { index: 4, type: 'mem64', address: TABLE, size: 0x4000 },
  ],
  msix: { count: 4, table: { bir: 4, offset: 0 }, pba: { bir: 4, offset: 0x800 } },
  decode: true,
};

describe('registers of the guest in place of the window', () => {
  const window = { space: 'bar2', offset: 0x70, width: 8, value: 0 } as const;

  it('shut it: no access of any width reaches the device there, and all others do', () => {
    const host = new MemoryHost();
    const page = host.mapPage(REGISTERS).fill(0x5a);
    const dispatcher = createDispatcher({ host });
    const fn = dispatcher.assign({ ...device, registers: [window] });
    expect(fn.mapping).toContainEqual({ bar: 2, kind: 'trap', guest: REGISTERS, length: 0x1000 });
    for (const width of [1, 2, 4, 8] as Width[]) {
      for (let offset = 0x60; offset <= 0x80; offset++) {
        dispatcher.write(REGISTERS + offset, width, 0xa5a5_a5a5, 0xa5a5_a5a5);
      }
    }
    expect([...page.subarray(0x70, 0x78)]).toEqual(Array(8).fill(0x5a));
    expect([page[0x6f], page[0x78]]).toEqual([0xa5, 0xa5]);
    expect([dispatcher.read(DATA, 4), dispatcher.read(SELECT, 4)]).toEqual([0, 0]);
  });
});

describe('a page of the embedder in place of the registers', () => {
  /** The window as the device has it, on the guest's table. */
  class Window implements PageHandler {
    dispatcher: Dispatcher | undefined;
    private data = 0;
    private selected = 0;

    read(offset: number): number {
      if (offset === 0x74) return this.selected;
      const entry = TABLE + (this.selected & 0xfff);
      return (this.selected & 0x1_0000 ? this.dispatcher?.read(entry, 4) : undefined) ?? this.data;
    }

    write(offset: number, _width: Width, value: number): void {
      if (offset === 0x70) this.data = value;
      else this.selected = value & 0x7fff_ffff;
      if (offset === 0x74 && value & 0x8000_0000 && value & 0x1_0000) {
        this.dispatcher?.write(TABLE + (value & 0xfff), 4, this.data);
      }
    }
  }

  it("leads to the guest's own table, and nothing is written to the device's", () => {
    const host = new MemoryHost();
    const window = new Window();
    const dispatcher = createDispatcher({
      trapAll: true,
      host: { mapPage: (address) => (address === REGISTERS ? window : host.mapPage(address)) },
    });
    window.dispatcher = dispatcher;
    const fn = dispatcher.assign(device);
    dispatcher.write(DATA, 4, 0x4142);
    dispatcher.write(SELECT, 4, WRITE);
    expect(fn.vector(1).data).toBe(0x4142);
    dispatcher.write(TABLE + 24, 4, 0x4343);
    dispatcher.write(SELECT, 4, 0x0001_0018);
    expect(dispatcher.read(DATA, 4)).toBe(0x4343);
    expect([...host.pages.values()].flatMap((page) => [...page]).every((byte) => byte === 0)).toBe(true);
  });
});
