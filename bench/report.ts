import type { AuditTime } from './audit.js';
import type { Growth } from './heap.js';
import type { LockCost } from './lock.js';
import type { Loss } from './losses.js';
import type { PageCost } from './pages.js';
import type { ReplaySpeed } from './replay.js';
import type { Row } from './row.js';
import { BATCH, columns, FUNCTIONS, isUsual, many } from './sizes.js';
import type { Target } from './targets.js';
import type { WorkersSpeed } from './workers.js';

export interface Document {
  readonly cpu: string;
  readonly node: string;
  readonly v8: string;
  readonly accesses: readonly Row[];
  readonly losses: readonly Loss[];
  readonly pages: readonly PageCost[];
  readonly locks: readonly LockCost[];
  readonly workers: WorkersSpeed;
  readonly heap: readonly Growth[];
  readonly replay: readonly ReplaySpeed[];
  readonly audits: readonly AuditTime[];
  readonly targets: readonly Target[];
}

const TITLES: { readonly [door in Row['door']]: string } = {
  js: 'From JavaScript',
  wasm: 'From a second wasm module',
  ring: 'Through the ring, a record',
  native: 'In a native program',
};

const COUNTS = columns(false).map(({ functions }) => functions);

export function print({
  cpu,
  node,
  v8,
  accesses: rows,
  losses,
  pages,
  locks,
  workers,
  heap,
  replay,
  audits,
  targets,
}: Document): void {
  console.log(`${cpu}; Node ${node}, V8 ${v8}`);
  console.log('Nanoseconds an access (median), in brackets times the floor; columns: functions assigned.');
  printTable(
    rows.filter((row) => isUsual(row) && COUNTS.includes(row.functions)),
    ({ functions }) => functions,
  );
  const byVectors = rows.filter(({ functions }) => functions === FUNCTIONS);
  if (!byVectors.every(isUsual)) {
    console.log(`\n${many(FUNCTIONS, 'function')}; columns: vectors of each.`);
    printTable(
      byVectors.filter(({ batch }) => batch === undefined || batch === BATCH),
      ({ vectors }) => vectors,
    );
  }
  console.log('\nRivals that are faster than Trapline from JavaScript');
  if (losses.length === 0) console.log('none');
  for (const { rival, ours } of losses) {
    const size = `${many(rival.functions, 'function')} of ${many(rival.vectors, 'vector')}`;
    const name = `${label(rival)}${rival.door === 'native' ? ', native' : ''}, ${size}`;
    console.log(`${name.padEnd(66)}${amount(rival.ns)}, Trapline ${amount(ours.ns)}`);
  }
  console.log('\nThe same 8 pages');
  for (const { access, alone, among, others } of pages) {
    const text = `alone ${amount(alone)}, with ${others} more functions ${amount(among)} (${amount(among / alone)})`;
    console.log(`${access.replace('-', ' ').padEnd(20)}${text}`);
  }
  console.log('\nThe lock of the shared build, from JavaScript');
  for (const { access, without, locked, added } of locks) {
    const text = `without ${amount(without)}, with it ${amount(locked)}: ${amount(added)} times the floor more`;
    console.log(`${access.replace('-', ' ').padEnd(20)}${text}`);
  }
  console.log('\nTwo workers, millions of accesses a second');
  for (const { work, one, two, ratio } of workers) {
    console.log(`${work.padEnd(20)}one ${amount(one)}, two ${amount(two)}: ${amount(ratio)} times`);
  }
  console.log('\nHeap, from JavaScript');
  for (const { direction, width, accesses, bytes, collections } of heap) {
    console.log(
      `${`${direction}s of ${width}`.padEnd(20)}${bytes} bytes more after ${accesses} accesses, ${collections} collections`,
    );
  }
  console.log('\nReplay, million accesses a second');
  for (const { trace, accesses, first, later } of replay) {
    const text = `first run ${amount(first / 1e6)}, later ones ${amount(later / 1e6)} (${accesses} accesses)`;
    console.log(`${trace.padEnd(20)}${text}`);
  }
  console.log('\nReading and auditing a machine, seconds');
  for (const { machine, functions, findings, read, first, later } of audits) {
    const text = `read ${amount(read)}, first audit ${amount(first)}, later ones ${amount(later)} (${functions} functions, ${findings} findings)`;
    console.log(`${machine.padEnd(20)}${text}`);
  }
  console.log('\nTargets');
  for (const { name, value, limit, sense, reached, unit } of targets) {
    const mark = reached ? 'reached' : 'MISSED ';
    console.log(`  ${mark}  ${name.padEnd(60)}${amount(value)} ${unit}, ${sense} ${limit}`);
  }
}

function printTable(rows: readonly Row[], column: (row: Row) => number): void {
  const counts = [...new Set(rows.map(column))].sort((one, other) => one - other);
  for (const door of ['js', 'wasm', 'ring', 'native'] as const) {
    const labels = new Map<string, Row[]>();
    for (const row of rows.filter((one) => one.door === door)) {
      labels.set(label(row), [...(labels.get(label(row)) ?? []), row]);
    }
    if (labels.size === 0) continue;
    console.log(`\n${line(TITLES[door], counts.map(String))}`);
    for (const [text, same] of labels) {
      const cells = counts.map((count) => cell(same.find((row) => column(row) === count)));
      console.log(line(text, cells));
    }
  }
}

function label({ subject, access, batch }: Row): string {
  const text = `${subject} ${access.replace('-', ' ')}`;
  return batch === undefined ? text : `${text}, N = ${batch}`;
}

function cell(row: Row | undefined): string {
  return row ? `${amount(row.ns)} (${amount(row.ratio)})` : '';
}

const line = (title: string, cells: readonly string[]): string =>
  title.padEnd(38) + cells.map((text) => text.padStart(18)).join('');

function amount(value: number): string {
  return value < 100 ? value.toFixed(value < 10 ? 2 : 1) : Math.round(value).toString();
}
