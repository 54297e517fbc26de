/** Bytes of an OpRegion without what is stitched behind it. */
export const OPREGION_SIZE = 0x2000;

/** A field of the OpRegion; little endian, at any alignment. Its bytes are `width * count` from `offset`. */
export interface OpRegionField {
  readonly name: string;
  /** 0: the header. */
  readonly mailbox: 0 | 1 | 2 | 3 | 5;
  readonly offset: number;
  /** Bytes of an element. */
  readonly width: 1 | 2 | 4 | 8;
  readonly count: number;
  /** The driver writes it, for the firmware to read or to answer. */
  readonly driver: boolean;
}

type Row = readonly [name: string, offset: number, width?: 1 | 2 | 4 | 8, count?: number];

/**
 * Those that a driver writes: readiness, the answer to a notification, the displays it drives, the answers to ASLE
 * requests, brightness, the software SCI call and its argument.
 */
const DRIVER = [
  'DRDY',
  'CSTS',
  'DIDL',
  'CADL',
  'CHPD',
  'SCIC',
  'PARM',
  'ARDY',
  'ASLC',
  'TCHE',
  'CBLV',
] as const;

/**
 * A field that a guest may be allowed to write, each into a copy of its own: `DRDY`, `CSTS`, `DIDL`, `CADL`, `CHPD`, `SCIC`,
 * `PARM`, `ARDY`, `ASLC`, `TCHE` or `CBLV`, as the OpRegion specification names them.
 */
export type DriverField = (typeof DRIVER)[number];

const fields = (mailbox: OpRegionField['mailbox'], rows: readonly Row[]): OpRegionField[] =>
  rows.map(([name, offset, width = 4, count = 1]) => ({
    ...{ name, mailbox, offset, width, count },
    driver: (DRIVER as readonly string[]).includes(name),
  }));

/** By offset. The signature, the texts of the header and the VBT of mailbox 4 are not numbers and not among them. */
export const OPREGION_FIELDS: readonly OpRegionField[] = [
  ...fields(0, [
    ['SIZE', 0x10],
    ['OVER', 0x14],
    ['MBOX', 0x58],
    ['DMOD', 0x5c],
    ['PCON', 0x60],
  ]),
  ...fields(1, [
    ['DRDY', 0x100],
    ['CSTS', 0x104],
    ['CEVT', 0x108],
    ['DIDL', 0x120, 4, 8],
    ['CPDL', 0x140, 4, 8],
    ['CADL', 0x160, 4, 8],
    ['NADL', 0x180, 4, 8],
    ['ASLP', 0x1a0],
    ['TIDX', 0x1a4],
    ['CHPD', 0x1a8],
    ['CLID', 0x1ac],
    ['CDCK', 0x1b0],
    ['SXSW', 0x1b4],
    ['EVTS', 0x1b8],
    ['CNOT', 0x1bc],
    ['NRDY', 0x1c0],
    ['DID2', 0x1c4, 4, 7],
    ['CPD2', 0x1e0, 4, 7],
  ]),
  ...fields(2, [
    ['SCIC', 0x200],
    ['PARM', 0x204],
    ['DSLP', 0x208],
  ]),
  ...fields(3, [
    ['ARDY', 0x300],
    ['ASLC', 0x304],
    ['TCHE', 0x308],
    ['ALSI', 0x30c],
    ['BCLP', 0x310],
    ['PFIT', 0x314],
    ['CBLV', 0x318],
    ['BCLM', 0x31c, 2, 20],
    ['CPFM', 0x344],
    ['EPFM', 0x348],
    ['PLUT', 0x34c, 1, 74],
    ['PFMB', 0x396],
    ['CCDV', 0x39a],
    ['PCFT', 0x39e],
    ['SROT', 0x3a2],
    ['IUER', 0x3a6],
    ['FDSS', 0x3aa, 8],
    ['FDSP', 0x3b2],
    ['STAT', 0x3b6],
    ['RVDA', 0x3ba, 8],
    ['RVDS', 0x3c2],
  ]),
  ...fields(5, [
    ['PHED', 0x1c00],
    ['BDDC', 0x1c04, 1, 256],
  ]),
];

/** A driver's field of that name. */
export const driverField = (name: string): OpRegionField | undefined =>
  OPREGION_FIELDS.find((field) => field.driver && field.name === name);

export const driverFieldNames: readonly DriverField[] = DRIVER;
