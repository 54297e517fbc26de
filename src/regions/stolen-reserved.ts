import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { ADDRESS_LIMIT, type AddressRange, FOUR_GIB, KIB, MIB, rangeText, shown } from './address-range.js';
import { atLeast, type GraphicsGeneration, generationFault } from './graphics-generation.js';

/** What STOLEN_RESERVED says: the part of stolen memory that is the hardware's own (WOPCM) and no driver's. */
export interface StolenReserved {
  /** Undefined: none is set aside. */
  readonly range: AddressRange | undefined;
  /** It leaves stolen memory: a driver then uses none of it. */
  readonly warning?: string;
}

const MIB_SIZES = [MIB, 2 * MIB, 4 * MIB, 8 * MIB];

/**
 * Decodes STOLEN_RESERVED, BAR 0 at 0x1082c0, as i915 does. `stolen` is data stolen memory. Bit 0 says until gen10 that there
 * is a reserved part. Its base:
 *
 * - gen6, gen8 to gen10, Cherryview: bits 31:20; gen7: 31:18; gen11 and gen12: 63:20;
 * - where those are 0 in gen7 (Valleyview): 1 MiB below the end of stolen memory; meteorlake: as far below as it is large.
 *
 * Its size: gen6 bits 5:4, 1 MiB, 512, 256, 128 KiB; gen7 bit 5, 1 MiB or 256 KiB; Cherryview and from gen11 on bits 8:7,
 * 1, 2, 4, 8 MiB; gen8 to gen10 all up to the end of stolen memory (what Broxton has is smaller and within).
 * Ivy Bridge, which `graphicsGeneration` puts with gen6, is gen7 here. Throws `bad-argument`, also for a generation without the register.
 */
export function decodeStolenReserved(
  generation: GraphicsGeneration,
  register: number,
  stolen: AddressRange,
): StolenReserved {
  const faults = [generationFault('decodeStolenReserved', generation) ?? []].flat();
  const wide = faults.length === 0 && atLeast(generation, 'gen11');
  if (faults.length === 0 && !atLeast(generation, 'gen6')) {
    faults.push(`decodeStolenReserved: generation ${generation} has no STOLEN_RESERVED`);
  }
  const limit = wide ? ADDRESS_LIMIT : FOUR_GIB;
  if (!isInteger(register, 0, limit - 1)) {
    faults.push(
      `decodeStolenReserved: register ${shown(register)} is not an integer in [0, ${shown(limit)})`,
    );
  }
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  const low = register % FOUR_GIB;
  if (!wide && (low & 1) === 0) return { range: undefined };
  const field = (low >>> 7) & 3;
  const aligned = register - (register % MIB);
  if (generation === 'gen6') return within(stolen, aligned, MIB >> ((low >>> 4) & 3));
  if (generation === 'gen7') {
    const base = register - (register % (256 * KIB));
    return base === 0
      ? within(stolen, stolen.end - MIB, MIB)
      : within(stolen, base, low & 0x20 ? 256 * KIB : MIB);
  }
  if (generation === 'meteorlake') return within(stolen, stolen.end - MIB_SIZES[field], MIB_SIZES[field]);
  if (wide || generation === 'cherryview') return within(stolen, aligned, MIB_SIZES[field]);
  return aligned === 0 ? { range: undefined } : within(stolen, aligned, stolen.end - aligned);
}

function within(stolen: AddressRange, start: number, size: number): StolenReserved {
  const range = { start, end: start + size };
  if (start >= stolen.start && range.end <= stolen.end && size > 0) return { range };
  return {
    range,
    warning: `reserved ${rangeText(range)} is not within stolen memory ${rangeText(stolen)}: a driver uses none of it`,
  };
}
