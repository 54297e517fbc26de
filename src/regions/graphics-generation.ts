import { TraplineError } from '../errors.js';
import { isInteger } from '../integer.js';
import { shown } from './address-range.js';

/**
 * Intel graphics by how their stolen memory is described, oldest first. Some parts decode unlike others of their
 * number: `cherryview` is of generation 8; `meteorlake` stands for all parts after `gen12` (Meteor, Arrow, Lunar,
 * Panther Lake), whose stolen memory has no base register.
 */
export const graphicsGenerations = [
  'i830',
  'i845',
  'i85x',
  'i865',
  'gen3',
  'gen4',
  'gen5',
  'gen6',
  'gen7',
  'gen8',
  'cherryview',
  'gen9',
  'gen10',
  'gen11',
  'gen12',
  'meteorlake',
] as const;

/** One of `graphicsGenerations`. */
export type GraphicsGeneration = (typeof graphicsGenerations)[number];

/** Whether a part is of a generation or a later one. */
export const atLeast = (generation: GraphicsGeneration, first: GraphicsGeneration): boolean =>
  graphicsGenerations.indexOf(generation) >= graphicsGenerations.indexOf(first);

/** Device ids without their low byte (QEMU hw/vfio/igd.c). Ivy Bridge is with Sandy Bridge: they decode alike. */
const FAMILIES: Partial<Record<GraphicsGeneration, readonly number[]>> = {
  gen6: [0x0100],
  gen7: [0x0400, 0x0a00, 0x0c00, 0x0d00, 0x0f00],
  gen8: [0x1600],
  cherryview: [0x2200],
  gen9: [0x1900, 0x3100, 0x5900, 0x3e00, 0x9b00],
  gen11: [0x8a00, 0x4500, 0x4e00],
  gen12: [0x9a00, 0x4c00, 0x4600, 0xa700],
};

/**
 * The generation of a PCI device id of vendor 0x8086, or undefined: of an unknown id nothing is assumed, neither that
 * it is newer nor that it is Intel graphics. Throws `bad-argument` for what is no 16-bit id.
 */
export function graphicsGeneration(deviceId: number): GraphicsGeneration | undefined {
  if (!isInteger(deviceId, 0, 0xffff)) {
    throw new TraplineError(
      'bad-argument',
      `graphicsGeneration: deviceId ${shown(deviceId)} is not an integer in [0, 0xffff]`,
    );
  }
  // Broxton's ids (0x0a84, 0x1a84) lie in the families of others: looked at first.
  if ((deviceId & 0xffe) === 0xa84) return 'gen9';
  return graphicsGenerations.find((name) => FAMILIES[name]?.includes(deviceId & 0xff00));
}

/** Throws `bad-argument` unless it is a generation. */
export function checkGeneration(caller: string, generation: GraphicsGeneration): void {
  const fault = generationFault(caller, generation);
  if (fault) throw new TraplineError('bad-argument', fault);
}

/** A sentence where it is no generation. */
export const generationFault = (caller: string, generation: GraphicsGeneration): string | undefined =>
  graphicsGenerations.includes(generation)
    ? undefined
    : `${caller}: generation ${generation} is not one of ${graphicsGenerations.join(', ')}`;
