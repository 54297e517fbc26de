// Counts by which replay is judged, made without anything from src: no dispatcher, no parser of ours, no cleverness.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export const lines = (path) => gunzipSync(readFileSync(path)).toString('latin1').split('\n');

/** Classes of the recorded access lists, by their names here. */
const CLASSES = {
  'msix-table': 'table',
  'msix-pba': 'pba',
  'adjacent-page': 'adjacent',
  other: 'other',
  'no-msix-device': 'other',
};

function add(counts, key, count = 1) {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** Counts by `sbdf kind R|W` of a list of accesses whose class was found out when they were recorded. */
export const countAccesses = (path, wanted) => countRows(lines(path), wanted);

export function countRows(rows, wanted) {
  const counts = new Map();
  for (const line of rows) {
    if (line === '' || line.startsWith('#')) continue;
    const [, , op, , , , bdf, , , kind, , status] = line.split('\t');
    if (!wanted(status)) continue;
    add(counts, `0000:${bdf} ${kind.startsWith('straddle') ? 'straddle' : CLASSES[kind]} ${op}`);
  }
  return counts;
}

/** Counts by `sbdf kind R|W` of the R and W lines of an mmiotrace, classified with an MSI-X layout list. */
export function countMmiotrace(trace, layout, seen = () => {}) {
  const msix = new Map();
  for (const line of layout.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [bdf, , , , tableBar, tableOffset, tableSize, pbaBar, pbaOffset, pbaSize] = line.split('\t');
    msix.set(`0000:${bdf}`, [
      { kind: 'table', bar: Number(tableBar), start: Number(tableOffset), size: Number(tableSize) },
      { kind: 'pba', bar: Number(pbaBar), start: Number(pbaOffset), size: Number(pbaSize) },
    ]);
  }
  const bars = [];
  const counts = new Map();
  let index = 0;
  for (const line of trace) {
    const fields = line.split(' ');
    if (fields[0] === 'PCIDEV') {
      const bus = fields[1].slice(0, 2);
      const devfn = Number.parseInt(fields[1].slice(2), 16);
      const sbdf = `0000:${bus}:${(devfn >> 3).toString(16).padStart(2, '0')}.${devfn & 7}`;
      for (let bar = 0; bar < 7; bar++) {
        const value = Number.parseInt(fields[4 + bar], 16);
        const size = Number.parseInt(fields[11 + bar], 16);
        const io = bar < 6 && value % 2 === 1;
        if (size > 0 && !io) bars.push({ sbdf, bar, start: value - (value % 16), size });
      }
    }
    if (fields[0] !== 'R' && fields[0] !== 'W') continue;
    const width = Number(fields[1]);
    const address = Number(fields[4]);
    const owner = bars.find(({ start, size }) => address >= start && address < start + size);
    if (!owner) {
      add(counts, 'unclaimed');
      seen(index++, 'unclaimed');
      continue;
    }
    const kindAt = (offset) => {
      const structures = (msix.get(owner.sbdf) ?? []).filter(({ bar }) => bar === owner.bar);
      const found = structures.find(({ start, size }) => offset >= start && offset < start + size);
      if (found) return found.kind;
      const page = Math.floor(offset / 4096);
      const near = structures.some(
        ({ start, size }) =>
          Math.floor(start / 4096) <= page && page <= Math.floor((start + size - 1) / 4096),
      );
      return near ? 'adjacent' : 'other';
    };
    const first = kindAt(address - owner.start);
    const last = kindAt(address - owner.start + width - 1);
    const kind = first === last ? first : 'straddle';
    add(counts, `${owner.sbdf} ${kind} ${fields[0]}`);
    seen(index++, kind);
  }
  return counts;
}
