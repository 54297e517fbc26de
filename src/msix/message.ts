/** What a function writes to interrupt: `data`, 32 bits, to a 64-bit address in two lanes. All unsigned. */
export interface Message {
  /** Message Address. */
  readonly addressLow: number;
  /** Message Upper Address. */
  readonly addressHigh: number;
  /** Message Data. */
  readonly data: number;
}

/** Data bits 10..8. */
export type DeliveryMode =
  | 'fixed'
  | 'lowest-priority'
  | 'smi'
  | 'nmi'
  | 'init'
  | 'extint'
  /** Modes 3 and 6. */
  | 'reserved';

/** A message to the local APICs (Intel SDM volume 3, message address and data register formats). */
export interface InterruptMessage {
  /** Address bit 4 is 0. */
  readonly format: 'interrupt';
  /** APIC ID, address bits 19..12. */
  readonly destination: number;
  /**
   * 15 bits: address bits 11..5 above the eight of `destination`. Only where the hypervisor announces extended
   * destination IDs (KVM_FEATURE_MSI_EXT_DEST_ID); else bits 11..5 are reserved and `destination` is meant.
   */
  readonly extendedDestination: number;
  /** Address bit 2. */
  readonly destinationMode: 'physical' | 'logical';
  /** Address bit 3: to the one of several destinations that has the lowest priority. */
  readonly redirectionHint: boolean;
  /** Data bits 7..0. */
  readonly vector: number;
  /** Data bits 10..8. */
  readonly deliveryMode: DeliveryMode;
  /** Data bit 15. */
  readonly trigger: 'edge' | 'level';
  /** What `level` asserts or ends; edge-triggered messages have no use for it. */
  readonly level: 'assert' | 'deassert';
}

/** A message that an interrupt remapping table resolves (Intel VT-d, remappable interrupt request format). */
export interface RemappableMessage {
  /** Address bit 4 is 1. */
  readonly format: 'remappable';
  /** Index into the table, 16 bits. */
  readonly handle: number;
  /** To be added to `handle`; undefined where the subhandle-valid bit is 0. */
  readonly subhandle: number | undefined;
}

const DELIVERY_MODES: readonly DeliveryMode[] = [
  'fixed',
  'lowest-priority',
  'smi',
  'reserved',
  'nmi',
  'init',
  'reserved',
  'extint',
];

/** Takes an x86 message apart. Undefined: its address is not in 0xFEE00000..0xFEEFFFFF, so that it is a memory write. */
export function decodeMessage({
  addressLow,
  addressHigh,
  data,
}: Message): InterruptMessage | RemappableMessage | undefined {
  if (addressHigh !== 0 || addressLow >>> 20 !== 0xfee) return undefined;
  const bit = (position: number) => ((addressLow >>> position) & 1) === 1;
  if (bit(4)) {
    const handle = ((addressLow >>> 5) & 0x7fff) | (bit(2) ? 0x8000 : 0);
    return { format: 'remappable', handle, subhandle: bit(3) ? data & 0xffff : undefined };
  }
  const destination = (addressLow >>> 12) & 0xff;
  return {
    format: 'interrupt',
    destination,
    extendedDestination: (((addressLow >>> 5) & 0x7f) << 8) | destination,
    destinationMode: bit(2) ? 'logical' : 'physical',
    redirectionHint: bit(3),
    vector: data & 0xff,
    deliveryMode: DELIVERY_MODES[(data >>> 8) & 7],
    trigger: data & 0x8000 ? 'level' : 'edge',
    level: data & 0x4000 ? 'assert' : 'deassert',
  };
}
