import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../src/access.js';
import { createDispatcher } from '../src/dispatcher.js';
import { MemoryHost } from './memory-host.js';

const BASE = 0xfe000000;

describe('locate', () => {
  const dispatcher = createDispatcher({ host: new MemoryHost() });
  const msix = { count: 2, table: { bir: 0, offset: 0x1080 }, pba: { bir: 0, offset: 0x10c0 } };
  const nic = dispatcher.assign({
    sbdf: '02:00.0',
    decode: true,
    bars: [
      { index: 0, type: 'mem32', address: BASE, size: 0x2000 },
      { index: 2, type: 'mem32', address: BASE + 0x3100, size: 0x100 },
    ],
    msix,
  });
  dispatcher.assign({
    sbdf: '03:00.0',
    decode: true,
    bars: [
      { index: 0, type: 'mem32', address: BASE + 0x3000, size: 0x100 },
      { index: 1, type: 'mem32', address: BASE + 0x4000, size: 0x80 },
    ],
  });

  it.each([
    [0, '02:00.0 0 0 direct'],
    [0xfff, '02:00.0 0 fff direct'],
    [0x1000, '02:00.0 0 1000 adjacent'],
    [0x107f, '02:00.0 0 107f adjacent'],
    [0x1080, '02:00.0 0 1080 table'],
    [0x109f, '02:00.0 0 109f table'],
    [0x10a0, '02:00.0 0 10a0 adjacent'],
    [0x10c0, '02:00.0 0 10c0 pba'],
    [0x10c7, '02:00.0 0 10c7 pba'],
    [0x10c8, '02:00.0 0 10c8 adjacent'],
    [0x1fff, '02:00.0 0 1fff adjacent'],
    [0x2000, undefined],
    [0x3000, '03:00.0 0 0 neighbour'],
    [0x3100, '02:00.0 2 0 neighbour'],
    [0x31ff, '02:00.0 2 ff neighbour'],
    [0x3200, undefined],
    [0x4000, '03:00.0 1 0 direct'],
    [0x407f, '03:00.0 1 7f direct'],
    [0x4080, undefined],
  ])('says whose the byte at +%s is', (offset, wanted) => {
    const at = dispatcher.locate(BASE + offset);
    const name = (sbdf: number) => (sbdf === nic.sbdf ? '02:00.0' : '03:00.0');
    expect(at && `${name(at.fn.sbdf)} ${at.bar.index} ${at.offset.toString(16)} ${at.owner}`).toBe(wanted);
  });

  it('agrees with what traps', () => {
    for (let offset = 0; offset < 0x5000; offset += 4) {
      const owner = dispatcher.locate(BASE + offset)?.owner;
      const traps = dispatcher.read(BASE + offset, 4) !== UNCLAIMED;
      if (owner) expect(traps, `+${offset.toString(16)}`).toBe(owner !== 'direct');
    }
  });

  it('follows decoding', () => {
    nic.setDecode(false);
    expect(dispatcher.locate(BASE + 0x1080)).toBeUndefined();
    expect(dispatcher.locate(BASE + 0x3000)?.owner).toBe('direct');
    nic.setDecode(true);
    expect(dispatcher.locate(BASE + 0x3000)?.owner).toBe('neighbour');
  });
});
