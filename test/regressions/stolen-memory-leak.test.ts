// Mirrors of the stolen memory's base in BAR 0 and BGSM in configuration space kept the host's addresses: the guest's driver put
// them into its page table, and the lower part of the screen stayed black.
// https://github.com/lf-edge/eve/pull/6407
// Others that firmware fixed cannot be made to say another base, so the guest's memory is where the host's is.
// https://github.com/lf-edge/eve/pull/6432

import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { createDispatcher } from '../../src/index.js';
import { isGraphicsRegister, stolenRegisters } from '../../src/stolen-memory.js';
import type { RegionDoor } from '../../src/vfio/door.js';
import { MemoryHost } from '../memory-host.js';

const BAR = 0xc000_0000;
const PHYSICAL = 0x60_0000_0000;
/** Data and GTT stolen memory, the host's and the guest's. */
const [HOST, HOST_GTT] = [0x4c80_0000, 0x4c00_0000];
const [GUEST, GUEST_GTT] = [0x7c80_0000, 0x7c00_0000];
/** 8 MiB of GTT, 60 MiB of data. */
const GGC = 0xfec1;
const registers = stolenRegisters('gen12', { graphicsControl: GGC, base: GUEST });

/** The device as the host's firmware left it. */
function start() {
  const host = new MemoryHost();
  const config = new Uint8Array(256);
  const put = (bytes: Uint8Array, offset: number, value: number) =>
    new DataView(bytes.buffer).setUint32(offset, value, true);
  const page = (offset: number) => host.mapPage(PHYSICAL + offset - (offset % 4096));
  put(config, 0xc0, HOST);
  put(config, 0xf0, HOST_GTT);
  put(page(0x108000), 0x0c0, HOST);
  put(page(0x108000), 0x100, HOST_GTT);
  put(page(0x108000), 0x2c0, HOST + 0x300_0000);
  put(page(0), 0xd48, HOST + 0x200_0000);
  const dispatcher = createDispatcher({ host });
  const fn = dispatcher.assign({
    sbdf: '00:02.0',
    bars: [{ index: 0, type: 'mem64', address: BAR, hostAddress: PHYSICAL, size: 0x100_0000 }],
    config,
    registers: registers.filter(isGraphicsRegister),
  });
  return { dispatcher, fn };
}

/** Where an address of the host's begins. */
const leaks = (bytes: Uint8Array): number[] =>
  [HOST, HOST_GTT].flatMap((base) => {
    const wanted = Buffer.alloc(4);
    wanted.writeUInt32LE(base);
    const at = Buffer.from(bytes).indexOf(wanted);
    return at < 0 ? [] : [at];
  });

const PAGE = 0x10_8000;

describe.each([1, 2, 4, 8] as Width[])('by %i bytes', (width) => {
  it('the guest reads its own base from each mirror, and none of the host', () => {
    const { dispatcher, fn } = start();
    fn.setDecode(true);
    const bytes = new Uint8Array(4096);
    for (let at = 0; at < 4096; at += width) {
      const low = dispatcher.read(BAR + PAGE + at, width);
      for (let index = 0; index < width; index++) {
        bytes[at + index] = (index < 4 ? low : dispatcher.high) >>> (8 * (index % 4));
      }
    }
    expect(leaks(bytes)).toEqual([]);
    const view = new DataView(bytes.buffer);
    expect(view.getUint32(0x0c0, true)).toBe(GUEST);
    expect(view.getUint32(0x100, true)).toBe(GUEST_GTT);
    expect(view.getUint32(0x2c0, true)).toBe(HOST + 0x300_0000);
  });

  it('so does a user-level driver, by region door and configuration space', () => {
    const { dispatcher, fn } = start();
    const door = dispatcher.openRegions('00:02.0') as RegionDoor;
    fn.setDecode(true);
    const bytes = new Uint8Array(4096);
    const config = new Uint8Array(256);
    for (let at = 0; at < 4096; at += width) {
      door.pread({ index: 0, position: PAGE + at }, bytes.subarray(at, at + width));
      if (at < 256) door.pread({ index: 7, position: at }, config.subarray(at, at + width));
    }
    expect([...leaks(bytes), ...leaks(config)]).toEqual([]);
    expect(new DataView(bytes.buffer).getUint32(0x100, true)).toBe(GUEST_GTT);
    expect(new DataView(config.buffer).getUint32(0xf0, true)).toBe(GUEST_GTT);
    expect(fn.config.read(0xc0, 4)).toBe(GUEST);
  });
});
