import { describe, expect, it } from 'vitest';
import { type Policy, policies } from '../../src/policy.js';
import { all, BAR, interruptsOf, type Machine, passedThrough, software } from '../regressions/kinds.js';

// What device models and hypervisors answer differently, a row each: QEMU's answer for software functions, Xen's for
// those passed through.

const ENTRY = BAR + 0x2100;
const PBA = BAR + 0x3200;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;

const verbs = (machine: Machine) => machine.calls().map((call) => call.split(' ')[0]);
const unmask = (machine: Machine) => machine.trap.write(ENTRY + 12, 4, 0);
const messages = (machine: Machine) => machine.calls().filter((call) => call.startsWith('send'));

describe.each(software)('$name', (kind) => {
  /** Vector 0 in use and unmasked, MSI-X as `control` says. */
  const start = (control: number, policy?: Policy) => {
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

  it('function mask 1 to 0 while disabled, with a pending bit: nothing is delivered', () => {
    const machine = start(FUNCTION_MASK);
    interruptsOf(machine).raise(0);
    machine.fn.writeMessageControl(0);
    expect(messages(machine)).toEqual([]);
    expect(interruptsOf(machine).pending(0)).toBe(true);
  });

  it('the pending bit is cleared before the message is sent', () => {
    const { trap, host } = kind.machine(policies.strict);
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

  it('a mask written unchanged: nothing happens', () => {
    const machine = start(ENABLE);
    unmask(machine);
    machine.trap.write(ENTRY + 12, 4, 0xfffffffe);
    expect(messages(machine)).toEqual([]);
  });
});

describe.each(passedThrough)('$name', (kind) => {
  const start = (control: number) => {
    const machine = kind.start();
    machine.trap.write(ENTRY + 8, 4, 0x41);
    unmask(machine);
    machine.fn.writeMessageControl(control);
    machine.calls();
    return machine;
  };

  it('enable 0 to 1: what is unmasked is armed, and the hardware delivers', () => {
    const machine = start(0);
    machine.fn.writeMessageControl(ENABLE);
    expect(verbs(machine)).toEqual(['disarm', 'arm', 'intx', 'config']);
  });

  it('function mask 1 to 0 while disabled: nothing is armed', () => {
    const machine = start(FUNCTION_MASK);
    machine.fn.writeMessageControl(0);
    expect(verbs(machine)).toEqual(['config']);
  });

  it('a mask written unchanged: the host is not called', () => {
    const machine = start(ENABLE);
    unmask(machine);
    machine.trap.write(ENTRY + 12, 4, 0xfffffffe);
    expect(machine.calls()).toEqual([]);
  });

  it('overlapping table and PBA: the PBA wins', () => {
    const msix = { count: 3, table: { bir: 0, offset: 0x2100 }, pba: { bir: 0, offset: 0x2110 } };
    const machine = kind.start({ msix });
    machine.trap.read(ENTRY + 16, 4);
    expect(machine.calls()).toContain('read fe002000 272 4');
    machine.trap.write(ENTRY + 16, 4, 0x1234);
    expect(machine.fn.vector(1).addressLow).toBe(0);
    machine.trap.write(ENTRY + 24, 4, 0x41);
    expect(machine.fn.vector(1).data).toBe(0x41);
  });
});

describe.each(all)('$name', (kind) => {
  it('an 8-byte table access: taken', () => {
    const { trap, fn } = kind.start();
    trap.write(ENTRY, 8, 0xfee00000, 1);
    expect(fn.vector(0)).toMatchObject({ addressLow: 0xfee00000, addressHigh: 1 });
    expect([trap.read(ENTRY, 8), trap.high]).toEqual([0xfee00000, 1]);
  });

  it('a table access of 1 or 2 bytes: all ones, dropped', () => {
    const { trap, fn } = kind.start();
    expect([trap.read(ENTRY, 1), trap.read(ENTRY, 2)]).toEqual([0xff, 0xffff]);
    trap.write(ENTRY + 12, 1, 0);
    trap.write(ENTRY + 12, 2, 0);
    expect(fn.vector(0).masked).toBe(true);
  });

  it('4 bytes at +2, or 8 at +4: all ones, dropped', () => {
    const { trap, fn } = kind.start();
    expect(trap.read(ENTRY + 2, 4)).toBe(0xffffffff);
    expect([trap.read(ENTRY + 4, 8), trap.high]).toEqual([0xffffffff, 0xffffffff]);
    trap.write(ENTRY + 2, 4, 0x12345678);
    trap.write(ENTRY + 4, 8, 0x12345678, 0x12345678);
    expect(fn.vector(0)).toMatchObject({ addressLow: 0, addressHigh: 0, data: 0 });
  });

  it('reserved bits of Vector Control: read 0', () => {
    const { trap } = kind.start();
    trap.write(ENTRY + 12, 4, 0xffffffff);
    expect(trap.read(ENTRY + 12, 4)).toBe(1);
  });

  it('a PBA write: ignored', () => {
    const machine = kind.start();
    machine.trap.write(PBA, 4, 0xffffffff);
    machine.trap.write(PBA, 8, 0xffffffff, 0xffffffff);
    expect(machine.calls()).toEqual([]);
  });
});
