// Mask, disable, enable, unmask left a vector dead: disabling must mark what it unbinds, so that unmasking binds again.
// https://xenbits.xen.org/gitweb/?p=xen.git;a=blob;f=xen/drivers/vpci/msix.c (control_write)

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { BAR, interruptsOf, type Machine, passedThrough, software } from './kinds.js';

const CONTROL = BAR + 0x210c;

function live({ trap, fn, calls }: Machine): void {
  trap.write(CONTROL - 12, 8, 0xfee00000, 0);
  trap.write(CONTROL - 4, 4, 0x41);
  fn.writeMessageControl(0x8000);
  trap.write(CONTROL, 4, 0);
  calls();
}

describe.each(passedThrough)('$name', (kind) => {
  it.each(Object.values(policies))('the vector is armed again, under $name', (policy) => {
    const machine = kind.start({}, policy);
    live(machine);
    machine.trap.write(CONTROL, 4, 1);
    machine.fn.writeMessageControl(0);
    expect(machine.fn.vector(0)).toMatchObject({ armed: false, updated: true });
    machine.fn.writeMessageControl(0x8000);
    machine.calls();
    machine.trap.write(CONTROL, 4, 0);
    expect(machine.calls().map((call) => call.split(' ')[0])).toEqual(['disarm', 'arm']);
    expect(machine.fn.vector(0)).toMatchObject({ armed: true, updated: false, masked: false });
  });
});

describe.each(software)('$name', (kind) => {
  it.each(Object.values(policies))('the vector is sent again, under $name', (policy) => {
    const machine = kind.start({}, policy);
    interruptsOf(machine).use(0);
    live(machine);
    machine.trap.write(CONTROL, 4, 1);
    machine.fn.writeMessageControl(0);
    interruptsOf(machine).raise(0);
    machine.fn.writeMessageControl(0x8000);
    machine.trap.write(CONTROL, 4, 0);
    interruptsOf(machine).raise(0);
    expect(machine.calls().filter((call) => call.startsWith('send'))).toEqual(['send 0 65', 'send 0 65']);
  });
});
