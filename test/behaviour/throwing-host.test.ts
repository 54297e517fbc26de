import { describe, expect, it } from 'vitest';
import type { FunctionDescription } from '../../src/function.js';
import { policies } from '../../src/policy.js';
import { engines } from '../engines.js';
import { type Action, Subject } from '../subject.js';

const BAR = 0xfe000000;
const DEVICE: FunctionDescription = {
  sbdf: 8,
  bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x2000 }],
  msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
  decode: true,
};
const ERROR = (call: number) => ['error host-error 8', `onError: host call ${call}`];

describe.each(engines)('$name', (engine) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    function subject(): Subject {
      const made = new Subject(engine, policy, 'guest');
      made.act({ do: 'assign', description: DEVICE });
      return made;
    }

    /** The action, whose host call of this number throws. */
    function throwing(made: Subject, call: number, action: Action) {
      made.act({ do: 'throw', call });
      return made.act(action);
    }

    it('a page that cannot be asked for reads ones, and is asked for again', () => {
      const made = subject();
      const read: Action = { do: 'read', address: BAR + 0x800, width: 8 };
      expect(throwing(made, 1, read)).toEqual({
        answer: `${0xffffffff} ${0xffffffff}`,
        calls: ['map 8 fe000000', ...ERROR(1)],
      });
      expect(made.act(read).calls).toEqual(['map 8 fe000000', 'read fe000000 2048 8']);
    });

    it.each([1, 2, 3, 4])('byte %i of a split read that throws makes all of it ones', (number) => {
      const made = subject();
      made.read(BAR + 0x800, 4);
      const read: Action = { do: 'read', address: BAR + 0x801, width: 4 };
      const { answer, calls } = throwing(made, number, read);
      expect(answer).toBe(`${0xffffffff}`);
      expect(calls.filter((call) => call.startsWith('read '))).toHaveLength(number);
      expect(calls.slice(-2)).toEqual(ERROR(number));
      expect(made.act(read).answer).not.toBe(`${0xffffffff}`);
    });

    it('what follows in a split write is dropped', () => {
      const made = subject();
      made.read(BAR + 0x800, 4);
      const write: Action = { do: 'write', address: BAR + 0x801, width: 4, low: 0x44332211, high: 0 };
      const { answer, calls } = throwing(made, 2, write);
      expect(answer).toBe('true');
      expect(calls.filter((call) => call.startsWith('write '))).toEqual([
        'write fe000000 2049 1 11 0',
        'write fe000000 2050 1 22 0',
      ]);
      expect(made.act(write).calls).toHaveLength(5);
    });

    describe('arming', () => {
      const unmask: Action = { do: 'write', address: BAR + 12, width: 4, low: 0, high: 0 };
      function ready(): Subject {
        const made = subject();
        made.write(BAR, 8, 0xfee00000, 0);
        made.act({ do: 'control', sbdf: 8, value: 0x8000 });
        return made;
      }

      it('is not done until the host has done it', () => {
        const made = ready();
        expect(throwing(made, 2, unmask).answer).toBe('true');
        expect(made.state()).toContain('"masked":false,"updated":true,"armed":false');
        made.write(BAR + 12, 4, 1, 0);
        made.act(unmask);
        expect(made.state()).toContain('"masked":false,"updated":false,"armed":true');
      });

      it('has not ended when disarming throws', () => {
        const made = ready();
        made.act(unmask);
        throwing(made, 1, { do: 'control', sbdf: 8, value: 0 });
        expect(made.state()).toContain('"masked":false,"updated":false,"armed":true');
        expect(made.state()).toContain(`"messageControl":${0x8003}`);
        made.act({ do: 'control', sbdf: 8, value: 0 });
        expect(made.state()).toContain('"masked":false,"updated":true,"armed":false');
        expect(made.state()).toContain(`"messageControl":${0x0003}`);
      });
    });

    // Disarm, arm, disable INTx where the policy has it, write the register.
    it.each(policy.intx === 'disabled' ? [1, 2, 3, 4] : [1, 2, 3])(
      'Message Control keeps its value when call %i on the way throws',
      (call) => {
        const made = subject();
        made.write(BAR, 8, 0xfee00000, 0);
        made.write(BAR + 12, 4, 0, 0);
        const enable: Action = { do: 'control', sbdf: 8, value: 0x8000 };
        expect(throwing(made, call, enable).calls.slice(-2)).toEqual(ERROR(call));
        expect(made.state()).toContain(`"messageControl":${0x0003}`);
        made.act(enable);
        expect(made.state()).toContain(`"messageControl":${0x8003}`);
        expect(made.state()).toContain('"masked":false,"updated":false,"armed":true');
      },
    );

    it('decoding that could not be switched on can be', () => {
      const made = subject();
      made.act({ do: 'decode', sbdf: 8, on: false });
      made.act({ do: 'guest page', page: BAR, holds: 'identity' });
      const on: Action = { do: 'decode', sbdf: 8, on: true };
      expect(throwing(made, 1, on).answer).toBe('fail');
      expect(throwing(made, 1, on).answer).toBe('fail');
      expect(made.act(on).answer).toBe('okay');
      expect(made.read(BAR, 4)).toBe('0');
    });

    it('decoding at assign stays off when the hole cannot be made', () => {
      const made = new Subject(engine, policies.strict, 'guest');
      made.act({ do: 'guest page', page: BAR, holds: 'identity' });
      const { answer, calls } = throwing(made, 1, { do: 'assign', description: DEVICE });
      expect(answer).toBe('undefined');
      expect(calls.slice(-2)).toEqual(ERROR(1));
      expect(made.read(BAR, 4)).toBe('-1');
      expect(made.act({ do: 'decode', sbdf: 8, on: true }).answer).toBe('okay');
      expect(made.read(BAR, 4)).toBe('0');
    });

    it('every page is given up at deassign, whichever throws', () => {
      const made = subject();
      made.read(BAR + 0x800, 4);
      made.read(BAR + 0x1800, 4);
      const { answer, calls } = throwing(made, 1, { do: 'deassign', sbdf: 8 });
      expect(answer).toBe('undefined');
      expect(calls.filter((call) => call.startsWith('unmap'))).toEqual([
        'unmap 8 fe000000',
        'unmap 8 fe001000',
      ]);
      expect(made.act({ do: 'assign', description: DEVICE }).answer).toBe('undefined');
      expect(made.act({ do: 'read', address: BAR + 0x800, width: 4 }).calls[0]).toBe('map 8 fe000000');
    });
  });

  describe('an access across functions under strict', () => {
    const small = (sbdf: number, offset: number): FunctionDescription => ({
      sbdf,
      bars: [{ index: 0, type: 'mem32', address: BAR + offset, size: 0x20 }],
      decode: true,
    });
    it.each([
      // Map and two bytes of the first, then the second's map.
      ['that begins in another one', 0x1e, 4],
      ["that begins in nobody's bytes", 0x3e, 1],
    ])('%s names the function whose page threw', (_, offset, call) => {
      const made = new Subject(engine, policies.strict, 'guest');
      for (const description of [small(8, 0), small(9, offset + 2)]) made.act({ do: 'assign', description });
      made.act({ do: 'throw', call });
      const { answer, calls } = made.act({ do: 'read', address: BAR + offset, width: 4 });
      expect(answer).toBe(`${0xffffffff}`);
      expect(calls.slice(-3)).toEqual(['map 9 fe000000', 'error host-error 9', `onError: host call ${call}`]);
    });
  });

  it('strict switches decoding off whatever throws', () => {
    for (const call of [1, 2, 3]) {
      const made = new Subject(engine, policies.strict, 'guest');
      made.act({ do: 'assign', description: DEVICE });
      made.read(BAR + 0x800, 4);
      made.read(BAR + 0x1800, 4);
      made.act({ do: 'throw', call });
      const { answer, calls } = made.act({ do: 'decode', sbdf: 8, on: false });
      expect(answer).toBe('okay');
      expect(calls.filter((text) => !/error/i.test(text))).toEqual([
        'unmap 8 fe000000',
        'unmap 8 fe001000',
        'config 8 4 0',
      ]);
      expect(made.read(BAR, 4)).toBe('-1');
    }
  });
});
