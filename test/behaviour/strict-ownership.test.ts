import { describe, expect, it } from 'vitest';
import { UNCLAIMED, type Width } from '../../src/access.js';
import type { FunctionDescription } from '../../src/function.js';
import { type Policy, policies } from '../../src/policy.js';
import { engines } from '../engines.js';
import { Subject } from '../subject.js';

const BAR = 0xfe000000;

/** BARs of 16 KiB at BAR, table and PBA at the offsets. */
function deviceWith(count: number, table: number, pba: number, sbdf = 8): FunctionDescription {
  return {
    sbdf,
    bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x4000 }],
    msix: { count, table: { bir: 0, offset: table }, pba: { bir: 0, offset: pba } },
    decode: true,
  };
}

describe.each(engines)('$name', (engine) => {
  function subject(policy: Policy, ...functions: FunctionDescription[]): Subject {
    const made = new Subject(engine, policy, 'guest');
    for (const description of functions)
      expect(made.act({ do: 'assign', description }).answer).toBe('undefined');
    return made;
  }

  const read = (on: Subject, address: number, width: Width) => on.act({ do: 'read', address, width });
  const write = (on: Subject, address: number, width: Width, low: number, high = 0) =>
    on.act({ do: 'write', address, width, low, high });

  describe('the tail page: a table that ends exactly at a page boundary', () => {
    // The PBA lies over the table's last entry, so that its page is reached by the table's tail.
    const description: FunctionDescription = {
      ...deviceWith(264, 0xf80, 0x1ff8),
    };

    it('under strict maps the page that holds its last byte', () => {
      expect(read(subject(policies.strict, description), BAR + 0x1ff8, 8).calls).toEqual([
        'map 8 fe001000',
        'read fe001000 4088 8',
      ]);
    });

    it('under xen maps the page after it', () => {
      expect(read(subject(policies.xen, description), BAR + 0x1ff8, 8).calls).toEqual([
        'map 8 fe002000',
        'read fe002000 4088 8',
      ]);
    });
  });

  describe('the fields of a table at 8 mod 16', () => {
    const description = deviceWith(2, 0x808, 0x900);
    const entry = BAR + 0x808;

    it('under strict lie where the entry has them', () => {
      const strict = subject(policies.strict, description);
      write(strict, entry, 8, 0xfee00000, 0x1);
      write(strict, entry + 8, 4, 0x41);
      expect(strict.state()).toContain(
        '{"index":0,"addressLow":4276092928,"addressHigh":1,"data":65,"masked":true,"updated":true,"armed":false}',
      );
      expect(read(strict, entry, 8).answer).toBe('4276092928 1');
      expect(read(strict, entry + 4, 4).answer).toBe('1');
      expect(read(strict, entry + 8, 4).answer).toBe('65');
      expect(read(strict, entry + 12, 4).answer).toBe('1');
    });

    it('under strict unmask with the last four bytes', () => {
      const strict = subject(policies.strict, description);
      write(strict, entry, 4, 0xfee00000);
      strict.act({ do: 'control', sbdf: 8, value: 0x8000 });
      expect(write(strict, entry + 12, 4, 0).calls.map((call) => call.split(' ')[0])).toEqual([
        'disarm',
        'arm',
      ]);
    });

    it('under xen are exchanged', () => {
      const xen = subject(policies.xen, description);
      write(xen, entry, 4, 0x41);
      expect(xen.state()).toContain('{"index":0,"addressLow":0,"addressHigh":0,"data":65,');
    });
  });

  describe('a page shared by functions', () => {
    const [first, second] = [0, 1].map(
      (number): FunctionDescription => ({
        sbdf: 8 + number,
        bars: [{ index: 0, type: 'mem32', address: BAR + 0x800 * number, size: 0x400 }],
        msix: { count: 2, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x100 } },
        decode: true,
      }),
    );

    it('under strict answers each byte for its owner', () => {
      const strict = subject(policies.strict, first, second);
      write(strict, BAR, 4, 0x1111);
      write(strict, BAR + 0x800, 4, 0x2222);
      expect(read(strict, BAR, 4).answer).toBe(`${0x1111}`);
      expect(read(strict, BAR + 0x800, 4).answer).toBe(`${0x2222}`);
      expect(read(strict, BAR + 0x200, 4).calls).toEqual(['map 8 fe000000', 'read fe000000 512 4']);
      expect(read(strict, BAR + 0xa00, 4).calls).toEqual(['map 9 fe000000', 'read fe000000 2560 4']);
    });

    it("under strict has nobody's bytes between them: ones, dropped, silent", () => {
      const strict = subject(policies.strict, first, second);
      expect(read(strict, BAR + 0x600, 8)).toEqual({ answer: `${0xffffffff} ${0xffffffff}`, calls: [] });
      expect(write(strict, BAR + 0x600, 4, 1)).toEqual({ answer: 'true', calls: [] });
      expect(read(strict, BAR + 0x5fd, 2)).toEqual({ answer: `${0xffff}`, calls: [] });
    });

    it('under strict traps while any of them is enabled, and for the other one only', () => {
      const strict = subject(policies.strict, first, second);
      strict.act({ do: 'decode', sbdf: 9, on: false });
      expect(read(strict, BAR + 0x800, 4)).toEqual({ answer: `${0xffffffff}`, calls: [] });
      expect(read(strict, BAR, 4).answer).toBe('0');
      strict.act({ do: 'decode', sbdf: 8, on: false });
      expect(read(strict, BAR, 4).answer).toBe(`${UNCLAIMED}`);
    });

    it('under strict traps for the sake of two BARs without MSI-X', () => {
      const small = (sbdf: number, offset: number): FunctionDescription => ({
        sbdf,
        bars: [{ index: 0, type: 'mem32', address: BAR + offset, size: 0x20 }],
        decode: true,
      });
      const strict = subject(policies.strict, small(8, 0));
      expect(read(strict, BAR, 4).answer).toBe(`${UNCLAIMED}`);
      strict.act({ do: 'assign', description: small(9, 0x20) });
      expect(read(strict, BAR + 0x1c, 8).calls).toEqual([
        'debug unaligned-read 8',
        ...[
          'map 8 fe000000',
          'read fe000000 28 1',
          'read fe000000 29 1',
          'read fe000000 30 1',
          'read fe000000 31 1',
        ],
        ...[
          'map 9 fe000000',
          'read fe000000 32 1',
          'read fe000000 33 1',
          'read fe000000 34 1',
          'read fe000000 35 1',
        ],
      ]);
    });

    it('under xen belongs to the newest', () => {
      const xen = subject(policies.xen, first, second);
      write(xen, BAR, 4, 0x1111);
      expect(read(xen, BAR, 4).calls).toEqual(['read fe000000 0 4']);
      expect(xen.state()).not.toContain(`"addressLow":${0x1111}`);
    });
  });

  describe('an unaligned access across owners under strict', () => {
    const description = deviceWith(1, 0x808, 0x818);

    it('is split, and each byte answered by its rule', () => {
      const strict = subject(policies.strict, description);
      expect(read(strict, BAR + 0x806, 4).calls).toEqual([
        'debug unaligned-read 8',
        'map 8 fe000000',
        'read fe000000 2054 1',
        'read fe000000 2055 1',
        'warning bad-size 8',
        'warning bad-size 8',
      ]);
      expect(write(strict, BAR + 0x81e, 4, 0x44332211).calls).toEqual([
        'debug unaligned-write 8',
        'warning bad-size 8',
        'warning bad-size 8',
        'write fe000000 2080 1 33 0',
        'write fe000000 2081 1 44 0',
      ]);
    });

    it('reads ones where a byte is refused', () => {
      const strict = subject(policies.strict, description);
      const forwarded = Number(read(strict, BAR + 0x806, 2).answer);
      expect(read(strict, BAR + 0x806, 4).answer).toBe(`${(0xffff0000 | forwarded) >>> 0}`);
    });

    it('goes on beyond the page into the same BAR', () => {
      const strict = subject(policies.strict, description);
      expect(read(strict, BAR + 0xffe, 4).calls).toEqual([
        'debug unaligned-read 8',
        'map 8 fe000000',
        'read fe000000 4094 1',
        'read fe000000 4095 1',
        'map 8 fe001000',
        'read fe001000 0 1',
        'read fe001000 1 1',
      ]);
    });

    it('reads ones beyond the end of the BAR', () => {
      const strict = subject(policies.strict, deviceWith(1, 0x3f00, 0x3f80));
      const last = Number(read(strict, BAR + 0x3fff, 1).answer);
      expect(read(strict, BAR + 0x3fff, 2).answer).toBe(`${0xff00 | last}`);
    });
  });

  describe('the PBA of a guest domain under strict', () => {
    const strict = () => subject(policies.strict, deviceWith(4, 0, 0x800));

    it('is read aligned with 4 or 8 bytes only', () => {
      const made = strict();
      expect(read(made, BAR + 0x800, 8).calls).toEqual(['map 8 fe000000', 'read fe000000 2048 8']);
      expect(read(made, BAR + 0x804, 4).calls).toEqual(['read fe000000 2052 4']);
      for (const [address, width] of [
        [BAR + 0x800, 1],
        [BAR + 0x802, 2],
        [BAR + 0x801, 4],
      ] as const) {
        expect(read(made, address, width)).toEqual({
          answer: `${2 ** (8 * width) - 1}`,
          calls: ['warning bad-size 8'],
        });
      }
    });

    it('is never written', () => {
      const made = strict();
      expect(write(made, BAR + 0x800, 4, 1)).toEqual({ answer: 'true', calls: [] });
      expect(write(made, BAR + 0x800, 2, 1)).toEqual({ answer: 'true', calls: ['warning bad-size 8'] });
    });
  });

  it('forwards to host addresses that differ, byte by byte', () => {
    const strict = subject(policies.strict, {
      sbdf: 8,
      bars: [
        { index: 0, type: 'mem32', address: BAR, size: 0x100, hostAddress: 0x92340f80 },
        { index: 1, type: 'mem32', address: BAR + 0x100, size: 0x100, hostAddress: 0x92340f00 },
      ],
      decode: true,
    });
    expect(read(strict, BAR + 0x78, 8).calls).toEqual(['map 8 92340000', 'read 92340000 4088 8']);
    // The BAR goes on on the next host page.
    expect(read(strict, BAR + 0x80, 4).calls).toEqual(['map 8 92341000', 'read 92341000 0 4']);
    expect(read(strict, BAR + 0x7f, 2).calls).toEqual([
      'debug unaligned-read 8',
      'read 92340000 4095 1',
      'read 92341000 0 1',
    ]);
    expect(read(strict, BAR + 0x100, 4).calls).toEqual(['read 92340000 3840 4']);
  });

  it('keeps a BAR that is moved at a multiple of its size', () => {
    const strict = subject(policies.strict, {
      sbdf: 8,
      bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x4000, hostAddress: 0x92340000 }],
    });
    strict.act({ do: 'move', sbdf: 8, index: 0, address: BAR + 0x7ff0 });
    expect(JSON.parse(strict.state()).bars[0].address).toBe(BAR + 0x4000);
  });
});
