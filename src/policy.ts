/**
 * The questions on which hypervisors differ, answered as data. `xenV3` is the patch "vpci/msix: handle accesses
 * adjacent to the MSI-X table" v3 (2023) to the letter, `xen` is what became of it, `strict` is right for every byte.
 */
export interface Policy {
  /** Under which `policies` has it. */
  readonly name: 'strict' | 'xen' | 'xenV3';
  /** Bit set of the widths with which the PBA may be accessed, aligned; 15 also lets unaligned ones be split. */
  readonly pbaWidths: number;
  /** A guest domain's write with its first or last byte in the PBA is dropped whole. Else only what the PBA owns is. */
  readonly pbaWriteDropsWhole: boolean;
  /** An access whose bytes have different owners: dropped whole unless both ends are forwarded, or each byte by its owner. */
  readonly crossing: 'drop' | 'split';
  /** Bytes beside table and PBA that reach the host page: all of the page, or only those of assigned BARs. */
  readonly adjacent: 'page' | 'bars';
  /** Who answers on a page where several functions have bytes. */
  readonly sharedPage: 'newest' | 'owner';
  /** The host page of an unaligned access is looked up once, before the split, or for each byte. */
  readonly lookupBeforeSplit: boolean;
  /** When mapped host pages are dropped. */
  readonly dropPages: 'hardware-enable' | 'disable';
  /** Order of switching decoding on, and so what is left when the hole cannot be made. */
  readonly enable: 'hole-first' | 'bars-first' | 'all-or-nothing';
  /** The hole is made for table and PBA whatever their BARs' state, or only where the BAR is enabled. */
  readonly hole: 'always' | 'enabled-bars';
  /** A guest domain's legacy interrupt while MSI-X is enabled. */
  readonly intx: 'kept' | 'disabled';
  /** A malformed MSI-X capability at assign. */
  readonly malformed: 'accepted' | 'refused';
  /** A PBA that lies over its table, at assign: the PBA wins. */
  readonly pbaOverTable: 'accepted' | 'warned';
  /** The page mapped for a table's or PBA's tail: that of the byte after it, or of its last byte. */
  readonly tailPage: 'byte-after' | 'last-byte';
  /** What selects the field of an entry: the address modulo 16, or the offset from the table's start modulo 16. */
  readonly field: 'address' | 'entry';
  /**
   * An expansion ROM: answered from a copy, or the hardware's own, which a guest domain does not have (its register
   * reads 0).
   */
  readonly rom: 'copy' | 'hardware';
}

const xen: Policy = {
  name: 'xen',
  pbaWidths: 4 | 8,
  pbaWriteDropsWhole: false,
  crossing: 'drop',
  adjacent: 'page',
  sharedPage: 'newest',
  lookupBeforeSplit: false,
  dropPages: 'hardware-enable',
  enable: 'bars-first',
  hole: 'enabled-bars',
  intx: 'disabled',
  malformed: 'refused',
  pbaOverTable: 'accepted',
  tailPage: 'byte-after',
  field: 'address',
  rom: 'hardware',
};

/** The three that there are. */
export const policies: {
  /** Right for every byte. */
  readonly strict: Policy;
  /** As Xen's vPCI. */
  readonly xen: Policy;
  /** As the patch that introduced it. */
  readonly xenV3: Policy;
} = {
  xen,
  xenV3: {
    ...xen,
    name: 'xenV3',
    pbaWidths: 1 | 2 | 4 | 8,
    pbaWriteDropsWhole: true,
    lookupBeforeSplit: true,
    enable: 'hole-first',
    hole: 'always',
    intx: 'kept',
    malformed: 'accepted',
  },
  strict: {
    ...xen,
    name: 'strict',
    crossing: 'split',
    adjacent: 'bars',
    sharedPage: 'owner',
    dropPages: 'disable',
    enable: 'all-or-nothing',
    pbaOverTable: 'warned',
    tailPage: 'last-byte',
    field: 'entry',
    rom: 'copy',
  },
};
