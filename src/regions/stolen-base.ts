import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { ADDRESS_LIMIT, FOUR_GIB, KIB, MIB, shown } from './address-range.js';
import { atLeast, type GraphicsGeneration, generationFault } from './graphics-generation.js';

/** Raw register values that tell the base of stolen memory. Which a generation has: `decodeStolenBase`. */
export interface StolenBaseRegisters {
  /** Graphics configuration space, 32 bits at 0x5c; from gen11 on the lower 32 at 0xc0. */
  readonly bdsm?: number;
  /** From gen11 on: the upper 32 bits at 0xc4. */
  readonly bdsmHigh?: number;
  /** i830, i845: 8 bits of 0:0.0 at 0x63; i85x: of 0:0.1 at 0x43. Memory in units of 32 MiB. */
  readonly drb3?: number;
  /** 8 bits of 0:0.0: i830 at 0x91, i845 and i865 at 0x9e, i85x at 0x61. */
  readonly esmramc?: number;
  /** i865: 16 bits of 0:0.0 at 0xc4, units of 64 KiB. */
  readonly toud?: number;
  /** i830, i845, i85x: size of stolen memory in bytes, as the graphics control register tells it. */
  readonly size?: number;
}

/** The bits of BDSM that are no address. Bit 0 locks the register; VMMs that rewrite it keep them all. */
const LOW_BITS = MIB - 1;
const withoutLow = (bdsm: number): number => (bdsm & ~LOW_BITS) >>> 0;

/** Where a base and its end must stay below, bytes: BDSM has 32 bits before gen11. */
export const stolenLimit = (generation: GraphicsGeneration): number =>
  atLeast(generation, 'gen11') ? ADDRESS_LIMIT : FOUR_GIB;

type Name = keyof StolenBaseRegisters;

/** The registers that each generation's base is made from. */
function registersOf(generation: GraphicsGeneration): readonly Name[] {
  if (generation === 'meteorlake') return [];
  if (atLeast(generation, 'gen11')) return ['bdsm', 'bdsmHigh'];
  if (atLeast(generation, 'gen3')) return ['bdsm'];
  return generation === 'i865' ? ['toud', 'esmramc'] : ['drb3', 'esmramc', 'size'];
}

const MAXIMUM: Record<Name, number> = {
  bdsm: 0xffff_ffff,
  // Addresses are below 2^52.
  bdsmHigh: 0xf_ffff,
  drb3: 0xff,
  esmramc: 0xff,
  toud: 0xffff,
  size: FOUR_GIB,
};

/**
 * The base of data stolen memory, bytes:
 *
 * - gen3 to gen10: `bdsm` without its low 20 bits; gen11 and gen12: the same with `bdsmHigh` above it;
 * - i830, i845, i85x: the end of memory (`drb3`) less TSEG (`esmramc`) less `size`;
 * - i865: `toud` and TSEG above it;
 * - meteorlake: undefined; there is no register, and stolen memory is reached through BAR 2.
 *
 * Throws `bad-argument` for registers that are missing, too wide, or contradict each other.
 */
export function decodeStolenBase(
  generation: GraphicsGeneration,
  registers: StolenBaseRegisters,
): number | undefined {
  const faults = [generationFault('decodeStolenBase', generation) ?? []].flat();
  if (faults.length === 0) faults.push(...registerFaults(generation, registers));
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const { bdsm = 0, bdsmHigh = 0, drb3 = 0, esmramc = 0, toud = 0, size = 0 } = registers;
  if (generation === 'meteorlake') return undefined;
  if (atLeast(generation, 'gen11')) return withoutLow(bdsm) + bdsmHigh * FOUR_GIB;
  if (atLeast(generation, 'gen3')) return withoutLow(bdsm);
  if (generation === 'i865') return toud * 64 * KIB + tsegSize(generation, esmramc);
  const base = drb3 * 32 * MIB - tsegSize(generation, esmramc) - size;
  if (base >= 0) return base;
  throw new TraplineError(
    'bad-argument',
    `decodeStolenBase: size ${shown(size)} and TSEG are larger than the memory of drb3 ${shown(drb3)}`,
  );
}

/**
 * BDSM for a base in bytes, and what else it holds: `keep` is the register's value before, whose low 20 bits stay.
 * Throws `bad-argument` for a generation without BDSM and a base that it cannot hold.
 */
export function encodeStolenBase(
  generation: GraphicsGeneration,
  base: number,
  keep = 0,
): {
  /** 32 bits. */
  readonly bdsm: number;
  /** From gen11 on. */
  readonly bdsmHigh?: number;
} {
  const faults = [generationFault('encodeStolenBase', generation) ?? []].flat();
  if (faults.length === 0 && !registersOf(generation).includes('bdsm')) {
    faults.push(`encodeStolenBase: generation ${generation} has no BDSM`);
  }
  if (!isInteger(keep, 0, 0xffff_ffff)) {
    faults.push(`encodeStolenBase: keep ${shown(keep)} is not an integer in [0, 2^32)`);
  }
  const limit = stolenLimit(generation);
  if (!isInteger(base, 0, limit - MIB) || base % MIB !== 0) {
    faults.push(`encodeStolenBase: base ${shown(base)} is no multiple of 1 MiB below ${shown(limit)}`);
  }
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const bdsm = (base % FOUR_GIB) + (keep & LOW_BITS);
  return atLeast(generation, 'gen11') ? { bdsm, bdsmHigh: Math.floor(base / FOUR_GIB) } : { bdsm };
}

function registerFaults(generation: GraphicsGeneration, registers: StolenBaseRegisters): string[] {
  return registersOf(generation).flatMap((name) => {
    const value = registers[name];
    if (isInteger(value, 0, MAXIMUM[name])) return [];
    return `decodeStolenBase: ${name} ${shown(value)} is not an integer in [0, ${shown(MAXIMUM[name])}] (${generation})`;
  });
}

/** System management memory at the end of memory, bytes. */
function tsegSize(generation: GraphicsGeneration, esmramc: number): number {
  if ((esmramc & 1) === 0) return 0;
  if (generation === 'i85x') return MIB;
  if (generation === 'i830') return esmramc & 2 ? MIB : 512 * KIB;
  return [0, 0, 512 * KIB, MIB][(esmramc >>> 1) & 3];
}
