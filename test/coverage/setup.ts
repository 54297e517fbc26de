import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { type Block, countersOf } from './counters.js';
import { COUNTS, TABLE } from './place.js';

// In each file of tests: sums up what the cores that it makes have counted. Each has a memory of its own, which is not
// kept longer than a test: they are many.

const MOST_KEPT = 64;

const blocks: readonly Block[] = JSON.parse(readFileSync(TABLE, 'utf8'));
const sums = new Float64Array(blocks.length);
/** Made or alive since the test began. */
const kept: WebAssembly.Memory[] = [];
/** Made before; what still runs was alive when the test began. */
let older: WeakRef<WebAssembly.Memory>[] = [];

function take(memory: WebAssembly.Memory): void {
  const counters = countersOf(memory, blocks);
  counters.forEach((count, id) => {
    sums[id] += count;
  });
  counters.fill(0);
}

function release(memories: readonly WebAssembly.Memory[]): void {
  for (const memory of memories) {
    take(memory);
    older.push(new WeakRef(memory));
  }
}

WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(Instance, [module, imports]: ConstructorParameters<typeof WebAssembly.Instance>) {
    const instance = new Instance(module, imports);
    const memory = imports?.env?.memory;
    if (memory instanceof WebAssembly.Memory && 'trap_read' in instance.exports) {
      kept.push(memory);
      if (kept.length > MOST_KEPT) release(kept.splice(0, 1));
    }
    return instance;
  },
});

beforeEach(() => {
  kept.push(...older.flatMap((reference) => reference.deref() ?? []));
  older = [];
});

afterEach(() => release(kept.splice(0)));

afterAll(() => {
  for (const memory of [...kept, ...older.flatMap((reference) => reference.deref() ?? [])]) take(memory);
  writeFileSync(`${COUNTS}/${randomUUID()}.json`, JSON.stringify([...sums]));
});
