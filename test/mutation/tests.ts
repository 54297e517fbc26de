import type { TestSpecification, Vitest } from 'vitest/node';
import { createVitest } from 'vitest/node';
import { otherCore } from '../other-core.js';
import { CORE } from './place.js';

// Runs the tests of assembly/ with the core in CORE, each time that the parent asks, and says whether one failed. A
// process of its own, since a core that never returns cannot be stopped otherwise.

/** In this order: what finds most in least time comes first. */
const FILES = [
  'test/ring.test.ts',
  'test/engine/core.test.ts',
  'test/direct-map.test.ts',
  'test/behaviour/assign.test.ts',
  'test/behaviour/decode.test.ts',
  'test/behaviour/strict-ownership.test.ts',
  'test/behaviour/trap-all.test.ts',
  'test/v86-doors.test.ts',
  'test/wasm-door.test.ts',
  'test/behaviour/invalid-accesses.test.ts',
  'test/memory/own-pages.test.ts',
  'test/engine/page-map.test.ts',
  'test/dispatcher.test.ts',
  'test/behaviour/random-histories.test.ts',
];

class InOrder {
  sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => FILES.findIndex((file) => moduleId.endsWith(file));
    return Promise.resolve(files.sort((a, b) => place(a) - place(b)));
  }

  shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files);
  }
}

function start(): Promise<Vitest> {
  return createVitest(
    'test',
    {
      config: false,
      watch: false,
      include: FILES,
      bail: 1,
      maxWorkers: 1,
      isolate: false,
      pool: 'threads',
      fileParallelism: false,
      testTimeout: 120_000,
      sequence: { sequencer: InOrder },
      setupFiles: ['test/mutation/setup.ts'],
      reporters: [{}],
      env: { SEED: '1', RUNS: '6' },
      silent: true,
    },
    { plugins: [otherCore(CORE)] },
  );
}

const vitest = await start();
const specifications = await vitest.globTestSpecifications();
process.on('message', async () => {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const failed = testModules.find((module) => !module.ok())?.relativeModuleId;
  process.send?.({ failed: failed ?? (unhandledErrors.length > 0 ? 'an unhandled error' : undefined) });
});
process.send?.('ready');
