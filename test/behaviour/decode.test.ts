import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import type { FunctionDescription } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { engines } from '../engines.js';
import { Subject } from '../subject.js';

const BAR = 0xfe000000;

/** Table on the second page, PBA on the first; another BAR follows directly. */
const DEVICE: FunctionDescription = {
  sbdf: 8,
  bars: [
    { index: 0, type: 'mem32', address: BAR, size: 0x2000 },
    { index: 2, type: 'mem32', address: BAR + 0x4100, size: 0x100 },
    { index: 3, type: 'mem32', address: BAR + 0x4000, size: 0x100 },
  ],
  msix: { count: 4, table: { bir: 0, offset: 0x1000 }, pba: { bir: 0, offset: 0x800 } },
};

describe.each(engines)('$name', (engine) => {
  function subject(policy = policies.strict, domain: 'guest' | 'hardware' = 'guest'): Subject {
    const made = new Subject(engine, policy, domain);
    made.act({ do: 'assign', description: DEVICE });
    return made;
  }
  const decode = (on: Subject, value: boolean) => on.act({ do: 'decode', sbdf: 8, on: value });
  const read = (on: Subject, address: number) => on.act({ do: 'read', address, width: 4 });
  const hold = (on: Subject, offset: number, holds: 'identity' | 'other' | 'none') =>
    on.act({ do: 'guest page', page: BAR + offset, holds });

  describe('switched on under strict', () => {
    it("removes the table's pages, the PBA's, then shared ones from the guest's map, and writes COMMAND", () => {
      const made = subject();
      for (const offset of [0, 0x1000, 0x4000]) hold(made, offset, 'identity');
      expect(decode(made, true)).toEqual({
        answer: 'okay',
        calls: ['hole fe001000', 'hole fe000000', 'hole fe004000', 'config 8 4 2'],
      });
    });

    it('accepts accesses from then on, and only then', () => {
      const made = subject();
      expect(read(made, BAR + 0x1000).answer).toBe(`${UNCLAIMED}`);
      decode(made, true);
      expect(read(made, BAR + 0x1000).answer).toBe('0');
      expect(read(made, BAR + 0x4000).calls).toEqual(['map 8 fe004000', 'read fe004000 0 4']);
    });

    it.each([0, 0x1000, 0x4000])('changes nothing when page +%i holds something else', (offset) => {
      const made = subject();
      for (const page of [0, 0x1000, 0x4000]) hold(made, page, page === offset ? 'other' : 'identity');
      const before = made.state();
      expect(decode(made, true)).toEqual({ answer: 'fail', calls: ['warning hole-occupied 8'] });
      expect(made.state()).toBe(before);
      hold(made, offset, 'none');
      expect(decode(made, true).answer).toBe('okay');
    });

    it('fails, and changes nothing, while another function has the bytes', () => {
      const made = subject();
      const other: FunctionDescription = {
        sbdf: 9,
        bars: [{ index: 0, type: 'mem32', address: BAR + 0x1000, size: 0x1000 }],
        decode: true,
      };
      made.act({ do: 'assign', description: other });
      expect(decode(made, true)).toEqual({ answer: 'fail', calls: ['warning overlap 8'] });
      made.act({ do: 'decode', sbdf: 9, on: false });
      expect(decode(made, true).answer).toBe('okay');
      expect(made.act({ do: 'decode', sbdf: 9, on: true })).toEqual({
        answer: 'fail',
        calls: ['warning overlap 9'],
      });
    });

    it('leaves out the BARs that the host withholds', () => {
      const made = subject();
      made.host.stuckBars.add('8:0');
      expect(decode(made, true).answer).toBe('okay');
      expect(read(made, BAR + 0x1000).answer).toBe(`${UNCLAIMED}`);
      expect(read(made, BAR + 0x4000).answer).not.toBe(`${UNCLAIMED}`);
    });
  });

  describe('switched off under strict', () => {
    it('unmaps all of its pages in the order of their mapping, then writes COMMAND', () => {
      const made = subject();
      decode(made, true);
      for (const offset of [0x4000, 0x1800, 0x100]) read(made, BAR + offset);
      expect(decode(made, false)).toEqual({
        answer: 'okay',
        calls: ['unmap 8 fe004000', 'unmap 8 fe001000', 'unmap 8 fe000000', 'config 8 4 0'],
      });
      expect(read(made, BAR + 0x1800).answer).toBe(`${UNCLAIMED}`);
    });

    it('maps anew after it is on again', () => {
      const made = subject();
      decode(made, true);
      read(made, BAR + 0x100);
      decode(made, false);
      decode(made, true);
      expect(read(made, BAR + 0x100).calls).toEqual(['map 8 fe000000', 'read fe000000 256 4']);
    });

    it('keeps the vectors', () => {
      const made = subject();
      decode(made, true);
      made.act({ do: 'write', address: BAR + 0x1000, width: 4, low: 0xfee00000, high: 0 });
      decode(made, false);
      decode(made, true);
      expect(read(made, BAR + 0x1000).answer).toBe(`${0xfee00000}`);
    });
  });

  it.each(Object.values(policies))('$name only writes COMMAND when nothing changes', (policy) => {
    const made = subject(policy);
    expect(decode(made, false)).toEqual({ answer: 'noop', calls: ['config 8 4 0'] });
    decode(made, true);
    expect(decode(made, true)).toEqual({ answer: 'noop', calls: ['config 8 4 2'] });
  });

  it.each([
    ['strict', 'guest', 'intx 8', '402'],
    ['xen', 'guest', 'intx 8', '402'],
    ['xenV3', 'guest', undefined, '2'],
    ['strict', 'hardware', undefined, '2'],
    ['xen', 'hardware', undefined, '2'],
  ] as const)('%s, %s domain: INTx while MSI-X is enabled', (policy, domain, intx, command) => {
    const made = subject(policies[policy], domain);
    const { calls } = made.act({ do: 'control', sbdf: 8, value: 0x8000 });
    expect(calls.filter((call) => !call.startsWith('disarm'))).toEqual([
      ...(intx ? [intx] : []),
      'config 8 62 8003',
    ]);
    expect(decode(made, true).calls).toEqual([`config 8 4 ${command}`]);
    made.act({ do: 'control', sbdf: 8, value: 0 });
    expect(decode(made, false).calls).toEqual(['config 8 4 0']);
  });

  it('a BAR moves only while it is off', () => {
    const made = subject();
    const move = () => made.act({ do: 'move', sbdf: 8, index: 0, address: BAR + 0x10000 }).answer;
    decode(made, true);
    expect(move()).toBe('false');
    decode(made, false);
    expect(move()).toBe('true');
    decode(made, true);
    expect(read(made, BAR + 0x1000).answer).toBe(`${UNCLAIMED}`);
    expect(read(made, BAR + 0x11000).answer).toBe('0');
    // A guest domain moves its view of the BAR, not the BAR.
    expect(read(made, BAR + 0x11800).calls).toEqual(['map 8 fe001000', 'read fe001000 2048 4']);
  });

  it.each(['xen', 'xenV3'] as const)(
    '%s finds a moved table through the BAR of the PBA that stayed on',
    (name) => {
      const made = new Subject(engine, policies[name], 'hardware');
      made.host.stuckBars.add('8:2');
      made.act({
        do: 'assign',
        description: {
          sbdf: 8,
          bars: [
            { index: 0, type: 'mem32', address: BAR, size: 0x1000 },
            { index: 2, type: 'mem32', address: BAR + 0x2000, size: 0x1000 },
          ],
          msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 2, offset: 0x800 } },
          decode: true,
        },
      });
      decode(made, false);
      expect(made.act({ do: 'move', sbdf: 8, index: 0, address: BAR + 0x2000 }).answer).toBe('true');
      expect(read(made, BAR + 0x200c)).toEqual({ answer: '1', calls: [] });
      expect(read(made, BAR + 0x2040).calls).toEqual(['map 8 fe002000', 'read fe002000 64 4']);
    },
  );

  it('a ROM follows the decode bit when its own enable bit is set', () => {
    const rom = (enabled: boolean | undefined) => {
      const made = new Subject(engine, policies.strict, 'guest');
      const [small] = DEVICE.bars.slice(1);
      made.act({
        do: 'assign',
        description: {
          sbdf: 8,
          bars: [small, { index: 6, type: 'rom', address: BAR + 0x4800, size: 0x800, enabled }],
          decode: true,
        },
      });
      decode(made, false);
      decode(made, true);
      return read(made, BAR + 0x4800).answer !== `${UNCLAIMED}`;
    };
    expect(rom(true)).toBe(true);
    expect(rom(false)).toBe(false);
    // As the function's decode.
    expect(rom(undefined)).toBe(true);
  });

  it('a move in the hardware domain moves the physical BAR', () => {
    const made = subject(policies.strict, 'hardware');
    made.act({ do: 'move', sbdf: 8, index: 0, address: BAR + 0x10000 });
    decode(made, true);
    expect(read(made, BAR + 0x11800).calls).toEqual(['map 8 fe011000', 'read fe011000 2048 4']);
  });
});
