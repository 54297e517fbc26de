import { describe, expect, it } from 'vitest';
import { ADDRESS_LIMIT, UNCLAIMED, type Width } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import { engines } from '../engines.js';
import { Subject } from '../subject.js';

const LAST_PAGE = ADDRESS_LIMIT - 0x1000;

describe.each(engines)('$name', (engine) => {
  describe.each(Object.values(policies))('$name', (policy) => {
    function subject(): Subject {
      const made = new Subject(engine, policy, 'guest');
      made.act({
        do: 'assign',
        description: {
          sbdf: 8,
          // At address 0 as well: nothing must be taken for it.
          bars: [
            { index: 0, type: 'mem64', address: LAST_PAGE, size: 0x1000 },
            { index: 2, type: 'mem32', address: 0, size: 0x1000 },
          ],
          msix: { count: 2, table: { bir: 2, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
          decode: true,
        },
      });
      return made;
    }

    const widths = [
      0,
      3,
      5,
      6,
      7,
      9,
      16,
      -1,
      -4,
      1.5,
      4.5,
      2 ** 32 + 4,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ];

    it.each(widths)('width %d is unclaimed', (width) => {
      const made = subject();
      // Table, PBA, and what is forwarded beside them.
      for (const start of [0, 0x800, LAST_PAGE, LAST_PAGE + 0x800]) {
        for (let address = start; address < start + 16; address++) {
          expect(made.trap.read(address, width as Width)).toBe(UNCLAIMED);
          expect(made.trap.high).toBe(0xffffffff);
          expect(made.trap.write(address, width as Width, 1, 1)).toBe(false);
        }
      }
      expect(made.host.take()).toEqual([]);
    });

    const addresses = [
      -1,
      -4,
      -0x1000,
      -(2 ** 32),
      ADDRESS_LIMIT,
      ADDRESS_LIMIT + 8,
      2 ** 53,
      2 ** 64,
      2 ** 96,
      1e300,
      0.5,
      4.25,
      Number.MIN_VALUE,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ];

    it.each(addresses)('address %d is unclaimed', (address) => {
      const made = subject();
      for (const width of [1, 2, 4, 8] as const) {
        expect(made.trap.read(address, width)).toBe(UNCLAIMED);
        expect(made.trap.high).toBe(0xffffffff);
        expect(made.trap.write(address, width, 1, 1)).toBe(false);
      }
      expect(made.host.take()).toEqual([]);
    });

    it.each([
      ['below 0', -0x1000],
      ['from 2^52 on', ADDRESS_LIMIT],
      ['between integers', 0.5],
    ])('so is each cell of a page %s', (_, start) => {
      const made = subject();
      for (let address = start; address < start + 0x1000; address += 8) {
        expect(made.trap.read(address, 1)).toBe(UNCLAIMED);
        expect(made.trap.read(address, 4)).toBe(UNCLAIMED);
        expect(made.trap.write(address, 4, 1)).toBe(false);
      }
      expect(made.host.take()).toEqual([]);
    });

    it.each([undefined, null, '0', {}, [], true])('neither is %o an address or a width', (value) => {
      const made = subject();
      const wrong = value as unknown as number;
      expect(made.trap.read(wrong, 4)).toBe(UNCLAIMED);
      expect(made.trap.write(wrong, 4, 1)).toBe(false);
      expect(made.trap.read(0, wrong as Width)).toBe(UNCLAIMED);
      expect(made.trap.write(0, wrong as Width, 1)).toBe(false);
    });

    it('an access that runs past 2^52 does not come round to 0', () => {
      const made = subject();
      for (const width of [2, 4, 8] as const) {
        for (let address = ADDRESS_LIMIT - width + 1; address < ADDRESS_LIMIT; address++) {
          const { answer, calls } = made.act({ do: 'read', address, width });
          expect(answer).not.toBe(`${UNCLAIMED}`);
          for (const call of calls) expect(call).not.toMatch(/^read 0 /);
          made.act({ do: 'write', address, width, low: 0xffffffff, high: 0xffffffff });
        }
      }
      expect(made.read(0, 4)).toBe('0');
      expect(made.read(8, 8)).toBe('0 1');
    });

    it('an 8-byte read leaves its high lane, and shorter ones leave it alone', () => {
      const made = subject();
      made.write(0, 8, 0x80000001, 0x90000002);
      expect(made.read(0, 8)).toBe(`${0x80000001} ${0x90000002}`);
      expect(made.read(4, 4)).toBe(`${0x90000002}`);
      expect(made.read(0, 4)).toBe(`${0x80000001}`);
      expect(made.trap.high).toBe(0x90000002);
    });
  });
});
