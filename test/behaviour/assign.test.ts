import { describe, expect, it } from 'vitest';
import { UNCLAIMED } from '../../src/access.js';
import { TraplineError } from '../../src/errors.js';
import type { FunctionDescription } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { engines } from '../engines.js';
import { RecordingHost } from '../recording-host.js';
import { Subject } from '../subject.js';

const BAR = 0xfe000000;
const DEVICE: FunctionDescription = {
  sbdf: '0000:01:00.0',
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x1000 }],
  msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
  decode: true,
};
const SBDF = 0x100;

/** The table ends outside its BAR, the PBA lies in none. */
const MALFORMED: FunctionDescription = {
  ...DEVICE,
  msix: { count: 4, table: { bir: 0, offset: 0xff0 }, pba: { bir: 3, offset: 0 } },
};

describe.each(engines)('$name', (engine) => {
  const create = (policy = policies.strict) => new Subject(engine, policy, 'guest');
  const assign = (on: Subject, description: FunctionDescription) => on.act({ do: 'assign', description });

  /** What is thrown, whose message names the function. */
  function fault(policy: typeof policies.strict, ...descriptions: FunctionDescription[]): TraplineError {
    const trap = engine.create({ host: new RecordingHost(), policy });
    try {
      for (const description of descriptions) trap.assign(description);
    } catch (error) {
      expect(error).toBeInstanceOf(TraplineError);
      expect((error as Error).message).toContain('0000:01:00.0');
      return error as TraplineError;
    }
    return expect.fail('nothing is thrown');
  }

  it.each(['strict', 'xen'] as const)(
    '%s refuses a malformed MSI-X capability and names every fault',
    (name) => {
      const error = fault(policies[name], MALFORMED);
      expect(error.code).toBe('bad-msix-capability');
      expect(error.faults).toHaveLength(2);
      const made = create(policies[name]);
      expect(assign(made, MALFORMED).calls).toEqual([`error bad-msix-capability ${SBDF}`]);
      expect(made.read(BAR, 4)).toBe(`${UNCLAIMED}`);
      expect(assign(made, DEVICE).answer).toBe('undefined');
    },
  );

  it('xenV3 accepts a malformed MSI-X capability', () => {
    expect(assign(create(policies.xenV3), MALFORMED)).toEqual({ answer: 'undefined', calls: [] });
  });

  it.each([
    [policies.strict, [`warning pba-over-table ${SBDF}`]],
    [policies.xen, []],
    [policies.xenV3, []],
  ])('$0.name accepts a PBA over the table, strict with a warning', (policy, calls) => {
    for (const offset of [0, 8, 0x10, 0x38]) {
      const overlapping = { ...DEVICE, msix: { ...DEVICE.msix!, pba: { bir: 0, offset } } };
      expect(assign(create(policy), overlapping)).toEqual({ answer: 'undefined', calls });
    }
    const apart = { ...DEVICE, msix: { ...DEVICE.msix!, pba: { bir: 0, offset: 0x40 } } };
    expect(assign(create(policy), apart)).toEqual({ answer: 'undefined', calls: [] });
  });

  it.each(Object.values(policies))('$name refuses a function twice', (policy) => {
    expect(fault(policy, DEVICE, DEVICE).code).toBe('duplicate-function');
  });

  it('strict refuses functions that overlap, unless one of them is off', () => {
    const other = { ...DEVICE, sbdf: '0000:02:00.0' };
    expect(fault(policies.strict, other, DEVICE).code).toBe('overlap');
    const made = create();
    assign(made, DEVICE);
    expect(assign(made, { ...other, decode: false }).answer).toBe('undefined');
    const xen = create(policies.xen);
    assign(xen, DEVICE);
    expect(assign(xen, other).answer).toBe('undefined');
  });

  it.each<[string, Partial<FunctionDescription>]>([
    ['an index out of range', { bars: [{ ...DEVICE.bars[0], index: 7 }] }],
    ['an index twice', { bars: [DEVICE.bars[0], DEVICE.bars[0]] }],
    [
      'the upper half of a 64-bit BAR',
      {
        bars: [
          { ...DEVICE.bars[0], type: 'mem64' },
          { ...DEVICE.bars[0], index: 1 },
        ],
      },
    ],
    ['an address beyond 52 bits', { bars: [{ ...DEVICE.bars[0], address: 2 ** 52 - 0x800 }] }],
    ['an address that is no integer', { bars: [{ ...DEVICE.bars[0], address: 0.5 }] }],
    ['a size of nothing', { bars: [{ ...DEVICE.bars[0], size: 0 }] }],
    [
      'host and guest address with different offsets in the page',
      { bars: [{ ...DEVICE.bars[0], hostAddress: 0x100 }] },
    ],
    ['no entries', { msix: { ...DEVICE.msix!, count: 0 } }],
    ['too many entries', { msix: { ...DEVICE.msix!, count: 2049 } }],
    ['a table that is not 8-aligned', { msix: { ...DEVICE.msix!, table: { bir: 0, offset: 4 } } }],
    ['a BIR of more than three bits', { msix: { ...DEVICE.msix!, pba: { bir: 8, offset: 0 } } }],
  ])('%s is misuse', (_, wrong) => {
    expect(fault(policies.xenV3, { ...DEVICE, ...wrong }).code).toBe('bad-argument');
  });

  it('makes the hole, and does not write COMMAND', () => {
    const made = create();
    made.act({ do: 'guest page', page: BAR, holds: 'identity' });
    expect(assign(made, DEVICE)).toEqual({ answer: 'undefined', calls: ['hole fe000000'] });
  });

  it('leaves decoding off under strict where the hole cannot be made', () => {
    const made = create();
    made.act({ do: 'guest page', page: BAR, holds: 'other' });
    expect(assign(made, DEVICE).calls).toEqual([`warning hole-occupied ${SBDF}`]);
    expect(made.read(BAR, 4)).toBe(`${UNCLAIMED}`);
    made.act({ do: 'guest page', page: BAR, holds: 'none' });
    expect(made.act({ do: 'decode', sbdf: SBDF, on: true }).answer).toBe('okay');
    expect(made.read(BAR, 4)).toBe('0');
  });

  it.each(Object.values(policies))('$name unmaps and forgets at deassign', (policy) => {
    const made = create(policy);
    assign(made, DEVICE);
    made.read(BAR + 0x100, 4);
    made.write(BAR, 4, 0x1234, 0);
    expect(made.act({ do: 'deassign', sbdf: SBDF }).calls).toEqual([`unmap ${SBDF} fe000000`]);
    expect(made.read(BAR, 4)).toBe(`${UNCLAIMED}`);
    expect(made.act({ do: 'deassign', sbdf: SBDF }).answer).toBe('unknown-function, 1 faults');
    assign(made, DEVICE);
    expect(made.read(BAR, 4)).toBe('0');
  });

  it('a function that is not assigned any more cannot be used', () => {
    const trap = engine.create({ host: new RecordingHost() });
    const f = trap.assign(DEVICE);
    trap.deassign(f.sbdf);
    for (const use of [() => f.setDecode(true), () => f.writeMessageControl(0), () => f.moveBar(0, 0)]) {
      expect(use).toThrow(expect.objectContaining({ code: 'unknown-function' }));
    }
  });

  it('vectors outside the table are misuse', () => {
    const f = engine.create({ host: new RecordingHost() }).assign(DEVICE);
    for (const index of [-1, 4, 0.5, Number.NaN]) {
      expect(() => f.vector(index)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
    }
  });

  it('Message Control stands where the capability does', () => {
    const made = create();
    assign(made, { ...DEVICE, msix: { ...DEVICE.msix!, capability: 0xb0 } });
    const { calls } = made.act({ do: 'control', sbdf: SBDF, value: 0xffff });
    expect(calls.at(-1)).toBe(`config ${SBDF} b2 c003`);
  });
});
