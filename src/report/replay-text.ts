import { digits, hex } from '../hexadecimal.js';
import { formatSbdf } from '../sbdf.js';
import { type Difference, REASONS, type Reason } from '../trace/difference.js';
import { KINDS, type Kind, WIDTHS } from '../trace/function-counts.js';
import type { ReplayedFile } from '../trace/replay-file.js';
import type { ReplayedFunction } from '../trace/replayed-function.js';
import { many, number } from './numbers.js';

/** What each reason means, for readers. */
export const MEANING: { readonly [reason in Reason]: string } = {
  width: 'width or alignment that the policy does not allow',
  reset: 'a reset or power change that the trace shows or implies',
  unexplained: 'nothing in the trace accounts for it',
};

const FORMATS = {
  mmiotrace: 'Linux mmiotrace log',
  'qemu-log': 'QEMU log, an access for each memory event',
  'qemu-log-with-plugin': 'QEMU log, an access for each P line',
};

/** Differences printed; the report lists more. */
const SHOWN = 10;

/** A replay for people. */
export function replayText(file: ReplayedFile): string {
  const { replay } = file;
  const unclaimed = replay.unclaimedReads + replay.unclaimedWrites;
  const lines = [
    `${file.path}: ${FORMATS[file.format]}; policy ${file.policy.name}`,
    `${many(replay.accesses, 'access', 'accesses')}, ${number(unclaimed)} unclaimed` +
      (unclaimed
        ? ` (${many(replay.unclaimedReads, 'read')}, ${many(replay.unclaimedWrites, 'write')})`
        : '') +
      (file.format === 'mmiotrace' ? `, ${many(file.unknown, 'UNKNOWN line')} left out` : '') +
      (file.badLines ? `, ${many(file.badLines, 'bad line')}` : ''),
    ...assumptions(file),
    ...file.notes.map((note) => `note: ${note}`),
    '',
    ...countTable(replay.functions),
    '',
    armedLine(replay.functions),
    '',
    ...differenceLines(file),
  ];
  return `${lines.join('\n')}\n`;
}

/** What the replay takes from the inventory because the trace does not say it. */
export function assumptions({ assumedEnabled, assumedPlaced }: ReplayedFile): string[] {
  const list = (sbdfs: readonly number[]) => sbdfs.map(formatSbdf).join(', ');
  return [
    ...(assumedEnabled.length > 0
      ? [`assumed, as the inventory says Enable+: MSI-X enabled and unmasked: ${list(assumedEnabled)}`]
      : []),
    ...(assumedPlaced.length > 0
      ? [
          `assumed, as the log has no config write: BARs and decoding of the inventory: ${list(assumedPlaced)}`,
        ]
      : []),
  ];
}

/** `R4 163, W4 1,247` */
export function widths({ counts }: ReplayedFunction, kind: Kind): string {
  return [false, true]
    .flatMap((write) =>
      WIDTHS.map((width) => [`${write ? 'W' : 'R'}${width}`, counts.count(kind, write, width)] as const),
    )
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join(', ');
}

export function describeDifference({
  line,
  sbdf,
  kind,
  address,
  width,
  recorded,
  answered,
  reason,
}: Difference): string {
  const value = (bytes: bigint) => `0x${digits(bytes, 2 * width)}`;
  const got = answered === undefined ? 'not claimed' : `answered ${value(answered)}`;
  const read = `${formatSbdf(sbdf)} ${kind} R${width} ${hex(address)}`;
  return `line ${line}: ${read}: recorded ${value(recorded)}, ${got} (${reason})`;
}

/** Unexplained ones first. */
export function byWeight(differences: readonly Difference[]): Difference[] {
  return [...differences].sort(
    (a, b) => REASONS.indexOf(b.reason) - REASONS.indexOf(a.reason) || a.line - b.line,
  );
}

/** Whether the function had an access of the kind. */
export const isUsed = ({ counts }: Pick<ReplayedFunction, 'counts'>, kind: Kind): boolean =>
  counts.reads(kind) + counts.writes(kind) > 0;

function countTable(functions: readonly ReplayedFunction[]): string[] {
  const rows = [['function', 'kind', 'reads', 'writes', 'unaligned', 'widths']];
  const lines: number[] = [];
  const names: string[] = [];
  for (const fn of functions) {
    const used = KINDS.filter((kind) => isUsed(fn, kind));
    if (used.length === 0) continue;
    lines.push(rows.length);
    names.push(`${formatSbdf(fn.sbdf)}  ${fn.name}`);
    for (const kind of used) {
      const { counts } = fn;
      const cells = [counts.reads(kind), counts.writes(kind), counts.unaligned(kind)].map(number);
      rows.push(['', kind, ...cells, widths(fn, kind)]);
    }
  }
  if (names.length === 0) return ['no function was accessed'];
  const size = (column: number) => Math.max(...rows.map((row) => row[column].length));
  const sizes = [0, 1, 2, 3, 4].map(size);
  const text = rows.map(([, kind, reads, writes, unaligned, list]) =>
    [
      ` ${kind.padEnd(sizes[1])}`,
      reads.padStart(sizes[2]),
      writes.padStart(sizes[3]),
      unaligned.padStart(sizes[4]),
      list,
    ].join('  '),
  );
  const idle = functions.filter((fn) => !KINDS.some((kind) => isUsed(fn, kind)));
  return [
    ...text.flatMap((row, index) => (lines.includes(index) ? [names[lines.indexOf(index)], row] : [row])),
    ...(idle.length > 0 ? ['', `not accessed: ${idle.map(({ sbdf }) => formatSbdf(sbdf)).join(', ')}`] : []),
  ];
}

function armedLine(functions: readonly ReplayedFunction[]): string {
  const armed = functions.filter((fn) => fn.armed > 0);
  const total = armed.reduce((sum, fn) => sum + fn.armed, 0);
  const each = armed.map((fn) => `${formatSbdf(fn.sbdf)} ${number(fn.armed)}`).join(', ');
  return `vectors armed: ${many(total, 'time')}${total ? ` (${each})` : ''}`;
}

function differenceLines({ replay }: ReplayedFile): string[] {
  const count = replay.differenceCount;
  if (count === 0) return ['differences: 0, every read was answered as recorded'];
  const reasons = REASONS.filter((reason) => replay.reasons[reason] > 0);
  const shown = byWeight(replay.differences).slice(0, SHOWN);
  return [
    `differences: ${number(count)}`,
    ...reasons.map((reason) => `  ${number(replay.reasons[reason])} ${reason}: ${MEANING[reason]}`),
    shown.length < count ? `the first ${shown.length}:` : 'each:',
    ...shown.map((difference) => `  ${describeDifference(difference)}`),
  ];
}
