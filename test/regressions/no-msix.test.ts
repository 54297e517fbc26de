// MSI-X was taken for granted, and its BAR for enabled.
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/5649
// https://github.com/cloud-hypervisor/cloud-hypervisor/issues/5658
// https://xenbits.xen.org/gitweb/?p=xen.git;a=commit;h=7c24d58a6e

import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import type { RegionDoor } from '../../src/vfio/door.js';
import { RecordingHost } from '../recording-host.js';
import { all, BAR, description, interruptsOf } from './kinds.js';

describe.each(all)('$name', (kind) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    it('a function without MSI-X works, and nothing of it traps', () => {
      const machine = kind.start({ msix: undefined }, policy);
      const { trap, fn, calls } = machine;
      expect([fn.msix, fn.messageControl]).toEqual([undefined, 0]);
      fn.writeMessageControl(0x8000);
      expect(fn.messageControl).toBe(0);
      expect(() => fn.vector(0)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
      expect(fn.setDecode(false)).toBe('okay');
      expect(fn.setDecode(true)).toBe('okay');
      expect(trap.read(BAR + 0x2100, 4)).toBe(UNCLAIMED);
      trap.deassign(fn.sbdf);
      expect(calls().filter((call) => /hole|arm|mask|map|onError/.test(call))).toEqual([]);
      if (kind.software) expect(interruptsOf(machine)).toBeUndefined();
    });

    it('a disabled BAR makes no hole at assign and traps nothing', () => {
      if (policy.hole === 'always') return;
      const { trap, host, calls } = kind.machine(policy);
      host.guestPages.set(BAR + 0x2000, 'identity');
      const off = kind.description({ ...description, decode: false }, host);
      const fn = trap.assign(off);
      expect(calls()).toEqual([]);
      expect(host.guestPages.get(BAR + 0x2000)).toBe('identity');
      expect(trap.read(BAR + 0x2100, 4)).toBe(UNCLAIMED);
      expect(fn.setDecode(true)).toBe('okay');
      expect(calls()).toContain(`hole ${(BAR + 0x2000).toString(16)}`);
      expect(trap.read(BAR + 0x210c, 4)).toBe(1);
    });

    it('vectors keep their state while the BAR is disabled', () => {
      const { trap, fn } = kind.start({}, policy);
      trap.write(BAR + 0x2108, 4, 0x41);
      fn.setDecode(false);
      fn.writeMessageControl(0x8000);
      fn.setDecode(true);
      expect([fn.messageControl, trap.read(BAR + 0x2108, 4)]).toEqual([0x8002, 0x41]);
    });
  });
});

it.each(Object.values(policies))('a function with MSI alone has no MSI-X anywhere, under $name', (policy) => {
  const config = new Uint8Array(256);
  config.set([0x10], 0x06);
  config.set([0x50], 0x34);
  // MSI with 64-bit addresses, the only capability.
  config.set([0x05, 0x00, 0x80, 0x00], 0x50);
  const host = new RecordingHost();
  const dispatcher = createDispatcher({ host, policy });
  const fn = dispatcher.assign({ ...description, msix: undefined, config });
  expect([fn.msix, fn.interrupts, fn.messageControl]).toEqual([undefined, undefined, 0]);
  expect([fn.config.read(0x34, 1), fn.config.read(0x50, 2)]).toEqual([0x50, 0x0005]);
  expect(fn.mapping).toEqual([{ bar: 0, kind: 'direct', guest: BAR, host: BAR, length: 0x10000 }]);
  const door = dispatcher.openRegions(fn.sbdf) as RegionDoor;
  expect(door.regionInfo(0)).toMatchObject({ msixMappable: false, mappable: [{ offset: 0, size: 0x10000 }] });
  door.close();
  dispatcher.restore(dispatcher.save());
  fn.reset();
  dispatcher.deassign(fn.sbdf);
  expect(host.take().filter((call) => /hole|arm|mask/.test(call))).toEqual([]);
});
