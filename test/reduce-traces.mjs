// Makes the fixtures of test/fixtures from recorded machines: node test/reduce-traces.mjs DIRECTORY
// Keeps every access to a page with table or PBA bytes and a sample of the others; what was kept is counted by the
// class that the machine's own access list gives it, never by this project's code.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { countMmiotrace, countRows } from './independent-counts.mjs';

/** One in so many of the accesses to other pages is kept. */
const SAMPLE = 150;
/** One in so many of the lines that replay ignores. */
const IGNORED = 400;

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
const lines = (path) => gunzipSync(readFileSync(path)).toString('latin1').split('\n');
const isSpecial = (row) => /^(msix-|adjacent|straddle)/.test(row.split('\t')[9]);

function save(path, text) {
  // A fixed header: the same input gives the same bytes.
  const bytes = gzipSync(text, { level: 9 });
  writeFileSync(path, bytes);
  console.log(`${path}: ${bytes.length} bytes`);
}

const saveCounts = (path, counts) =>
  writeFileSync(
    path,
    `${[...counts]
      .sort()
      .map(([key, count]) => `${key}\t${count}`)
      .join('\n')}\n`,
  );

/** The QEMU log: the events of a CPU up to its P line are one access. */
function reduceQemuLog(log, rows) {
  const kept = [];
  const out = [];
  const events = new Map();
  let next = 0;
  let ignored = 0;
  for (const line of log) {
    const cpu = /memory_region_(?:ops|subpage)_\w+ cpu (\d+)|^(?:Invalid|P (\d+)) /.exec(line);
    if (cpu && !line.startsWith('P ')) {
      // Refused pieces name no CPU.
      const key = cpu[1] ?? 'refused';
      events.set(key, [...(events.get(key) ?? []), line]);
    } else if (cpu) {
      const group = [...(events.get(cpu[2]) ?? []), ...(events.get('refused') ?? [])];
      events.delete(cpu[2]);
      events.delete('refused');
      if (group.some((event) => event.includes('memory_region_ops')) || line.includes(' pa ')) {
        const row = rows[next++];
        if (isSpecial(row) || next % SAMPLE === 0) {
          kept.push(row);
          out.push(...group, line);
        }
      } else if (ignored++ % IGNORED === 0) out.push(line);
    } else if (/pci_cfg_write|pci_update_mappings|msix_write_config|^#/.test(line)) {
      out.push(line);
    } else if (line !== '' && ignored++ % IGNORED === 0) {
      out.push(line);
    }
  }
  return { text: `${out.join('\n')}\n`, kept };
}

/** mmiotrace: every line but the accesses stays. */
function reduceMmiotrace(trace, isKept) {
  let next = 0;
  return `${trace.filter((line) => line !== '' && (!/^[RW] /.test(line) || isKept(line, next++))).join('\n')}\n`;
}

for (const name of readdirSync(process.argv[2]).sort()) {
  const from = (path) => join(process.argv[2], name, path);
  if (!existsSync(from('msix-layout.tsv'))) continue;
  const to = (path) => join(fixtures, name.split('-')[0], path);
  const rows = lines(from('accesses.tsv.gz')).filter((line) => line !== '' && !line.startsWith('#'));
  const layout = readFileSync(from('msix-layout.tsv'), 'utf8');
  writeFileSync(to('lspci.txt'), readFileSync(from('lspci-vvv.txt')));
  writeFileSync(to('msix-layout.tsv'), layout);

  const log = reduceQemuLog(lines(from('qemu.log.gz')), rows);
  save(to('qemu.log.gz'), log.text);
  saveCounts(
    to('qemu.counts.tsv'),
    countRows(log.kept, () => true),
  );

  const traced = rows.filter((row) => row.split('\t')[11] === 'ok');
  const kept = traced.filter((row, index) => isSpecial(row) || index % SAMPLE === 0);
  const wanted = new Set(kept);
  save(
    to('mmiotrace.converted.txt.gz'),
    reduceMmiotrace(lines(from('mmiotrace.converted.txt.gz')), (_, index) => wanted.has(traced[index])),
  );
  saveCounts(
    to('mmiotrace.converted.counts.tsv'),
    countRows(kept, () => true),
  );

  // The first machine's kernel trace is whole: the demonstration replays it.
  const kernel = from('kernel-mmiotrace/mmiotrace.txt.gz');
  if (name.startsWith('m1')) {
    writeFileSync(to('mmiotrace.txt.gz'), readFileSync(kernel));
    continue;
  }
  const trace = lines(kernel);
  const special = new Set();
  countMmiotrace(trace, layout, (index, kind) => kind === 'other' || special.add(index));
  save(
    to('mmiotrace.txt.gz'),
    reduceMmiotrace(trace, (_, index) => special.has(index) || index % SAMPLE === 0),
  );
}
