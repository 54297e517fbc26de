import { PAGE_SIZE } from '../access.js';
import type { TraplineError } from '../errors.js';
import type { Policy } from '../policy.js';
import type { Outcome } from './outcome.js';
import type { Part } from './place.js';

/** Why an access does what it does. */
export interface Reason {
  readonly rule: string;
  /** A section of PCI Express 5.0, or the row of the policy. */
  readonly source: string;
}

/** What happened to an access, for the rules that account for it. */
export interface Answered {
  readonly policy: Policy;
  readonly domain: 'guest' | 'hardware';
  readonly address: number;
  readonly parts: readonly Part[];
  readonly read: Outcome;
  /** One, or two that differ in the mask bit. */
  readonly writes: readonly Outcome[];
  /** Why functions that have the bytes are not there as they are listed. */
  readonly refusals: readonly TraplineError[];
  /** Policy strict refuses a capability that this policy accepts. */
  readonly malformed: boolean;
}

interface Rule extends Reason {
  readonly applies: (answered: Answered) => boolean;
}

const row = (name: keyof Policy): string => `policy row ${name}`;
const COMMON = 'common to all policies';

const isClaimed = ({ read }: Answered): boolean => read.result !== 'unclaimed';
const has = ({ parts }: Answered, ...owners: Part['owner'][]): boolean =>
  parts.some(({ owner }) => owners.includes(owner));
const outcomes = ({ read, writes }: Answered): Outcome[] => [read, ...writes];
/** The device was asked for bytes of these owners: host pages keep the offset in the page. */
const reaches = (answered: Answered, ...owners: Part['owner'][]): boolean =>
  outcomes(answered).some((outcome) => reachesIn(outcome, answered, owners));
const reachesIn = ({ host }: Outcome, answered: Answered, owners: readonly Part['owner'][]): boolean =>
  host.some((access) => {
    const index = (access.address - answered.address) & (PAGE_SIZE - 1);
    const owner = answered.parts.find(({ last }) => index <= last)?.owner;
    return owner !== undefined && owners.includes(owner);
  });
const isSplit = (answered: Answered): boolean =>
  outcomes(answered).some(({ diagnostics }) => diagnostics.some((code) => code.startsWith('unaligned')));
const isRefused = (answered: Answered): boolean =>
  outcomes(answered).some(({ diagnostics }) => diagnostics.includes('bad-size'));
const isEntry = (answered: Answered): boolean => outcomes(answered).some(({ entry }) => entry !== undefined);
/** Each byte that reached the device did so at its own address. */
const isInPlace = ({ address, parts, read, writes }: Answered): boolean => {
  const end = address + (parts.at(-1) as Part).last;
  return [read, ...writes].every(({ host }) =>
    host.every((at) => at.address >= address && at.address <= end),
  );
};
const writesNothing = ({ writes }: Answered): boolean => writes.every(({ result }) => result === 'none');

/** In the order in which they are told. What happened decides which apply, the policy's rows only how they are put. */
const RULES: readonly Rule[] = [
  {
    applies: ({ malformed }) => malformed,
    rule: 'a malformed MSI-X capability is taken as it stands',
    source: row('malformed'),
  },
  {
    applies: (answered) => has(answered, 'off') && answered.refusals.length === 0,
    rule: 'a BAR answers only while it is decoded: COMMAND memory space enable, and for the ROM its own enable bit',
    source: 'PCIe 7.5.1.1.3, 7.5.1.2.4',
  },
  {
    applies: (answered) => !isClaimed(answered) && answered.parts.every(({ owner }) => owner === 'nobody'),
    rule: 'no decoded BAR has these bytes, and nothing on the page makes it trap',
    source: COMMON,
  },
  {
    applies: (answered) => !isClaimed(answered) && answered.parts[0].owner === 'direct',
    rule: 'the page holds no table, no PBA and one BAR only: it is mapped directly, no access to it traps',
    source: COMMON,
  },
  {
    applies: (answered) => isClaimed(answered) && has(answered, 'rom'),
    rule: 'a ROM is copied once through its decoder, which other BARs may share, and answered from the copy',
    source: `PCI 3.0 6.2.5.2; ${row('rom')}`,
  },
  {
    applies: (answered) => !isClaimed(answered) && answered.parts[0].owner === 'rom',
    rule: 'a ROM is mapped directly in the hardware domain, and a guest domain has none',
    source: row('rom'),
  },
  {
    applies: (answered) => !isClaimed(answered) && answered.parts[0].owner === 'neighbour',
    rule: 'only pages with table or PBA bytes trap, not those that BARs share',
    source: row('sharedPage'),
  },
  {
    applies: (answered) => !isClaimed(answered) && has(answered, 'table', 'pba', 'adjacent'),
    rule: 'an access is looked up by its first byte',
    source: COMMON,
  },
  {
    applies: isEntry,
    rule: "the table is emulated: the device's own holds the host's messages",
    source: 'PCIe 7.7.2',
  },
  {
    applies: ({ writes }) =>
      writes.some(({ entry }) => entry?.fields.some((field) => field !== 'vector control')),
    rule: 'address and data count from the next unmasking, or enabling of MSI-X',
    source: 'PCIe 6.1.4.2',
  },
  {
    applies: ({ writes }) => writes.some(({ mask }) => mask !== undefined),
    rule: 'unmasking arms a vector written since it was last armed, while MSI-X is on and not masked',
    source: 'PCIe 6.1.4.5',
  },
  {
    applies: ({ parts, read, writes }) => {
      const listed = parts.flatMap(({ fields }) => fields);
      return [read, ...writes].some(({ entry }) => entry?.fields.some((field) => !listed.includes(field)));
    },
    rule: 'the address modulo 16 selects the field, though this table starts at 8 modulo 16',
    source: row('field'),
  },
  {
    applies: (answered) => isRefused(answered) && has(answered, 'table'),
    rule: 'a table answers aligned accesses of 4 or 8 bytes only',
    source: 'PCIe 6.1.4.2',
  },
  {
    applies: (answered) => isRefused(answered) && has(answered, 'pba'),
    rule: 'a PBA answers aligned accesses of 4 or 8 bytes only',
    source: `PCIe 6.1.4.2; ${row('pbaWidths')}`,
  },
  {
    applies: (answered) => reachesIn(answered.read, answered, ['pba']),
    rule: "the pending bits are the device's own",
    source: 'PCIe 7.7.2.9',
  },
  {
    applies: ({ read }) => read.result === 'pending',
    rule: 'a vector that is raised while it is masked is pending: its bit is set until it is sent',
    source: 'PCIe 7.7.2.9',
  },
  {
    applies: (answered) => has(answered, 'pba') && !isRefused(answered) && writesNothing(answered),
    rule: 'software never writes pending bits: a guest domain may not',
    source: `PCIe 7.7.2.9; ${row('pbaWriteDropsWhole')}`,
  },
  {
    applies: (answered) =>
      answered.domain === 'hardware' && answered.writes.some((write) => reachesIn(write, answered, ['pba'])),
    rule: 'the hardware domain may write what the host may, pending bits among it',
    source: COMMON,
  },
  {
    applies: (answered) => reaches(answered, 'adjacent', 'direct'),
    rule: 'only table and PBA need trapping: registers beside them are passed on to the device',
    source: row('adjacent'),
  },
  {
    applies: (answered) => answered.policy.sharedPage === 'owner' && reaches(answered, 'neighbour'),
    rule: 'each byte of a shared page belongs to the BAR that it lies in',
    source: row('sharedPage'),
  },
  {
    applies: (answered) =>
      answered.policy.sharedPage === 'newest' &&
      reaches(answered, 'neighbour', 'table') &&
      !isEntry(answered),
    rule: 'the function assigned last (here: of the highest SBDF) that has table or PBA on a page answers all of it',
    source: row('sharedPage'),
  },
  {
    applies: (answered) =>
      answered.policy.adjacent === 'bars' && isClaimed(answered) && has(answered, 'nobody', 'off'),
    rule: 'bytes of a trapped page that no assigned BAR has belong to nobody: all ones, dropped',
    source: row('adjacent'),
  },
  {
    applies: (answered) => answered.policy.adjacent === 'page' && reaches(answered, 'nobody', 'off'),
    rule: 'any byte of a page with table or PBA bytes is passed on to the host page, whose BAR it may be',
    source: row('adjacent'),
  },
  {
    applies: (answered) => isSplit(answered),
    rule: 'an unaligned access is split into bytes, low address first, with a diagnostic',
    source: COMMON,
  },
  {
    applies: (answered) =>
      answered.policy.crossing === 'split' && isClaimed(answered) && answered.parts.length > 1,
    rule: "an access across owners is answered byte by byte, each by its owner's rule for one byte",
    source: row('crossing'),
  },
  {
    applies: (answered) =>
      answered.policy.crossing === 'drop' && isClaimed(answered) && answered.parts.length > 1,
    rule: 'an access across owners is dropped whole unless its first and its last byte are beside the table',
    source: row('crossing'),
  },
  {
    applies: (answered) => answered.policy.tailPage === 'byte-after' && !isInPlace(answered),
    rule: "the page mapped for a structure's tail is that of the byte after it, here the following one",
    source: row('tailPage'),
  },
];

/** The rules that account for it; the refusals of functions first. */
export function reasonsFor(answered: Answered): Reason[] {
  const refused = answered.refusals.map(({ code, faults }) => ({
    rule: `refused: ${faults.join('; ')}`,
    source: row(code === 'overlap' ? 'sharedPage' : 'malformed'),
  }));
  const applying = RULES.filter(({ applies }) => applies(answered));
  return [...refused, ...applying.map(({ rule, source }) => ({ rule, source }))];
}
