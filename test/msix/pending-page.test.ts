import { describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import { createDispatcher } from '../../src/dispatcher.js';
import type { BarDescription } from '../../src/function.js';
import type { Host, PageHandler } from '../../src/host.js';
import type { PciFunction } from '../../src/pci/function.js';
import { policies } from '../../src/policy.js';
import { attached, doors } from '../engines.js';
import { RecordingHost } from '../recording-host.js';
import { BAR, PBA, SoftwareDevice, type SoftwareDeviceOptions } from './software-device.js';

const bar = (index: number, address: number, size: number, hostAddress?: number): BarDescription => ({
  index,
  type: 'mem32',
  address,
  size,
  ...(hostAddress !== undefined && { hostAddress }),
});

/** All vectors masked and in use. */
function idle(options: SoftwareDeviceOptions = {}): SoftwareDevice {
  const device = new SoftwareDevice(options);
  device.interrupts.useAll();
  return device;
}

const counts = [1, 63, 64, 65, 128, 2048];

describe.each(counts)('the PBA of %i vectors', (count) => {
  const size = 8 * Math.ceil(count / 64);
  const pba = BAR + PBA;

  it('has a bit for each vector, and no other', () => {
    const device = idle({ msix: { count } });
    for (let vector = 0; vector < count; vector++) {
      device.interrupts.raise(vector);
      const word = pba + 8 * (vector >> 6);
      const bit = 1n << BigInt(vector & 63);
      expect(device.dispatcher.readBig(word)).toBe(bit);
      const lane = pba + 4 * (vector >> 5);
      expect(device.dispatcher.read(lane, 4)).toBe((1 << (vector & 31)) >>> 0);
      device.interrupts.clearPending(vector);
      expect(device.dispatcher.readBig(word)).toBe(0n);
    }
  });

  it('reads all pending bits at once, and zero in the bits of no vector', () => {
    const device = idle({ msix: { count } });
    for (let vector = 0; vector < count; vector++) device.interrupts.raise(vector);
    let bits = 0;
    for (let offset = 0; offset < size; offset += 8) {
      for (let word = device.dispatcher.readBig(pba + offset) as bigint; word > 0n; word &= word - 1n) bits++;
    }
    expect(bits).toBe(count);
  });

  it('ends after whole 8-byte words', () => {
    const host = new RecordingHost();
    const device = idle({ msix: { count }, host });
    device.interrupts.raise(count - 1);
    host.take();
    device.dispatcher.read(pba + size - 8, 8);
    device.dispatcher.read(pba + size - 4, 4);
    expect(host.take()).toEqual([]);
    device.dispatcher.read(pba + size, 4);
    expect(host.take()).toEqual([`map 8 fe008000`, `read fe008000 ${0x800 + size} 4`]);
    device.dispatcher.read(pba - 4, 4);
    expect(host.take()).toEqual([`read fe008000 ${0x800 - 4} 4`]);
  });
});

describe('reading pending bits', () => {
  const ranges: [offset: number, width: Width, first: number, end: number][] = [
    [0, 4, 0, 32],
    [4, 4, 32, 64],
    [8, 4, 64, 96],
    [12, 4, 96, 100],
    [0, 8, 0, 64],
    [8, 8, 64, 100],
  ];
  it.each(ranges)('polls those at byte %i, width %i: %i to %i', (offset, width, first, end) => {
    const polls: number[][] = [];
    const device = new SoftwareDevice({
      msix: { count: 100 },
      model: { poll: (from, to) => polls.push([from, to]) },
    });
    device.dispatcher.read(BAR + PBA + offset, width);
    expect(polls).toEqual([[first, end]]);
  });

  it('polls no vectors beyond the last', () => {
    const polls: number[][] = [];
    const device = new SoftwareDevice({
      msix: { count: 1 },
      model: { poll: (from, to) => polls.push([from, to]) },
    });
    device.dispatcher.read(BAR + PBA, 4);
    device.dispatcher.read(BAR + PBA + 4, 4);
    expect(polls).toEqual([[0, 1]]);
  });

  it('sees what is raised by the poll', () => {
    const device: SoftwareDevice = idle({
      msix: { count: 100 },
      model: {
        poll(first, end) {
          for (let vector = first; vector < end; vector++) device.interrupts.raise(vector);
        },
      },
    });
    expect(device.dispatcher.read(BAR + PBA + 12, 4)).toBe(0xf);
    expect(device.interrupts.pending(95)).toBe(false);
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(0xffffffff_ffffffffn);
  });

  it('answers all ones where the poll throws', () => {
    const wrong = new Error('no eventfd');
    const device = new SoftwareDevice({
      model: {
        poll() {
          throw wrong;
        },
      },
    });
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(0xffffffff_ffffffffn);
    expect(device.errors).toEqual([wrong]);
  });

  it.each([...doors, attached])('works through the $name', ({ create }) => {
    const trap = create({ host: new RecordingHost() });
    const fn = trap.assign({
      sbdf: 8,
      bars: [bar(0, BAR, 0x1000)],
      msix: { count: 65, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
      decode: true,
      software: { send() {} },
    }) as SoftwareDevice['fn'];
    fn.interrupts.useAll();
    fn.interrupts.raise(31);
    fn.interrupts.raise(63);
    fn.interrupts.raise(64);
    expect([trap.read(BAR + 0x800, 8), trap.high]).toEqual([0x80000000, 0x80000000]);
    expect(trap.read(BAR + 0x808, 4)).toBe(1);
  });
});

describe('of accesses to pending bits', () => {
  it.each(['guest', 'hardware'] as const)('a %s domain writes none', (domain) => {
    const host = new RecordingHost();
    const device = idle({ domain, host });
    device.interrupts.raise(0);
    host.take();
    device.dispatcher.write(BAR + PBA, 4, 0xffffffff);
    device.dispatcher.write(BAR + PBA, 8, 0, 0xffffffff);
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(1n);
    expect(host.take()).toEqual([]);
  });

  it.each([policies.strict, policies.xen])('$name allows 4 and 8 bytes, aligned', (policy) => {
    const device = idle({ policy, msix: { count: 64 } });
    const pba = BAR + PBA;
    for (const [address, width, ones] of [
      [pba, 1, 0xff],
      [pba, 2, 0xffff],
      [pba + 2, 4, 0xffffffff],
      [pba + 4, 8, 0xffffffff],
    ] as const) {
      expect(device.dispatcher.read(address, width)).toBe(ones);
    }
    expect(device.dispatcher.read(pba + 4, 4)).toBe(0);
  });

  it('xenV3 allows any, of single bytes where unaligned', () => {
    const device = idle({ policy: policies.xenV3, msix: { count: 64 } });
    for (const vector of [0, 15, 31, 32, 63]) device.interrupts.raise(vector);
    const pba = BAR + PBA;
    expect(device.dispatcher.read(pba, 1)).toBe(0x01);
    expect(device.dispatcher.read(pba + 7, 1)).toBe(0x80);
    expect(device.dispatcher.read(pba, 2)).toBe(0x8001);
    expect(device.dispatcher.read(pba + 2, 2)).toBe(0x8000);
    expect(device.dispatcher.read(pba + 1, 4)).toBe(0x0180_0080);
    device.dispatcher.write(pba, 1, 0);
    expect(device.dispatcher.readBig(pba)).toBe(0x80000001_80008001n);
  });
});

describe('the rest of a page with pending bits', () => {
  const before = BAR + PBA - 8;
  const after = BAR + PBA + 8;

  it('is the memory that the host has there', () => {
    const page = new Uint8Array(4096);
    const device = idle({ host: { mapPage: () => page } });
    device.dispatcher.write(before, 8, 0x89abcdef, 0x01234567);
    device.dispatcher.write(after, 2, 0xbeef);
    device.dispatcher.write(after + 3, 1, 0x80);
    expect([...page.subarray(0x7f8, 0x814)]).toEqual([
      ...[0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01],
      ...[0, 0, 0, 0, 0, 0, 0, 0],
      ...[0xef, 0xbe, 0, 0x80],
      ...[0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    expect(device.dispatcher.readBig(before)).toBe(0x01234567_89abcdefn);
    expect(device.dispatcher.read(after, 4)).toBe(0x8000beef);
    expect(device.dispatcher.read(after + 1, 2)).toBe(0xbe);
  });

  it('is what handlers answer, with the accesses that the guest made', () => {
    const calls: string[] = [];
    const handler: PageHandler = {
      read(offset, width, high) {
        calls.push(`read ${offset} ${width}`);
        high[0] = 0xfedcba98;
        return 0x87654321;
      },
      write: (...access) => calls.push(`write ${access.join(' ')}`),
    };
    const device = idle({ host: { mapPage: () => handler } });
    expect(device.dispatcher.readBig(after)).toBe(0xfedcba98_87654321n);
    expect(device.dispatcher.read(before, 2)).toBe(0x4321);
    device.dispatcher.write(after, 8, 0xffffffff, 0x80000000);
    device.dispatcher.write(after, 4, 0xffffffff);
    expect(calls).toEqual([
      'read 2056 8',
      'read 2040 2',
      `write 2056 8 ${0xffffffff} ${0x80000000}`,
      `write 2056 4 ${0xffffffff} 0`,
    ]);
  });

  it('reads all ones and drops writes while the host has none, and the pending bits do not', () => {
    const host = new RecordingHost();
    host.unmappable.add(0xfe008000);
    const device = idle({ host });
    device.interrupts.raise(1);
    expect(device.dispatcher.readBig(after)).toBe(0xffffffff_ffffffffn);
    expect(device.dispatcher.read(after, 2)).toBe(0xffff);
    device.dispatcher.write(after, 4, 0);
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(2n);
    host.unmappable.clear();
    device.dispatcher.write(after, 4, 0x1234);
    expect(device.dispatcher.read(after, 4)).toBe(0x1234);
  });

  it('is unmapped with decoding, once, if it was mapped', () => {
    const host = new RecordingHost();
    const device = idle({ host });
    const cycle = () => {
      device.fn.setDecode(false);
      device.fn.setDecode(true);
      return host.take().filter((call) => call.includes('map'));
    };
    device.dispatcher.read(BAR + PBA, 4);
    expect(cycle()).toEqual([]);
    device.dispatcher.read(BAR + PBA, 4);
    device.dispatcher.read(after, 4);
    expect(cycle()).toEqual(['map 8 fe008000', 'unmap 8 fe008000']);
    device.dispatcher.read(after, 4);
    device.dispatcher.deassign(8);
    expect(host.take().filter((call) => call.includes('map'))).toEqual([
      'map 8 fe008000',
      'unmap 8 fe008000',
    ]);
  });

  it('of other pages is the host page itself', () => {
    const host = new RecordingHost();
    const device = idle({ host });
    device.dispatcher.read(BAR + 8, 4);
    device.dispatcher.deassign(8);
    expect(host.take()).toEqual(['map 8 fe000000', 'read fe000000 8 4', 'unmap 8 fe000000']);
  });

  it.each(Object.values(policies))('is reported where the host cannot map it, under $name', (policy) => {
    const host = new RecordingHost();
    host.unmappable.add(0xfe008000);
    const device = idle({ host, policy });
    device.dispatcher.read(after, 4);
    device.dispatcher.write(before, 8, 0);
    const { counts } = device.dispatcher;
    expect([counts['map-failed-read'], counts['map-failed-write']]).toEqual([1, 1]);
  });

  it('is reported on every other page that the host cannot map', () => {
    const host = new RecordingHost();
    const device = idle({
      host,
      bars: [bar(0, BAR, 0x4000)],
      msix: { table: { bir: 0, offset: 0x10 }, pba: { bir: 0, offset: 0x1800 } },
    });
    host.unmappable.add(BAR);
    expect(device.dispatcher.read(BAR, 4)).toBe(0xffffffff);
    expect(device.dispatcher.counts['map-failed-read']).toBe(1);
    const after = idle({
      host,
      bars: [bar(0, BAR, 0x4000)],
      msix: { table: { bir: 0, offset: 0x1010 }, pba: { bir: 0, offset: 0x800 } },
    });
    host.unmappable.add(BAR + 0x1000);
    expect(after.dispatcher.read(BAR + 0x1000, 4)).toBe(0xffffffff);
    expect(after.dispatcher.counts['map-failed-read']).toBe(1);
  });

  it('of a bad host is an error that reaches the embedder', () => {
    const device = idle({ host: { mapPage: () => new Uint8Array(16) } });
    expect(device.dispatcher.read(after, 4)).toBe(0xffffffff);
    expect(device.errors).toEqual([expect.objectContaining({ code: 'bad-argument' })]);
  });
});

describe('pending bits lie where their BAR is', () => {
  const twoPages = { count: 128, pba: { bir: 0, offset: 0x8ff8 } };

  it('across two pages', () => {
    const device = idle({ msix: twoPages });
    device.interrupts.raise(63);
    device.interrupts.raise(64);
    expect(device.dispatcher.readBig(BAR + 0x8ff8)).toBe(1n << 63n);
    expect(device.dispatcher.readBig(BAR + 0x9000)).toBe(1n);
    expect(device.dispatcher.readBig(BAR + 0x9008)).toBe(0n);
  });

  it('in a BAR of their own, whatever the host address', () => {
    const device = idle({
      bars: [bar(0, BAR, 0x1000), bar(2, BAR + 0x1000, 0x1000, 0x7000)],
      msix: { pba: { bir: 2, offset: 0x20 } },
    });
    device.interrupts.raise(1);
    expect(device.dispatcher.readBig(BAR + 0x1020)).toBe(2n);
    expect(device.dispatcher.readBig(BAR + 0x20)).toBe(0n);
  });

  it('in a small BAR that shares the guest page of the table and has another host page', () => {
    const device = idle({
      bars: [bar(0, BAR, 0x200, 0x5000), bar(2, BAR + 0x200, 0x200, 0x7c00)],
      msix: { pba: { bir: 2, offset: 0x20 } },
    });
    device.interrupts.raise(1);
    expect(device.dispatcher.readBig(BAR + 0x220)).toBe(2n);
    device.dispatcher.write(BAR + 0x240, 4, 0x55);
    expect(device.dispatcher.read(BAR + 0x240, 4)).toBe(0x55);
    device.writeMessage(1, 0x41);
    expect(device.fn.vector(1).data).toBe(0x41);
  });

  it.each([
    ['guest', policies.strict],
    ['hardware', policies.strict],
    ['guest', policies.xen],
    ['hardware', policies.xen],
    ['hardware', policies.xenV3],
  ] as const)('after it moved, in a %s domain', (domain, policy) => {
    const device = idle({ domain, policy });
    device.interrupts.raise(1);
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(2n);
    device.fn.setDecode(false);
    expect(device.fn.moveBar(0, 0xd0000000)).toBe(true);
    device.fn.setDecode(true);
    expect(device.dispatcher.readBig(0xd0000000 + PBA)).toBe(2n);
    expect(device.dispatcher.read(BAR + PBA, 4)).toBe(UNCLAIMED);
    device.dispatcher.write(0xd0000000 + PBA + 8, 4, 0x77);
    expect(device.dispatcher.read(0xd0000000 + PBA + 8, 4)).toBe(0x77);
  });
});

describe('of a software function no call reaches a physical one', () => {
  it('but those for the guest mappings, the legacy interrupt and the pages', () => {
    const host = new RecordingHost();
    host.guestPages.set(BAR, 'identity');
    const device = idle({ host });
    expect(host.take()).toEqual([`hole ${BAR.toString(16)}`]);
    device.start();
    device.setMask(0, true);
    device.control(true, true);
    device.control(false);
    device.control(true);
    device.fn.setDecode(false);
    device.fn.setDecode(true);
    device.fn.reset();
    expect(host.take()).toEqual(['intx 8', 'intx 8']);
  });

  it('and what the host allows counts', () => {
    const host = new RecordingHost();
    const device = idle({ host });
    device.fn.setDecode(false);
    host.guestPages.set(BAR, 'other');
    expect(device.fn.setDecode(true)).toBe('fail');
    host.guestPages.clear();
    host.stuckBars.add('8:0');
    device.fn.setDecode(true);
    expect(device.fn.bars[0].enabled).toBe(false);
  });

  it('and a host without optional methods will do', () => {
    const device = idle({ host: { mapPage: () => null } }).start();
    device.fn.setDecode(false);
    expect(device.fn.setDecode(true)).toBe('okay');
    device.fn.reset();
    expect(device.errors).toEqual([]);
  });

  it('and regions and resets are the function itself', () => {
    const host: Host = {
      mapPage: () => null,
      requestRegions: () => false,
      reset: () => {
        throw new Error('physical reset');
      },
    };
    const device = idle({ host });
    expect(device.fn.reset()).toBe(true);
    expect(device.errors).toEqual([]);
    expect((device.fn as PciFunction).host.requestRegions?.(8)).toBe(true);
  });

  it('and ports are there if the host has some', () => {
    const ports = (device: SoftwareDevice) => (device.fn as PciFunction).host;
    class Ports extends RecordingHost {
      readPort(port: number): number {
        this.note(`in ${port}`);
        return 5;
      }
      writePort(port: number, _width: number, value: number): void {
        this.note(`out ${port} ${value}`);
      }
    }
    const host = new Ports();
    const { readPort, writePort } = ports(idle({ host }));
    host.take();
    expect(readPort?.(0x70, 1, 8)).toBe(5);
    writePort?.(0x70, 1, 3, 8);
    expect(host.take()).toEqual(['in 112', 'out 112 3']);
    const without = ports(idle());
    expect([without.readPort, without.writePort]).toEqual([undefined, undefined]);
  });

  it('and the host hears of what it may map for the guest', () => {
    const calls: string[] = [];
    const host: Host = {
      mapPage: () => null,
      mapGuestPages: (...range) => calls.push(`map ${range.join(' ')}`),
      unmapGuestPages: (...range) => calls.push(`unmap ${range.join(' ')}`),
    };
    const device = idle({
      host,
      bars: [bar(0, 0x10000, 0x4000, 0x20000)],
      msix: { table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
    });
    device.fn.setDecode(false);
    expect(calls).toEqual([`map ${0x11000} ${0x21000} ${0x3000} 8`, `unmap ${0x11000} ${0x3000} 8`]);
  });
});

describe('assign refuses a software function', () => {
  const assign = (change: object, policy = policies.strict) => {
    const dispatcher = createDispatcher({ host: new RecordingHost(), policy });
    return () =>
      dispatcher.assign({
        sbdf: 8,
        bars: [bar(0, BAR, 0x1000)],
        msix: { count: 8, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x80 } },
        software: { send() {} },
        ...change,
      });
  };

  it.each(Object.values(policies))('with overlapping table and PBA, under $name', (policy) => {
    const overlapping = [
      { bir: 0, offset: 0x78 },
      { bir: 0, offset: 0 },
    ];
    for (const pba of overlapping) {
      const layout = { count: 8, table: { bir: 0, offset: 0 }, pba };
      expect(assign({ msix: layout }, policy)).toThrow(
        expect.objectContaining({
          code: 'bad-msix-capability',
          faults: ['assign: function 0000:00:01.0: msix table and pba overlap in BAR 0'],
        }),
      );
    }
    expect(assign({}, policy)).not.toThrow();
    const pbaFirst = { count: 65, table: { bir: 0, offset: 0x10 }, pba: { bir: 0, offset: 0 } };
    expect(assign({ msix: pbaFirst }, policy)).not.toThrow();
    const pbaOver = { ...pbaFirst, table: { bir: 0, offset: 8 } };
    expect(assign({ msix: pbaOver }, policy)).toThrow(/overlap in BAR 0/);
  });

  it('but takes equal offsets in different BARs', () => {
    const bars = [bar(0, BAR, 0x1000), bar(2, BAR + 0x1000, 0x1000)];
    const msix = { count: 8, table: { bir: 0, offset: 0 }, pba: { bir: 2, offset: 0 } };
    expect(assign({ bars, msix })).not.toThrow();
  });

  it('with any other fault of its capability under xenV3 as well, all of them listed', () => {
    const msix = { count: 300, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0xff8 } };
    expect(assign({ msix }, policies.xenV3)).toThrow(
      expect.objectContaining({
        code: 'bad-msix-capability',
        faults: [
          expect.stringMatching(/table ends at 4800, outside BAR 0/),
          expect.stringMatching(/pba ends at 4128, outside BAR 0/),
          expect.stringMatching(/overlap/),
        ],
      }),
    );
  });

  it('without send', () => {
    expect(assign({ software: {} })).toThrow(
      expect.objectContaining({
        code: 'bad-argument',
        faults: ['assign: function 0000:00:01.0: software send undefined is not a function'],
      }),
    );
  });
});

describe.each(Object.values(policies))('under $name a software function', (policy) => {
  // Table, registers, PBA and registers on a page; the PBA of the real one reads 0, too.
  const description = {
    sbdf: 8,
    bars: [bar(0, BAR, 0x2000)],
    msix: { count: 3, table: { bir: 0, offset: 0xf90 }, pba: { bir: 0, offset: 0xfd0 } },
    decode: true,
  };
  const accesses = [0xf80, 0xf90, 0xfbc, 0xfc0, 0xfcc, 0xfd0, 0xfd8, 0xff4, 0x1000].flatMap((start) =>
    Array.from({ length: 12 }, (_, index) => start + index),
  );

  it.each(['read', 'write'] as const)('answers every %s as a real one with the same layout', (direction) => {
    const sides = [undefined, { send() {} }].map((software) => {
      const page = new Uint8Array(0x2000).map((_, index) =>
        index >= 0xfd0 && index < 0xfd8 ? 0 : index * 7,
      );
      const dispatcher = createDispatcher({
        host: { mapPage: (address) => page.subarray(address - BAR, address - BAR + 4096) },
        policy,
        diagnosticLimit: 'none',
      });
      dispatcher.assign({ ...description, ...(software && { software }) });
      return { dispatcher, page };
    });
    for (const width of [1, 2, 4, 8] as const) {
      for (const offset of accesses) {
        const answers = sides.map(({ dispatcher, page }) => {
          const answer =
            direction === 'read'
              ? [dispatcher.read(BAR + offset, width), width === 8 ? dispatcher.high : 0]
              : [dispatcher.write(BAR + offset, width, 0x89abcdef, 0x01234567)];
          const {
            'bad-size': refused,
            'unaligned-read': reads,
            'unaligned-write': writes,
          } = dispatcher.counts;
          const [fn] = dispatcher.functions;
          const entries = [0, 1, 2].map((index) => {
            const { addressLow, addressHigh, data, masked } = fn.vector(index);
            return [addressLow, addressHigh, data, masked];
          });
          return { answer, refused, reads, writes, entries, page: Buffer.from(page).toString('hex') };
        });
        expect(answers[1], `${direction} of ${width} at ${offset.toString(16)}`).toEqual(answers[0]);
      }
    }
  });
});
