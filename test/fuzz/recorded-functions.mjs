// Functions of recorded machines: each of test/fixtures/*/lspci.txt with a table, and what mmiotrace.txt.gz has of its
// driver's accesses to that BAR.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const FIXTURES = 'test/fixtures';
const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Functions with MSI-X whose table and PBA are in BARs with addresses. */
function functionsOf(lspci) {
  return lspci.split(/\n(?=\S)/).flatMap((text) => {
    const bars = new Map(
      Array.from(text.matchAll(/Region (\d): Memory at ([0-9a-f]+).*\[size=(\d+)([KMG]?)\]/g), (found) => [
        Number(found[1]),
        { address: Number.parseInt(found[2], 16), size: Number(found[3]) * UNITS[found[4]] },
      ]),
    );
    const count = /MSI-X: .*Count=(\d+)/.exec(text)?.[1];
    const table = /Vector table: BAR=(\d) offset=([0-9a-f]+)/.exec(text);
    const pba = /PBA: BAR=(\d) offset=([0-9a-f]+)/.exec(text);
    const bar = table && bars.get(Number(table[1]));
    const pbaBar = pba && bars.get(Number(pba[1]));
    if (!count || !bar || !pbaBar) return [];
    const offset = (found) => Number.parseInt(found[2], 16);
    return [{ count: Number(count), bar, pbaBar, table: offset(table), pba: offset(pba) }];
  });
}

function accessesTo({ address, size }, trace) {
  return trace.flatMap((line) => {
    const [kind, width, , , at, value] = line.split(' ');
    if (kind !== 'R' && kind !== 'W') return [];
    const offset = Number(at) - address;
    return offset >= 0 && offset < size ? [{ kind, width: Number(width), offset, value: BigInt(value) }] : [];
  });
}

/** By a name, `m1-0`. */
export function recordedFunctions() {
  const recorded = new Map();
  for (const machine of readdirSync(FIXTURES)) {
    const file = (name) => join(FIXTURES, machine, name);
    if (!existsSync(file('lspci.txt')) || !existsSync(file('mmiotrace.txt.gz'))) continue;
    const trace = gunzipSync(readFileSync(file('mmiotrace.txt.gz')))
      .toString()
      .split('\n');
    for (const [index, fn] of functionsOf(readFileSync(file('lspci.txt'), 'utf8')).entries()) {
      recorded.set(`${machine}-${index}`, { fn, accesses: accessesTo(fn.bar, trace) });
    }
  }
  return recorded;
}
