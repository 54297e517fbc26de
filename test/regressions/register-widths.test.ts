// Mask and pending registers of 32 bits were read as 16.
// https://github.com/projectacrn/acrn-hypervisor/issues/7722
// https://github.com/projectacrn/acrn-hypervisor/issues/7763

import { describe, expect, it } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import { RecordingHost } from '../recording-host.js';
import { all, BAR, description, interruptsOf } from './kinds.js';

describe.each(all)('$name', (kind) => {
  it('all 32 bits of an entry are kept, by 4 bytes and by 8', () => {
    const { trap, fn } = kind.start();
    for (const value of [0x80000000, 0x00010000, 0x12345678, 0xffffffff]) {
      for (const field of [0, 4, 8]) {
        trap.write(BAR + 0x2100 + field, 4, value);
        expect(trap.read(BAR + 0x2100 + field, 4)).toBe(value);
      }
      expect(fn.vector(0)).toMatchObject({ addressLow: value, addressHigh: value, data: value });
      trap.write(BAR + 0x2110, 8, value, ~value >>> 0);
      expect([trap.read(BAR + 0x2110, 8), trap.high]).toEqual([value, ~value >>> 0]);
    }
  });

  it('the pending bits above 15 read', () => {
    const msix = { ...description.msix, count: 64 } as typeof description.msix;
    const machine = kind.start({ msix }, undefined, true);
    if (kind.software) {
      interruptsOf(machine).useAll();
      for (const vector of [16, 31, 48, 63]) interruptsOf(machine).raise(vector);
    } else {
      (machine.host.mapPage(BAR + 0x3000, 8) as Uint8Array).set([0, 0, 1, 0x80, 0, 0, 1, 0x80], 0x200);
    }
    expect(machine.trap.read(BAR + 0x3200, 4)).toBe(0x80010000);
    expect(machine.trap.read(BAR + 0x3204, 4)).toBe(0x80010000);
    expect([machine.trap.read(BAR + 0x3200, 8), machine.trap.high]).toEqual([0x80010000, 0x80010000]);
  });
});

const kinds = [
  ['passed through', undefined],
  ['software', { send() {} }],
] as const;

it.each(kinds)(
  "MSI's mask register is read and written with all its 32 bits, the pending one read: %s",
  (_name, software) => {
    const config = new Uint8Array(256);
    const view = new DataView(config.buffer);
    view.setUint16(0x06, 0x0010, true);
    view.setUint8(0x34, 0x50);
    // 64-bit address, per-vector masking: mask at +16, pending at +20.
    view.setUint32(0x50, 0x0180_0005, true);
    view.setUint32(0x64, 0x8001_8001, true);
    const { config: registers } = createDispatcher({ host: new RecordingHost() }).assign({
      sbdf: 8,
      bars: [],
      config,
      software,
    });
    registers.write(0x60, 4, 0xdeadbeef);
    expect(registers.read(0x60, 4)).toBe(0xdeadbeef);
    expect(registers.read(0x62, 2)).toBe(0xdead);
    registers.write(0x64, 4, 0);
    expect(registers.read(0x64, 4)).toBe(0x80018001);
  },
);

it.each(kinds)(
  'the registers of the MSI-X capability read whole, and have all their bits: %s',
  (_name, software) => {
    const assigned = (change: object) => {
      const dispatcher = createDispatcher({ host: new RecordingHost() });
      return dispatcher.assign({ ...description, software, ...change }).config;
    };
    const config = assigned({});
    expect(config.read(0x60, 4)).toBe(0x0002_0011);
    expect(config.read(0x64, 4)).toBe(0x2100);
    expect(config.read(0x68, 4)).toBe(0x3200);
    const large = assigned({
      bars: [{ index: 4, type: 'mem64', address: 2 ** 40, size: 2 ** 32 }],
      msix: { count: 2048, table: { bir: 4, offset: 0x9234_5678 }, pba: { bir: 4, offset: 0xffff_fe00 } },
    });
    expect(large.read(0x60, 4)).toBe(0x07ff_0011);
    expect(large.read(0x64, 4)).toBe(0x9234_567c);
    expect(large.read(0x68, 4)).toBe(0xffff_fe04);
  },
);
