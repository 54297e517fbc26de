import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readInventory } from '../src/inventory/read-machine.js';
import { replayFile } from '../src/trace/replay-file.js';
import { median } from './median.js';

/** How fast `trapline replay` goes through one uncompressed trace. */
export interface ReplaySpeed {
  readonly trace: 'mmiotrace' | 'QEMU log';
  readonly accesses: number;
  /** Accesses a second in the process's first run, its code not yet compiled. */
  readonly first: number;
  /** Median of the runs after it. */
  readonly later: number;
}

const RUNS = 6;
const FIXTURES = new URL('../../test/fixtures/m1/', import.meta.url);
const TRACES = [
  { trace: 'mmiotrace', file: 'mmiotrace.txt', copies: 1 },
  // Short by itself: the machine starts over.
  { trace: 'QEMU log', file: 'qemu.log', copies: 20 },
] as const;

export async function measureReplay(): Promise<ReplaySpeed[]> {
  const folder = mkdtempSync(join(tmpdir(), 'trapline-bench-'));
  try {
    const inventory = await readInventory([new URL('lspci.txt', FIXTURES).pathname]);
    const speeds: ReplaySpeed[] = [];
    for (const { trace, file, copies } of TRACES) {
      const path = join(folder, file);
      const text = gunzipSync(readFileSync(new URL(`${file}.gz`, FIXTURES)));
      writeFileSync(path, Buffer.concat(new Array<Buffer>(copies).fill(text)));
      const seconds: number[] = [];
      let accesses = 0;
      for (let run = 0; run < RUNS; run++) {
        const start = performance.now();
        const { replay } = await replayFile(path, inventory);
        seconds.push((performance.now() - start) / 1000);
        accesses = replay.accesses;
      }
      const [first, ...rest] = seconds;
      speeds.push({ trace, accesses, first: accesses / first, later: accesses / median(rest) });
    }
    return speeds;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
