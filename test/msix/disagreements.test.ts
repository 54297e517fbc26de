import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import { policies } from '../../src/policy.js';
import {
  all,
  BAR,
  entriesOf,
  interruptsOf,
  type Machine,
  passedThrough,
  software,
} from '../regressions/kinds.js';

// What device models and hypervisors answer differently, a row each: QEMU's answer for software functions, Xen's for
// those passed through.

const ENTRY = BAR + 0x2100;
const PBA = BAR + 0x3200;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;

const verbs = (machine: Machine) => machine.calls().map((call) => call.split(' ')[0]);
const unmask = (machine: Machine) => machine.trap.write(ENTRY + 12, 4, 0);
const messages = (machine: Machine) => machine.calls().filter((call) => call.startsWith('send'));

/** Every way to write vector 0's mask bit: alone, with reserved bits, and with the data before it. */
const maskWrites = (masked: 0 | 1): ((machine: Machine) => void)[] => [
  ({ trap }) => trap.write(ENTRY + 12, 4, masked),
  ({ trap }) => trap.write(ENTRY + 12, 4, (0xfffffffe | masked) >>> 0),
  ({ trap }) => trap.write(ENTRY + 8, 8, 0x41, masked),
];

/** Offsets in an entry at which an access of this width is not aligned. */
const unaligned = (width: number) => [...Array(16).keys()].filter((offset) => offset % width !== 0);

/** A table of 3 entries whose second one starts with the PBA. */
const overlapping = { count: 3, table: { bir: 0, offset: 0x2100 }, pba: { bir: 0, offset: 0x2110 } };

describe.each(Object.values(policies))('$name', (policy) => {
  describe.each(software)('$name', (kind) => {
    /** Vector 0 in use and unmasked, MSI-X as `control` says. */
    const start = (control: number) => {
      const machine = kind.start({}, policy);
      interruptsOf(machine).use(0);
      machine.trap.write(ENTRY + 8, 4, 0x41);
      unmask(machine);
      machine.fn.writeMessageControl(control);
      machine.calls();
      return machine;
    };

    it('raise while MSI-X is disabled: pending, delivered on enable', () => {
      const machine = start(0);
      expect(interruptsOf(machine).raise(0)).toBe('pending');
      expect(machine.trap.read(PBA, 4)).toBe(1);
      machine.fn.writeMessageControl(ENABLE);
      expect(messages(machine)).toEqual(['send 0 65']);
    });

    it('raise on an unused vector: dropped', () => {
      const machine = start(ENABLE);
      expect(interruptsOf(machine).raise(1)).toBe('dropped');
      expect(machine.trap.read(PBA, 4)).toBe(0);
    });

    it('enable 0 to 1 delivers what is pending, with the function mask clear before', () => {
      const machine = start(0);
      interruptsOf(machine).raise(0);
      machine.fn.writeMessageControl(FUNCTION_MASK);
      machine.fn.writeMessageControl(0);
      machine.fn.writeMessageControl(ENABLE);
      expect(messages(machine)).toEqual(['send 0 65']);
    });

    it('enable 0 to 1 with the function mask set: still pending until that is cleared', () => {
      const machine = start(0);
      interruptsOf(machine).raise(0);
      machine.fn.writeMessageControl(ENABLE | FUNCTION_MASK);
      expect(messages(machine)).toEqual([]);
      machine.fn.writeMessageControl(ENABLE);
      expect(messages(machine)).toEqual(['send 0 65']);
    });

    it('function mask 1 to 0 while disabled, with a pending bit: nothing is delivered', () => {
      const machine = start(FUNCTION_MASK);
      interruptsOf(machine).raise(0);
      machine.fn.writeMessageControl(0);
      expect(messages(machine)).toEqual([]);
      expect(interruptsOf(machine).pending(0)).toBe(true);
    });

    it('the pending bit is cleared before the message is sent', () => {
      const { trap, host } = kind.machine(policy);
      let pending: number | undefined;
      const fn = trap.assign({
        sbdf: 8,
        bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x10000 }],
        msix: { count: 1, table: { bir: 0, offset: 0x2100 }, pba: { bir: 0, offset: 0x3200 } },
        decode: true,
        software: {
          send: () => {
            pending = trap.read(PBA, 4);
          },
        },
      });
      const machine = { trap, host, fn, calls: () => host.take() };
      interruptsOf(machine).use(0);
      interruptsOf(machine).raise(0);
      fn.writeMessageControl(ENABLE);
      expect(pending).toBeUndefined();
      unmask(machine);
      expect(pending).toBe(0);
    });

    it('a mask written unchanged: nothing is sent, and what is pending stays so', () => {
      const machine = start(ENABLE);
      for (const write of maskWrites(0)) write(machine);
      machine.trap.write(ENTRY + 12, 4, 1);
      interruptsOf(machine).raise(0);
      for (const write of maskWrites(1)) write(machine);
      expect(messages(machine)).toEqual([]);
      expect(interruptsOf(machine).pending(0)).toBe(true);
    });

    it('overlapping table and PBA: refused', () => {
      const { trap, host } = kind.machine(policy);
      const description = kind.description(
        {
          sbdf: 8,
          bars: [{ index: 0, type: 'mem32', address: BAR, size: 0x10000 }],
          msix: overlapping,
        },
        host,
      );
      expect(() => trap.assign(description)).toThrow(
        expect.objectContaining({ code: 'bad-msix-capability' }),
      );
    });
  });

  describe.each(passedThrough)('$name', (kind) => {
    const intx = policy.intx === 'disabled' ? ['intx'] : [];
    /** Vector 0 with a message and unmasked, MSI-X as `control` says. */
    const start = (control: number) => {
      const machine = kind.start({}, policy);
      machine.trap.write(ENTRY + 8, 4, 0x41);
      unmask(machine);
      machine.fn.writeMessageControl(control);
      machine.calls();
      return machine;
    };

    it('raise while MSI-X is disabled: nothing is armed that could deliver it', () => {
      const machine = kind.start({}, policy);
      machine.trap.write(ENTRY + 8, 4, 0x41);
      unmask(machine);
      expect(verbs(machine)).toEqual(['mask']);
      expect(machine.fn.vector(0)).toMatchObject({ masked: false, armed: false });
      machine.fn.writeMessageControl(ENABLE);
      expect(machine.fn.vector(0).armed).toBe(true);
      machine.calls();
      machine.fn.writeMessageControl(0);
      expect(verbs(machine)).toEqual(['disarm', 'disarm', 'disarm', 'config']);
      expect(machine.fn.vector(0).armed).toBe(false);
    });

    it('enable 0 to 1: what is unmasked is armed, and the hardware delivers', () => {
      const machine = start(0);
      machine.fn.writeMessageControl(ENABLE);
      expect(verbs(machine)).toEqual(['disarm', 'arm', ...intx, 'config']);
    });

    it('enable 0 to 1 with the function mask set: nothing is armed until that is cleared', () => {
      const machine = start(0);
      machine.fn.writeMessageControl(ENABLE | FUNCTION_MASK);
      expect(verbs(machine)).toEqual([...intx, 'config']);
      machine.fn.writeMessageControl(ENABLE);
      expect(verbs(machine)).toEqual(['disarm', 'arm', 'config']);
    });

    it('function mask 1 to 0 while disabled: nothing is armed', () => {
      const machine = start(FUNCTION_MASK);
      machine.fn.writeMessageControl(0);
      expect(verbs(machine)).toEqual(['config']);
    });

    it('a mask written unchanged: the host is not called', () => {
      const machine = start(ENABLE);
      for (const write of maskWrites(0)) write(machine);
      expect(machine.calls()).toEqual([]);
      expect(machine.fn.vector(0).updated).toBe(true);
      machine.trap.write(ENTRY + 12, 4, 1);
      machine.calls();
      for (const write of maskWrites(1)) write(machine);
      expect(machine.calls()).toEqual([]);
    });

    it('overlapping table and PBA: the PBA wins', () => {
      const machine = kind.start({ msix: overlapping }, policy);
      for (const offset of [16, 20]) {
        machine.trap.read(ENTRY + offset, 4);
        expect(machine.calls()).toContain(`read fe002000 ${0x100 + offset} 4`);
        machine.trap.write(ENTRY + offset, 4, 0x1234);
      }
      machine.trap.read(ENTRY + 16, 8);
      expect(machine.calls()).toEqual(['read fe002000 272 8']);
      machine.trap.write(ENTRY + 16, 8, 0x1234, 0x5678);
      expect(machine.fn.vector(1)).toMatchObject({ addressLow: 0, addressHigh: 0 });
      for (const index of [0, 1, 2]) machine.trap.write(ENTRY + 16 * index + 8, 4, 0x41 + index);
      expect([0, 1, 2].map((index) => machine.fn.vector(index).data)).toEqual([0x41, 0x42, 0x43]);
      expect(machine.calls()).toEqual([]);
    });

    it.each([4, 8] as const)('a PBA write of %i bytes by the hardware domain: to the hardware', (width) => {
      const machine = kind.start({}, policy, false, 'hardware');
      machine.trap.write(PBA, width, 0x12345678, 0x9abcdef0);
      const high = width === 8 ? '9abcdef0' : '0';
      expect(machine.calls()).toEqual(['map 8 fe003000', `write fe003000 512 ${width} 12345678 ${high}`]);
    });
  });

  describe.each(all)('$name', (kind) => {
    /** Every entry with a message and unmasked. */
    const filled = () => {
      const machine = kind.start({}, policy);
      for (let index = 0; index < 3; index++) {
        machine.trap.write(ENTRY + 16 * index, 8, 0xfee00000 + index, 0x10 + index);
        machine.trap.write(ENTRY + 16 * index + 8, 8, 0x40 + index, 0);
      }
      machine.calls();
      return machine;
    };

    it('an 8-byte table access: taken, in both halves of every entry', () => {
      const { trap, fn } = filled();
      for (let index = 0; index < 3; index++) {
        const [entry, message] = [ENTRY + 16 * index, { addressLow: 0xfee00000 + index, data: 0x40 + index }];
        expect(fn.vector(index)).toMatchObject({ ...message, addressHigh: 0x10 + index, masked: false });
        expect([trap.read(entry, 8), trap.high]).toEqual([message.addressLow, 0x10 + index]);
        expect([trap.read(entry + 8, 8), trap.high]).toEqual([message.data, 0]);
        trap.write(entry + 8, 8, message.data, 1);
        expect([trap.read(entry + 8, 8), trap.high]).toEqual([message.data, 1]);
      }
    });

    it('a table access of 1 or 2 bytes, at any offset: all ones, dropped', () => {
      const machine = filled();
      const before = entriesOf(machine);
      for (let offset = 0; offset < 16; offset++) {
        const address = ENTRY + 16 + offset;
        expect([machine.trap.read(address, 1), machine.trap.read(address, 2)]).toEqual([0xff, 0xffff]);
        machine.trap.write(address, 1, 0xff);
        machine.trap.write(address, 2, 0xffff);
      }
      expect(entriesOf(machine)).toEqual(before);
      expect(machine.calls()).toEqual([]);
    });

    it('4 bytes at +2, or any other access of 4 or 8 that is not aligned: all ones, dropped', () => {
      const machine = filled();
      const before = entriesOf(machine);
      for (const width of [4, 8] as Width[]) {
        for (const offset of unaligned(width)) {
          expect(machine.trap.read(ENTRY + 16 + offset, width)).toBe(0xffffffff);
          if (width === 8) expect(machine.trap.high).toBe(0xffffffff);
          machine.trap.write(ENTRY + 16 + offset, width, 0x12345679, 0x12345679);
        }
      }
      expect(entriesOf(machine)).toEqual(before);
      expect(machine.calls()).toEqual([]);
    });

    it('reserved bits of Vector Control: read 0', () => {
      const { trap } = kind.start({}, policy);
      trap.write(ENTRY + 12, 4, 0xffffffff);
      expect(trap.read(ENTRY + 12, 4)).toBe(1);
      expect([trap.read(ENTRY + 8, 8), trap.high]).toEqual([0, 1]);
      trap.write(ENTRY + 8, 8, 0, 0xfffffffe);
      expect([trap.read(ENTRY + 12, 4), trap.read(ENTRY + 8, 8), trap.high]).toEqual([0, 0, 0]);
    });

    it('a PBA write by a guest: ignored', () => {
      const machine = kind.start({}, policy);
      for (const width of [1, 2, 4, 8] as Width[]) {
        for (let offset = 0; offset + width <= 8; offset++) {
          machine.trap.write(PBA + offset, width, 0xffffffff, 0xffffffff);
        }
      }
      expect(machine.calls()).toEqual([]);
      if (kind.software) expect([machine.trap.read(PBA, 8), machine.trap.high]).toEqual([0, 0]);
    });
  });
});
