// An interrupt that was raised while its vector was masked never arrived.
// https://github.com/ROCm/rocm-ernic/issues/111

import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { BAR, interruptsOf, passedThrough, software } from './kinds.js';

const ENTRY = BAR + 0x2110;

describe.each(software)('$name', (kind) => {
  it.each(Object.values(policies))('raise, mask, raise, unmask: one message each, under $name', (policy) => {
    const machine = kind.start({}, policy);
    const { trap, fn, calls } = machine;
    const interrupts = interruptsOf(machine);
    interrupts.use(1);
    trap.write(ENTRY + 8, 4, 0x41);
    fn.writeMessageControl(0x8000);
    trap.write(ENTRY + 12, 4, 0);
    interrupts.raise(1);
    trap.write(ENTRY + 12, 4, 1);
    interrupts.raise(1);
    interrupts.raise(1);
    expect(trap.read(BAR + 0x3200, 4)).toBe(2);
    trap.write(ENTRY + 12, 4, 0);
    expect(trap.read(BAR + 0x3200, 4)).toBe(0);
    expect(calls().filter((call) => call.startsWith('send'))).toEqual(['send 1 65', 'send 1 65']);
  });
});

describe.each(passedThrough)('$name', (kind) => {
  it.each(Object.values(policies))(
    'the host is told of mask and unmask, so that it delivers what the hardware latched, under $name',
    (policy) => {
      const { trap, fn, calls } = kind.start({}, policy);
      trap.write(ENTRY + 8, 4, 0x41);
      fn.writeMessageControl(0x8000);
      trap.write(ENTRY + 12, 4, 0);
      calls();
      trap.write(ENTRY + 12, 4, 1);
      trap.write(ENTRY + 12, 4, 0);
      const masks = calls().map((call) => [call.split(' ')[0], /"masked":(\w+)/.exec(call)?.[1]]);
      expect(masks).toEqual([
        ['mask', 'true'],
        ['mask', 'false'],
      ]);
      expect(fn.vector(1)).toMatchObject({ armed: true, masked: false });
    },
  );
});
