import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { KIB, MIB, shown } from './address-range.js';
import { atLeast, checkGeneration, type GraphicsGeneration, generationFault } from './graphics-generation.js';

/** What the graphics control register (GGC, GMCH_CTL) says. Sizes are in bytes. */
export interface GraphicsControl {
  /** Of data stolen memory (DSM), graphics' own video memory. */
  readonly size: number;
  /** Of GTT stolen memory, which lies directly below it; undefined where this register does not tell (before gen6). */
  readonly gttSize: number | undefined;
  /** Graphics does not answer VGA accesses. */
  readonly vgaDisabled: boolean;
  /** What is wrong with the register, in a sentence. */
  readonly warning: string | undefined;
}

/** What GGC is made from. */
export interface GraphicsControlFields {
  /** Of data stolen memory, bytes. */
  readonly size: number;
  /** Of GTT stolen memory, bytes: from gen6 on, and not before. */
  readonly gttSize?: number;
  /** Graphics is not to answer VGA accesses. Default: false. */
  readonly vgaDisabled?: boolean;
}

/** A field of the register: where it is, and the bytes of a value; undefined: the value has no meaning. */
interface Field {
  readonly shift: number;
  readonly max: number;
  /** Where a value without a defined meaning still has a size, that size. */
  readonly guess?: (value: number) => number;
  bytes(value: number): number | undefined;
}

const VGA_DISABLE = 1 << 1;
const STEP = 32 * MIB;
/** i830, i845: 1 is local memory, so nothing is stolen. */
const FIRST_SIZES: readonly (number | undefined)[] = [undefined, 0, 512 * KIB, MIB, 8 * MIB];
/** i855 to gen5, MiB. */
const EARLY_SIZES = [0, 1, 4, 8, 16, 32, 48, 64, 128, 256, 96, 160, 224, 352];

const first: Field = { shift: 4, max: 7, bytes: (value) => FIRST_SIZES[value] };
const early: Field = {
  shift: 4,
  max: 15,
  bytes: (value) => (value < EARLY_SIZES.length ? EARLY_SIZES[value] * MIB : undefined),
};
const gen6: Field = {
  shift: 3,
  max: 0x1f,
  bytes: (value) => (value <= 0x10 ? value * STEP : undefined),
  guess: (value) => value * STEP,
};
const gen8: Field = {
  shift: 8,
  max: 0xff,
  bytes: (value) => (value <= 0x40 ? value * STEP : undefined),
  guess: (value) => value * STEP,
};
const cherryview: Field = {
  shift: 3,
  max: 0x1f,
  bytes: (value) => {
    if (value < 0x11) return value * STEP;
    return value < 0x17 ? (8 + (value - 0x11) * 4) * MIB : (36 + (value - 0x17) * 4) * MIB;
  },
};
/** From gen9 on, values from 0xf0 on count steps of 4 MiB. */
const small = (value: number): number => (value - 0xf0 + 1) * 4 * MIB;
const isSmall = (value: number): boolean => value >= 0xf0 && value <= 0xfe;
const gen9: Field = {
  shift: 8,
  max: 0xff,
  bytes: (value) => (value <= 0x40 ? value * STEP : isSmall(value) ? small(value) : undefined),
  guess: (value) => (value < 0xf0 ? value * STEP : small(value)),
};
const meteorlake: Field = {
  shift: 8,
  max: 0xff,
  bytes: (value) => (value <= 4 ? value * STEP : isSmall(value) ? small(value) : undefined),
};

const powers = (value: number): number => (value === 0 ? 0 : 2 ** value * MIB);
const gtt6: Field = { shift: 8, max: 3, bytes: (value) => value * MIB };
const gtt8: Field = { shift: 6, max: 3, bytes: powers };
/** The size field takes bits 7:3 there, so the GTT's is where gen6 has it. */
const gttCherryview: Field = { shift: 8, max: 3, bytes: powers };
const gttMeteorlake: Field = { shift: 6, max: 3, bytes: (value) => (value === 3 ? 8 * MIB : undefined) };

function sizeField(generation: GraphicsGeneration): Field {
  if (generation === 'cherryview') return cherryview;
  if (generation === 'meteorlake') return meteorlake;
  if (atLeast(generation, 'gen9')) return gen9;
  if (atLeast(generation, 'gen8')) return gen8;
  if (atLeast(generation, 'gen6')) return gen6;
  return atLeast(generation, 'i85x') ? early : first;
}

function gttField(generation: GraphicsGeneration): Field | undefined {
  if (generation === 'cherryview') return gttCherryview;
  if (generation === 'meteorlake') return gttMeteorlake;
  if (atLeast(generation, 'gen8')) return gtt8;
  return atLeast(generation, 'gen6') ? gtt6 : undefined;
}

/**
 * Decodes the 16-bit graphics control register: of the host bridge 0:0.0 at 0x52 before gen6, of the graphics device at
 * 0x50 from gen6 on, in BAR 0 at 0x108040 for `meteorlake`. A value without a defined meaning gives a warning and the
 * size that drivers make of it, 0 where they refuse it. Throws `bad-argument`.
 */
export function decodeGraphicsControl(generation: GraphicsGeneration, value: number): GraphicsControl {
  checkGeneration('decodeGraphicsControl', generation);
  if (!isInteger(value, 0, 0xffff)) {
    throw new TraplineError(
      'bad-argument',
      `decodeGraphicsControl: value ${shown(value)} is not an integer in [0, 0xffff]`,
    );
  }
  const size = fieldValue(sizeField(generation), value);
  const field = gttField(generation);
  const gtt = field && fieldValue(field, value);
  const warnings: string[] = [];
  if (size.bytes === undefined) {
    warnings.push(
      `size field ${shown(size.raw)} of GGC ${shown(value)} has no defined meaning on ${generation}`,
    );
  }
  if (gtt && gtt.bytes === undefined) {
    warnings.push(
      `GTT size field ${gtt.raw} of GGC ${shown(value)} must be 3 on ${generation}: drivers refuse it`,
    );
  }
  return {
    size: gtt && gtt.bytes === undefined ? 0 : (size.bytes ?? sizeField(generation).guess?.(size.raw) ?? 0),
    gttSize: gtt && (gtt.bytes ?? 0),
    vgaDisabled: (value & VGA_DISABLE) !== 0,
    warning: warnings.length > 0 ? warnings.join('; ') : undefined,
  };
}

/**
 * The register value for sizes in bytes; of several field values with one size the lowest. Throws `bad-argument` for a
 * size that the generation cannot express.
 */
export function encodeGraphicsControl(generation: GraphicsGeneration, fields: GraphicsControlFields): number {
  const unknown = generationFault('encodeGraphicsControl', generation);
  if (unknown) throw new TraplineError('bad-argument', unknown);
  const faults: string[] = [];
  const encode = (name: string, field: Field | undefined, bytes: number | undefined): number => {
    if (field === undefined && bytes === undefined) return 0;
    for (let raw = 0; field && raw <= field.max; raw++) {
      if (bytes !== undefined && field.bytes(raw) === bytes) return raw << field.shift;
    }
    faults.push(`encodeGraphicsControl: ${name} ${shown(bytes)} cannot be expressed on ${generation}`);
    return 0;
  };
  const value =
    encode('size', sizeField(generation), fields.size) |
    encode('gttSize', gttField(generation), fields.gttSize) |
    (fields.vgaDisabled ? VGA_DISABLE : 0);
  if (faults.length > 0) throw new TraplineError('bad-argument', ...faults);
  return value;
}

function fieldValue({ shift, max, bytes }: Field, register: number) {
  const raw = (register >>> shift) & max;
  return { raw, bytes: bytes(raw) };
}
