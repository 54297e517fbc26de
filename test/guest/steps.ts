const UNDER_WAY = ': pending in the PBA, sent once when it ends';

/** What is checked of every function, in order. */
const steps = (bars: string, ranges: readonly string[], across: readonly string[]): string[] => [
  'found on bus 0, class ff0000',
  `BARs sized: ${bars}`,
  'BARs placed; COMMAND.MEMORY off reads ones',
  'COMMAND.MEMORY on reads the registers',
  'MSI-X capability: size, BIRs and offsets, read-only',
  'entries at first: zero and masked',
  'entries programmed and read back, 4 and 8 bytes',
  'vector control: bit 0 kept, the others reserved',
  'table: 1, 2 and unaligned bytes read ones, write nothing',
  'each entry interrupts once, with its vector',
  `masked by vector control${UNDER_WAY}`,
  `masked by the function mask${UNDER_WAY}`,
  `masked by MSI-X being off${UNDER_WAY}`,
  'an interrupt ends HLT',
  ...ranges.flatMap((range) => [
    `registers keep 1, 2, 4, 8 and 16 bytes: ${range}`,
    `registers keep unaligned 2 and 4 bytes: ${range}`,
  ]),
  "across registers and table: the registers' bytes, ones",
  ...across,
  'BARs moved: the same registers and entries there, ones before',
  `moved, and masked by vector control${UNDER_WAY}`,
];

/** All steps of the guest's selftest. */
export const STEPS: readonly string[] = [
  ...steps(
    '256, 512 and 1024 bytes of 32 bits',
    ['before the table', 'behind the PBA', 'BAR1 on its page', 'BAR2 on its page'],
    ['across BAR1 and BAR0: bytes of both'],
  ).map((step) => `00:08.0 ${step}`),
  ...steps(
    '16 KiB of 64 bits',
    ['before the table', 'behind the table', 'before the PBA', 'behind the PBA', 'on a page of its own'],
    [],
  ).map((step) => `00:09.0 ${step}`),
];

/** What the guest prints when all goes well. */
export const PASSED: readonly string[] = [
  'Trapline guest: 2 functions',
  ...STEPS.map((step) => `PASS ${step}`),
  `${STEPS.length} passed, 0 failed`,
];
