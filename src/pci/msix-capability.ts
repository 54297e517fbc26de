import type { FunctionDescription, MsixLayout } from '../function.js';
import { CAPABILITY_LIST, type Capability, capabilities, MSIX, POINTER, STATUS } from './capabilities.js';

/** PCI 3.0 6.8.2: Message Control, then Table and PBA, each with the BIR in its low 3 bits. */
export const MESSAGE_CONTROL = 2;
/** Message Control: MSI-X enable, function mask. */
export const MSIX_ENABLE = 1 << 15;
export const FUNCTION_MASK = 1 << 14;
const TABLE = 4;
const PBA = 8;
const LENGTH = 12;
const BIR = 7;
const TABLE_SIZE = 0x7ff;
/** Where the capability stands when neither the embedder nor an image says. */
const DEFAULT = 0x60;

/** The MSI-X capability of a configuration space, if it has one that fits. */
export function readMsix(image: Uint8Array): (MsixLayout & { readonly capability: number }) | undefined {
  const capability = capabilities(image).standard.find(isMsix)?.offset;
  if (capability === undefined) return undefined;
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const at = (offset: number) => {
    const register = view.getUint32(capability + offset, true);
    return { bir: register & BIR, offset: (register & ~BIR) >>> 0 };
  };
  const count = (view.getUint16(capability + MESSAGE_CONTROL, true) & TABLE_SIZE) + 1;
  return { count, table: at(TABLE), pba: at(PBA), capability };
}

/** A copy of a configuration space that has this layout: in its MSI-X capability, or in one put first into its list. */
export function withMsix(
  image: Uint8Array,
  { capability = DEFAULT, count, table, pba }: MsixLayout,
): Uint8Array {
  const copy = image.slice();
  const view = new DataView(copy.buffer);
  if (!capabilities(image).standard.some(isMsix)) {
    const next = copy[STATUS] & CAPABILITY_LIST ? copy[POINTER] : 0;
    copy.set([MSIX, next], capability);
    copy[POINTER] = capability;
    copy[STATUS] |= CAPABILITY_LIST;
  }
  const control = view.getUint16(capability + MESSAGE_CONTROL, true);
  view.setUint16(capability + MESSAGE_CONTROL, (control & ~TABLE_SIZE) | (count - 1), true);
  view.setUint32(capability + TABLE, table.offset | table.bir, true);
  view.setUint32(capability + PBA, pba.offset | pba.bir, true);
  return copy;
}

/** A description with the MSI-X layout of its image, where it has none of its own, and with the capability's offset. */
export function completed(description: FunctionDescription): FunctionDescription {
  const listed = description.config && readMsix(description.config);
  const msix = description.msix ?? listed;
  if (!msix) return description;
  return { ...description, msix: { ...msix, capability: msix.capability ?? listed?.capability ?? DEFAULT } };
}

/** Why the capability cannot stand in the image where the description, not yet completed, has it; undefined: it can. */
export function placeFault({ config, msix }: FunctionDescription): string | undefined {
  if (!config || !msix) return undefined;
  const { standard } = capabilities(config);
  const { capability } = msix;
  const listed = standard.find(isMsix)?.offset;
  if (listed !== undefined) {
    if (capability === undefined || capability === listed) return undefined;
    return `is not where config has it, at ${listed}`;
  }
  if (capability === undefined && standard.length > 0)
    return 'is needed: config has capabilities, but not MSI-X';
  const at = capability ?? DEFAULT;
  return config.subarray(at, at + LENGTH).some((byte) => byte !== 0) ? 'is in use in config' : undefined;
}

/** With room for its registers. */
export const isMsix = ({ id, offset }: Capability): boolean => id === MSIX && offset + LENGTH <= 256;
