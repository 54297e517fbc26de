import { expect, it } from 'vitest';
import { type GraphicsGeneration, graphicsGenerations } from '../../src/regions/graphics-generation.js';
import { stolenRegisters } from '../../src/regions/stolen-registers.js';

const GGC = 0x02c1;
const BASE = 0x7c000000;
const registers = (generation: GraphicsGeneration) =>
  stolenRegisters(generation, { graphicsControl: GGC, base: BASE, bdsm: 0xdc000001 }).map(
    ({ name, space, offset, width, value }) => [name, space, offset, width, value],
  );

const HOST_BRIDGE = ['GGC', 'host-bridge', 0x52, 2, GGC];
const CONFIG = ['GGC', 'config', 0x50, 2, GGC];
const MIRROR = ['GGC', 'bar0', 0x108040, 2, GGC];
const NARROW = [
  CONFIG,
  ['BDSM', 'config', 0x5c, 4, 0x7c000001],
  MIRROR,
  ['BDSM', 'bar0', 0x1080c0, 4, 0x7c000001],
  ['STOLEN_RESERVED', 'bar0', 0x1082c0, 4, 'hardware'],
];
const WIDE = [
  CONFIG,
  ['BDSM', 'config', 0xc0, 8, 0x7c000001],
  MIRROR,
  ['BDSM', 'bar0', 0x1080c0, 8, 0x7c000001],
  ['STOLEN_RESERVED', 'bar0', 0x1082c0, 8, 'hardware'],
];
const EXPECTED: { [name in GraphicsGeneration]: unknown[] } = {
  i830: [HOST_BRIDGE],
  i845: [HOST_BRIDGE],
  i85x: [HOST_BRIDGE],
  i865: [HOST_BRIDGE],
  gen3: [HOST_BRIDGE, NARROW[1]],
  gen4: [HOST_BRIDGE, NARROW[1]],
  gen5: [HOST_BRIDGE, NARROW[1]],
  gen6: NARROW,
  gen7: NARROW,
  gen8: NARROW,
  cherryview: NARROW,
  gen9: NARROW,
  gen10: NARROW,
  gen11: WIDE,
  gen12: [
    ...WIDE,
    ['BGSM', 'config', 0xf0, 8, 0x7b800000],
    ['GSMBASE', 'bar0', 0x108100, 8, 0x7b800000],
    ['RC6_CTX_BASE', 'bar0', 0xd48, 4, 'hardware'],
    ['RC6 context pointer', 'bar0', 0xdc8, 4, 'hardware'],
  ],
  meteorlake: [MIRROR],
};

it.each(graphicsGenerations)('%s: what the guest must read', (generation) => {
  expect(registers(generation)).toEqual(EXPECTED[generation]);
});

it('a base above 4 GiB', () => {
  const [, bdsm] = stolenRegisters('gen11', { graphicsControl: 0, base: 0x4_8000_0000, bdsm: 0x4_8000_0001 });
  expect(bdsm.value).toBe(0x4_8000_0001);
});

it('misuse lists every fault', () => {
  expect(() => stolenRegisters('gen9', { graphicsControl: 0, base: 1, bdsm: -1 })).toThrow(
    /^stolenRegisters: base 0x1 is no multiple of 1 MiB below 2\^52; stolenRegisters: bdsm -1 /,
  );
});
