import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { createDispatcher, type DispatcherOptions } from '../../src/dispatcher.js';
import type { Host } from '../../src/host.js';
import { policies } from '../../src/policy.js';
import { RecordingHost } from '../recording-host.js';

const BAR = 0xfe00_0000;
const description = {
  sbdf: 8,
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x4000 }],
  msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
} as const;

/** A host that does something in one of its callbacks. */
class Reentrant extends RecordingHost {
  during: (call: string) => void = () => {};

  override mapPage(...args: Parameters<RecordingHost['mapPage']>) {
    const page = super.mapPage(...args);
    this.during('mapPage');
    return page;
  }

  override writeConfig(...args: Parameters<RecordingHost['writeConfig']>) {
    super.writeConfig(...args);
    this.during('writeConfig');
  }

  override removeGuestMapping(page: number): void {
    super.removeGuestMapping(page);
    this.during('removeGuestMapping');
  }

  mapGuestPages(guest: number): void {
    this.note(`direct ${guest.toString(16)}`);
    this.during('mapGuestPages');
  }

  unmapGuestPages(guest: number): void {
    this.note(`undirect ${guest.toString(16)}`);
    this.during('unmapGuestPages');
  }
}

function machine(options: Partial<DispatcherOptions> = {}) {
  const host = new Reentrant();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const dispatcher = createDispatcher({ host, onError, ...options });
  return { host, dispatcher, fn: dispatcher.assign(description), errors };
}

describe('decoding switched off while the host maps a page', () => {
  it.each(['read', 'write'] as const)(
    'ends the %s: nothing is reached, and nothing stays mapped',
    (access) => {
      for (const offset of [0x900, 0x901]) {
        const { host, dispatcher, fn } = machine();
        fn.setDecode(true);
        host.take();
        host.during = (call) => {
          if (call === 'mapPage' && fn.decoding) fn.setDecode(false);
        };
        if (access === 'read') expect(dispatcher.read(BAR + offset, 4)).toBe(0xffffffff);
        else expect(dispatcher.write(BAR + offset, 4, 1)).toBe(true);
        const calls = host.take().filter((call) => /^(map|unmap|read|write) /.test(call));
        expect(calls).toEqual(['map 8 fe000000', 'unmap 8 fe000000']);
      }
    },
  );

  it('and on again: the next access maps it anew', () => {
    const { host, dispatcher, fn } = machine();
    fn.setDecode(true);
    host.take();
    let once = true;
    host.during = (call) => {
      if (call !== 'mapPage' || !once) return;
      once = false;
      fn.setDecode(false);
      fn.setDecode(true);
    };
    expect(dispatcher.read(BAR + 0x900, 4)).toBe(0xffffffff);
    expect(dispatcher.read(BAR + 0x900, 4)).not.toBe(UNCLAIMED);
    const calls = host.take().filter((call) => /^(map|unmap|read|write) /.test(call));
    expect(calls).toEqual(['map 8 fe000000', 'unmap 8 fe000000', 'map 8 fe000000', 'read fe000000 2304 4']);
  });
});

describe('while decoding is being switched on under strict', () => {
  it('no access is accepted, whatever callback asks', () => {
    const { host, dispatcher, fn } = machine();
    host.guestPages.set(BAR, 'identity');
    const seen: string[] = [];
    host.during = (call) => {
      seen.push(call);
      expect(fn.bars[0].enabled).toBe(false);
      expect([dispatcher.read(BAR + 0x900, 4), dispatcher.read(BAR, 4)]).toEqual([UNCLAIMED, UNCLAIMED]);
      expect(dispatcher.write(BAR + 12, 4, 0)).toBe(false);
    };
    fn.setDecode(true);
    expect(seen).toEqual(['mapGuestPages', 'removeGuestMapping', 'writeConfig']);
    host.during = () => {};
    expect(dispatcher.read(BAR + 12, 4)).toBe(1);
  });

  it.each(['mapGuestPages', 'removeGuestMapping', 'writeConfig'])(
    'a %s that throws leaves nothing on, and no error escapes, though taking back throws as well',
    (failing) => {
      const { host, dispatcher, fn, errors } = machine();
      host.guestPages.set(BAR, 'identity');
      host.during = (call) => {
        if (call === failing || call === 'unmapGuestPages') throw new Error(call);
      };
      expect(() => fn.config.write(4, 2, 2)).not.toThrow();
      expect([fn.decoding, fn.bars[0].enabled, dispatcher.trappedPages, fn.mapping]).toEqual([
        false,
        false,
        0,
        [],
      ]);
      expect(errors.length).toBeGreaterThan(0);
      host.during = () => {};
      fn.config.write(4, 2, 2);
      expect([fn.decoding, dispatcher.read(BAR + 12, 4)]).toEqual([true, 1]);
    },
  );

  it('COMMAND keeps its other bits when it fails', () => {
    const { host, fn } = machine();
    fn.config.write(4, 2, 0x0400);
    host.guestPages.set(BAR, 'other');
    host.take();
    fn.config.write(4, 2, 0x0006);
    expect([fn.config.read(4, 2), host.take()]).toEqual([0x0400, []]);
  });
});

describe.each(Object.values(policies))('while decoding is being switched under $name', (policy) => {
  it('nothing that a callback asks of the function changes it, on or off', () => {
    const { host, dispatcher, fn } = machine({ policy });
    const snapshot = dispatcher.save();
    const seen: unknown[] = [];
    host.during = () => {
      seen.push(fn.setDecode(true), fn.setDecode(false), fn.moveBar(0, BAR + 0x10_0000), fn.reset());
      fn.config.write(0x10, 4, 0xffffffff);
      fn.config.write(4, 2, fn.decoding ? 0 : 2);
      for (const call of [() => dispatcher.deassign(8), () => dispatcher.restore(snapshot)]) {
        expect(call).toThrow(expect.objectContaining({ code: 'busy' }));
      }
    };
    for (const on of [true, false]) {
      fn.config.write(4, 2, on ? 2 : 0);
      expect([fn.decoding, fn.bars[0].enabled, fn.bars[0].address]).toEqual([on, on, BAR]);
    }
    expect(new Set(seen)).toEqual(new Set(['fail', false]));
    host.during = () => {};
    dispatcher.deassign(8);
    expect([dispatcher.trappedPages, dispatcher.locate(BAR)]).toEqual([0, undefined]);
  });
});

it.each(Object.values(policies))('deassign under $name is whole, whatever the host throws', (policy) => {
  const { host, dispatcher, fn, errors } = machine({ policy });
  fn.setDecode(true);
  dispatcher.read(BAR + 0x900, 4);
  host.during = (call) => {
    throw new Error(call);
  };
  expect(() => dispatcher.deassign(8)).not.toThrow();
  expect([dispatcher.functions, dispatcher.trappedPages, errors.length]).toEqual([[], 0, 1]);
  host.during = () => {};
  dispatcher.assign(description);
});

describe('memory that runs out while decoding is switched on', () => {
  it('leaves it off: what was mapped and written is taken back', () => {
    const host: Host = new Reentrant();
    const dispatcher = createDispatcher({ host, memoryLimit: 512 * 1024 });
    const far = Array.from({ length: 12 }, (_, index) =>
      dispatcher.assign({
        ...description,
        sbdf: 8 * (index + 1),
        bars: [{ ...description.bars[0], address: BAR + index * 2 ** 26 }],
      }),
    );
    for (const fn of far) fn.setDecode(true);
    const off = far.filter((fn) => !fn.decoding);
    expect(off.length).toBeGreaterThan(0);
    expect(dispatcher.counts['out-of-memory']).toBe(off.length);
    for (const fn of off) {
      expect([fn.bars[0].enabled, fn.config.read(4, 2) & 2, fn.mapping]).toEqual([false, 0, []]);
      const calls = (host as Reentrant).calls.filter((call) => call.startsWith(`config ${fn.sbdf} `));
      expect(calls).toEqual([`config ${fn.sbdf} 4 2`, `config ${fn.sbdf} 4 0`]);
    }
  });
});
