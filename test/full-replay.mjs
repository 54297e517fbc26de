// The full check of recorded machines, too long for the test run: node test/full-replay.mjs DIRECTORY
// DIRECTORY holds a folder a machine: lspci-vvv.txt, msix-layout.tsv, accesses.tsv.gz (one access a line, with its
// class), mmiotrace.converted.txt.gz, qemu.log.gz and kernel-mmiotrace/mmiotrace.txt.gz. Needs `npm run build`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countAccesses, countMmiotrace, lines } from './independent-counts.mjs';

const KINDS = ['table', 'pba', 'adjacent', 'straddle', 'neighbour', 'direct'];
const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

function replay(trace, inventory) {
  const args = [main, 'replay', trace, '--inventory', inventory, '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (stdout === '') throw new Error(`${trace}: status ${status}: ${stderr}`);
  return { status, result: JSON.parse(stdout) };
}

/** `sbdf kind R|W` -> count; neighbour and direct are one, as in the recorded classes. */
function countsOf({ functions }) {
  const counts = new Map();
  for (const { sbdf, owners } of functions) {
    for (const kind of KINDS) {
      const name = kind === 'neighbour' || kind === 'direct' ? 'other' : kind;
      for (const [op, count] of [
        ['R', owners[kind].reads],
        ['W', owners[kind].writes],
      ]) {
        const key = `${sbdf} ${name} ${op}`;
        if (count > 0) counts.set(key, (counts.get(key) ?? 0) + count);
      }
    }
  }
  return counts;
}

function check(trace, inventory, expected) {
  const started = performance.now();
  const { status, result } = replay(trace, inventory);
  const seconds = (performance.now() - started) / 1000;
  const counts = countsOf(result);
  const keys = new Set([...counts.keys(), ...expected.keys()]);
  const wrong = [...keys].filter((key) => counts.get(key) !== expected.get(key));
  const { width, reset, unexplained } = result.reasons;
  console.log(
    `${wrong.length === 0 ? 'equal' : 'WRONG'} ${trace}: ${result.accesses} accesses, ${result.unclaimed} unclaimed, ` +
      `differences: width ${width}, reset ${reset}, unexplained ${unexplained}; status ${status}, ${seconds.toFixed(1)} s`,
  );
  for (const key of wrong)
    console.log(`  ${key}: expected ${expected.get(key) ?? 0}, got ${counts.get(key) ?? 0}`);
  return wrong.length === 0 && status === 0;
}

const directory = process.argv[2];
if (!directory) {
  console.error('usage: node test/full-replay.mjs DIRECTORY');
  process.exit(2);
}
let good = true;
for (const name of readdirSync(directory).sort()) {
  const machine = join(directory, name);
  const file = (path) => join(machine, path);
  if (!existsSync(file('msix-layout.tsv'))) continue;
  const inventory = file('lspci-vvv.txt');
  const rows = file('accesses.tsv.gz');
  const kernel = file('kernel-mmiotrace/mmiotrace.txt.gz');
  good =
    check(
      file('mmiotrace.converted.txt.gz'),
      inventory,
      countAccesses(rows, (status) => status === 'ok'),
    ) && good;
  good =
    check(
      file('qemu.log.gz'),
      inventory,
      countAccesses(rows, () => true),
    ) && good;
  good =
    check(kernel, inventory, countMmiotrace(lines(kernel), readFileSync(file('msix-layout.tsv'), 'utf8'))) &&
    good;
}
process.exit(good ? 0 : 1);
