/** See the titles of `rules`. */
export type FindingCode = 'F1' | 'F2' | 'F3' | 'F4' | 'F5' | 'F6' | 'F7' | 'F8' | 'F9' | 'F10';

interface Rule {
  readonly title: string;
  readonly rule: string;
  readonly source: string;
}

/** What a kind of finding is, why it matters, and who says so. */
export const rules: { readonly [code in FindingCode]: Rule } = {
  F1: {
    title: 'a BAR does not begin at a page',
    rule: 'whole pages are mapped: a BAR that begins within one reaches a guest only at the same page offset, which guests choose themselves',
    source: 'Xen vPCI, modify_bars: -EINVAL where page offsets differ; vfio: no mmap',
  },
  F2: {
    title: 'BARs of one function share a page',
    rule: 'what is mapped for one of the BARs shows the others, and a guest that places them on two pages sees both twice',
    source: 'PCI small BARs thread, example 1; vfio: no mmap where the rest of the page is taken',
  },
  F3: {
    title: 'functions share a page',
    rule: "a guest that is given one of the functions reaches the other's registers",
    source: 'XSA-461, CVE-2024-31146',
  },
  F4: {
    title: 'MSI-X structures share a page with other bytes',
    rule: 'pages with MSI-X structures are trapped, and all else on them with them',
    source: 'PCIe 7.7.2: structures share no naturally aligned 4 KiB with other registers of their BAR',
  },
  F5: {
    title: 'the MSI-X table or PBA is not where it may be',
    rule: 'an MSI-X table and PBA lie within a memory BAR, apart from each other',
    source: 'PCIe 7.7.2.3, 7.7.2.4',
  },
  F6: {
    title: "a BAR's size or address is none that BARs have",
    rule: 'a BAR decodes a power of two of bytes, at a multiple of its size',
    source: 'PCI 3.0 6.2.5.1',
  },
  F7: {
    title: 'a BAR shares a page with something that is no PCI function',
    rule: 'a guest that is given the function reaches what else is on the page',
    source: 'XSA-461: other resources in the page',
  },
  F8: {
    title: 'functions share an interrupt line',
    rule: 'a guest that holds the line delays or stops the interrupts of the others',
    source: 'XSA-461: INTx lines; PCI 3.0 6.2.4',
  },
  F9: {
    title: 'a BAR has no address, or is not enabled',
    rule: 'a BAR without an address, or that is not decoded, cannot be audited for where it will be',
    source: 'PCI 3.0 6.2.5, 6.2.2',
  },
  F10: {
    title: 'functions would share larger pages',
    rule: 'pages are 16 or 64 KiB on some arm64 and ppc64 hosts',
    source: 'PCI small BARs thread: small is less than the larger of 4 KiB and the page size',
  },
};

/** What to do about a page that is not one BAR's. */
export const REALIGN = 'reassign the BARs as planned, or serve the page by trapping';
