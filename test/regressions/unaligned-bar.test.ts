// A guest was given BARs at addresses that are no multiples of their sizes. A register has no bits for such an address: sizing the
// BAR, which writes ones and puts back what was read, moved it.
// https://github.com/seL4/seL4_projects_libs/issues/12
// https://github.com/cahirwpz/mimiker/pull/1329

import { describe, expect, it } from 'vitest';
import type { BarDescription } from '../../src/index.js';
import { createDispatcher } from '../../src/index.js';
import { policies } from '../../src/policy.js';
import { RecordingHost } from '../recording-host.js';

const REGISTERS: Record<number, number> = { 0: 0x10, 6: 0x30 };

const assign = (bar: BarDescription, policy = policies.strict, virtual = false) =>
  createDispatcher({ host: new RecordingHost(), policy, domain: 'hardware' }).assign({
    sbdf: 8,
    bars: [bar],
    virtual,
  });

const bars: BarDescription[] = [
  { index: 0, type: 'mem32', address: 0xfe01_0000, size: 0x1_0000 },
  { index: 0, type: 'mem32', address: 0xfe00_0020, size: 0x20 },
  { index: 0, type: 'mem64', address: 0x1_8000_0000, size: 0x8000_0000 },
  { index: 0, type: 'mem64', address: 0x6_0000_0000, size: 0x2_0000_0000 },
  { index: 0, type: 'io', address: 0xc040, size: 0x40 },
  { index: 6, type: 'rom', address: 0xfd00_1000, size: 0x1000, enabled: false },
];

describe.each(bars)('a BAR $type of $size bytes', (bar) => {
  it.each([policies.strict, policies.xen])('is refused half its size further, under $name', (policy) => {
    const address = bar.address + bar.size / 2;
    expect(() => assign({ ...bar, address }, policy)).toThrow(
      `bar ${bar.index} address ${address} is no multiple of its size ${bar.size}`,
    );
  });

  it.each(Object.values(policies))('sizing leaves it where it was, under $name', (policy) => {
    const fn = assign(bar, policy);
    const registers = bar.type === 'mem64' ? [0x10, 0x14] : [REGISTERS[bar.index]];
    const before = registers.map((register) => fn.config.read(register, 4));
    for (const register of registers) fn.config.write(register, 4, 0xffff_ffff);
    registers.forEach((register, index) => {
      fn.config.write(register, 4, before[index]);
    });
    expect(fn.bars[0].address).toBe(bar.address);
  });
});

it('where a device has it does not matter, nor where a virtual function has no register', () => {
  const physical = 0x70_0000_1000;
  const fn = assign({ index: 0, type: 'mem64', address: 0xfe00_0000, hostAddress: physical, size: 0x1_0000 });
  expect(fn.bars[0]).toMatchObject({ address: 0xfe00_0000, hostAddress: physical });
  const slice = assign(
    { index: 0, type: 'mem64', address: 0xfe00_1000, size: 0x4000 },
    policies.strict,
    true,
  );
  expect(slice.bars[0].address).toBe(0xfe00_1000);
});
