import type { AuditTime } from './audit.js';
import type { Growth } from './heap.js';
import type { LockCost } from './lock.js';
import type { PageCost } from './pages.js';
import type { ReplaySpeed } from './replay.js';
import type { Row } from './row.js';
import type { WorkersSpeed } from './workers.js';

export interface Target {
  readonly name: string;
  /** The worst case of those the target speaks of. */
  readonly value: number;
  readonly limit: number;
  readonly sense: 'at most' | 'at least';
  readonly reached: boolean;
  readonly unit: string;
}

const FEW = 64;

/** The worst ratio to the floor at 1 to 64 functions. */
function worst(rows: readonly Row[], matches: (row: Row) => boolean): number {
  const ratios = rows.filter((row) => row.subject === 'trapline' && row.functions <= FEW && matches(row));
  return Math.max(...ratios.map((row) => row.ratio));
}

function atMost(name: string, value: number, limit: number, unit = 'x floor'): Target {
  return { name, value, limit, sense: 'at most', reached: value <= limit, unit };
}

function atLeast(name: string, value: number, limit: number, unit: string): Target {
  return { name, value, limit, sense: 'at least', reached: value >= limit, unit };
}

/** How many times faster than the linear list a table read is. */
function againstList(rows: readonly Row[], functions: number): number {
  const ns = (subject: Row['subject']) =>
    rows.find(
      (row) =>
        row.subject === subject &&
        row.door === 'js' &&
        row.access === 'table-read' &&
        row.functions === functions,
    )?.ns ?? Number.NaN;
  return ns('linear list') / ns('trapline');
}

/** What answering alone costs in a ring. */
function withoutProducing(row: Row, rows: readonly Row[]): Row {
  const producer = rows.find(
    ({ subject, functions, batch }) =>
      subject === 'producer' && functions === row.functions && batch === row.batch,
  );
  const ns = row.ns - (producer?.ns ?? 0);
  return { ...row, ns, ratio: (row.ratio * ns) / row.ns };
}

/** Each thing that the project set itself, and what this run says of it. */
export function judge(
  rows: readonly Row[],
  pages: readonly PageCost[],
  locks: readonly LockCost[],
  workers: WorkersSpeed,
  heap: readonly Growth[],
  replay: readonly ReplaySpeed[],
  audits: readonly AuditTime[],
): Target[] {
  const js = (access: Row['access']) => worst(rows, (row) => row.door === 'js' && row.access === access);
  const wasm = (access: Row['access']) => worst(rows, (row) => row.door === 'wasm' && row.access === access);
  const large = ({ door, batch = 0 }: Row) => door === 'ring' && batch >= 64;
  const whole = (access: Row['access']) => worst(rows, (row) => large(row) && row.access === access);
  const answering = (access: Row['access']) =>
    worst(
      rows.filter(large).map((row) => withoutProducing(row, rows)),
      (row) => row.access === access,
    );
  const speed = (trace: ReplaySpeed['trace']) =>
    (replay.find((one) => one.trace === trace)?.later ?? Number.NaN) / 1e6;
  const lock = (what: string) =>
    Math.max(...locks.filter(({ access }) => access.startsWith(what)).map(({ added }) => added));
  return [
    atMost('what the lock adds to a table access', lock('table'), 2.5),
    atMost('what the lock adds to an aligned adjacent access', lock('adjacent'), 2.5),
    atLeast(
      'two workers on two functions',
      workers.find(({ work }) => work === 'two functions')?.ratio ?? Number.NaN,
      1.9,
      'times',
    ),
    atMost('table read from JavaScript', js('table-read'), 2),
    atMost('table read from JavaScript, the aim', js('table-read'), 1.6),
    atMost('table write from JavaScript', js('table-write'), 2),
    atMost('table write from JavaScript, the aim', js('table-write'), 1.6),
    atMost('table read from wasm', wasm('table-read'), 2),
    atMost('table write from wasm', wasm('table-write'), 2),
    atMost('aligned adjacent read from JavaScript', js('adjacent-read'), 3),
    atMost('aligned adjacent write from JavaScript', js('adjacent-write'), 3),
    atMost('unaligned adjacent read from JavaScript', js('unaligned-read'), 5),
    atMost('table read in a ring of 64 or more', answering('table-read'), 1.2),
    atMost('table read in a ring of 64 or more, producing included', whole('table-read'), 1.2),
    atMost('table write in a ring of 64 or more', answering('table-write'), 1.2),
    atMost('table write in a ring of 64 or more, producing included', whole('table-write'), 1.2),
    atMost(
      'the same 8 pages among 1024 functions',
      Math.max(...pages.map(({ alone, among }) => among / alone)),
      1.4,
      'x alone',
    ),
    atLeast('faster than the linear list at 64 functions', againstList(rows, 64), 50, 'times'),
    atLeast('faster than the linear list at 1024 functions', againstList(rows, 1024), 500, 'times'),
    atMost(
      'heap growth from JavaScript, widths 1, 2 and 4',
      Math.max(
        ...heap.map(({ bytes, accesses, collections }) => (collections > 0 ? Infinity : bytes / accesses)),
      ),
      0.1,
      'bytes an access',
    ),
    atLeast('replay of an uncompressed mmiotrace', speed('mmiotrace'), 1, 'million accesses a second'),
    atLeast('replay of a QEMU log', speed('QEMU log'), 0.3, 'million accesses a second'),
    atMost(
      'reading 4096 functions and their first audit',
      Math.max(...audits.map(({ read, first }) => read + first)),
      1,
      's',
    ),
  ];
}
