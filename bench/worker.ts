import { parentPort, workerData } from 'node:worker_threads';
import { attach, type WorkerHandle } from 'trapline/shared';
import { addressOf, mapPage, REGISTERS, TABLE } from './topology.js';
import { COUNTS, GO } from './workers.js';

const { handle, flags, index } = workerData as { handle: WorkerHandle; flags: Int32Array; index: number };
const view = attach(handle, { host: { mapPage } });
/** Accesses between two looks at the flags. */
const BATCH = 4096;

/** Table reads and writes and registers beside them, of one function. */
function accesses(fn: number): number {
  const table = addressOf(fn) + TABLE;
  const registers = addressOf(fn) + REGISTERS;
  let sum = 0;
  for (let turn = 0; turn < BATCH; turn += 4) {
    const entry = table + 16 * ((turn >> 2) & 31);
    sum = (sum + view.read(entry, 4)) | 0;
    view.write(entry + 8, 4, turn);
    sum = (sum + view.read(registers + (turn & 0x3fc), 4)) | 0;
    sum = (sum + view.read(entry + 4, 4)) | 0;
  }
  return sum;
}

/** What shows how much two threads of this machine are. */
function arithmetic(): number {
  let state = 1;
  for (let turn = 0; turn < 8 * BATCH; turn++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

parentPort?.postMessage('ready');
for (let sum = 0; ; ) {
  const go = Atomics.load(flags, GO);
  if ((go & (1 << index)) === 0) {
    Atomics.wait(flags, GO, go);
    continue;
  }
  const work = go >> 2;
  sum ^= work === 0 ? arithmetic() : accesses(work === 1 ? index : 0);
  if (sum === 0x7fffffff) flags[63] = sum;
  Atomics.add(flags, COUNTS * (index + 1), BATCH);
}
