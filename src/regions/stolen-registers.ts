import type { Width } from '../access.js';
import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { ADDRESS_LIMIT, MIB, shown } from './address-range.js';
import { decodeGraphicsControl } from './graphics-control.js';
import { atLeast, type GraphicsGeneration, generationFault } from './graphics-generation.js';

/** A register that tells where stolen memory is, or how large, and what the guest must read from it. */
export interface StolenRegister {
  /** As Intel's documents have it. */
  readonly name: string;
  /** Configuration space of graphics or of the host bridge, or BAR 0 of graphics. */
  readonly space: 'config' | 'host-bridge' | 'bar0';
  /** Bytes from the start of the space. */
  readonly offset: number;
  /** Bytes. */
  readonly width: Width;
  /** `hardware`: what the device itself answers, which firmware wrote and the device compares. Never patch it. */
  readonly value: number | 'hardware';
}

/** One for `registers` of graphics' description: those of the host bridge belong to another function. */
export const isGraphicsRegister = (
  register: StolenRegister,
): register is StolenRegister & {
  /** Not the host bridge's. */
  readonly space: 'config' | 'bar0';
} => register.space !== 'host-bridge';

/**
 * The registers of a generation that tell the guest of its stolen memory. Drivers read the mirrors in BAR 0 too: one that
 * is left out shows the host's address. `graphicsControl` is the device's own GGC (a size of 0 in it makes drivers fail),
 * `base` that of the guest's stolen memory, `bdsm` the device's, whose low 20 bits stay. `i8xx` compute their base
 * from the host bridge's memory registers, so only their size is here. Throws `bad-argument`.
 */
export function stolenRegisters(
  generation: GraphicsGeneration,
  { graphicsControl, base, bdsm = 0 }: { graphicsControl: number; base: number; bdsm?: number },
): StolenRegister[] {
  const faults = [generationFault('stolenRegisters', generation) ?? []].flat();
  if (!isInteger(base, 0, ADDRESS_LIMIT - MIB) || base % MIB !== 0) {
    faults.push(`stolenRegisters: base ${shown(base)} is no multiple of 1 MiB below 2^52`);
  }
  if (!isInteger(bdsm, 0, ADDRESS_LIMIT - 1)) {
    faults.push(`stolenRegisters: bdsm ${shown(bdsm)} is not an integer in [0, 2^52)`);
  }
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const { gttSize = 0 } = decodeGraphicsControl(generation, graphicsControl);
  const at = (
    name: string,
    space: StolenRegister['space'],
    offset: number,
    width: Width,
    value: StolenRegister['value'],
  ): StolenRegister => ({ name, space, offset, width, value });

  if (generation === 'meteorlake') return [at('GGC', 'bar0', 0x108040, 2, graphicsControl)];
  const address = base + (bdsm % MIB);
  if (!atLeast(generation, 'gen6')) {
    const size = at('GGC', 'host-bridge', 0x52, 2, graphicsControl);
    return atLeast(generation, 'gen3') ? [size, at('BDSM', 'config', 0x5c, 4, address)] : [size];
  }
  const wide = atLeast(generation, 'gen11');
  const width = wide ? 8 : 4;
  return [
    at('GGC', 'config', 0x50, 2, graphicsControl),
    at('BDSM', 'config', wide ? 0xc0 : 0x5c, width, address),
    at('GGC', 'bar0', 0x108040, 2, graphicsControl),
    at('BDSM', 'bar0', 0x1080c0, width, address),
    at('STOLEN_RESERVED', 'bar0', 0x1082c0, width, 'hardware'),
    // GTT stolen memory lies directly below.
    ...(generation === 'gen12'
      ? [
          at('BGSM', 'config', 0xf0, 8, Math.max(base - gttSize, 0)),
          at('GSMBASE', 'bar0', 0x108100, 8, Math.max(base - gttSize, 0)),
          at('RC6_CTX_BASE', 'bar0', 0xd48, 4, 'hardware'),
          at('RC6 context pointer', 'bar0', 0xdc8, 4, 'hardware'),
        ]
      : []),
  ];
}
