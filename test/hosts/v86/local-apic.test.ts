import { expect, it } from 'vitest';
import { LocalApic } from '../../../src/hosts/v86/local-apic.js';

const ADDRESS = 0x400;
const [IRR, TMR] = [16, 32];

it('a request sets its bit of the IRR, clears that of the TMR, and touches nothing else', () => {
  for (let vector = 16; vector < 256; vector++) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const words = new Uint32Array(memory.buffer);
    // Every other bit everywhere.
    words.fill(0x5a5a_a5a5);
    const expected = words.slice();
    const word = ADDRESS / 4 + (vector >>> 5);
    expected[word + IRR] |= 1 << (vector & 31);
    expected[word + TMR] &= ~(1 << (vector & 31));
    new LocalApic({ memory, get_apic_addr: () => ADDRESS }).request(vector);
    const changed = words.findIndex((value, at) => value !== expected[at]);
    if (changed >= 0) expect.fail(`vector ${vector}: word ${changed} is ${words[changed].toString(16)}`);
  }
});

it('memory that has grown is where the register is', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const apic = new LocalApic({ memory, get_apic_addr: () => ADDRESS });
  memory.grow(1);
  apic.request(0x51);
  expect(new Uint32Array(memory.buffer)[ADDRESS / 4 + IRR + 2]).toBe(1 << 17);
});
