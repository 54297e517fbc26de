/** A part of Intel graphics whose accesses to stolen memory the IOMMU does not translate, and what that means. */
export interface IommuBypass {
  /** What it is called. */
  readonly block: string;
  /** `stated`: sources name the block. `inferred`: from host addresses that firmware fixes in it. */
  readonly evidence: 'stated' | 'inferred';
  /** What follows for a guest, and what to do about it. */
  readonly meaning: string;
}

/** Which blocks go past the IOMMU to the host's own stolen memory. There may be more: sources say "GuC and the like". */
export const iommuBypass: readonly IommuBypass[] = [
  {
    block: 'GuC',
    evidence: 'stated',
    meaning:
      "reads and writes the host's stolen memory, not the guest's: a guest that programs it can see what is left there, so zero it on open and on release",
  },
  {
    block: 'firmware-reserved top (WOPCM, STOLEN_RESERVED)',
    evidence: 'inferred',
    meaning:
      "lies at the host's address and is compared with BDSM: the guest's stolen memory must be at the same address, or GuC does not start",
  },
  {
    block: 'RC6 power context (RC6_CTX_BASE)',
    evidence: 'inferred',
    meaning:
      "is saved where firmware says, in the host's stolen memory: keep its range when zeroing if the device still runs on it",
  },
];
