import type { Plugin } from 'vite';
import type { TestSpecification, Vitest } from 'vitest/node';
import { createVitest } from 'vitest/node';
import { otherCores } from '../other-core.js';
import { CORES, STEPPED } from './place.js';
import type { Told } from './runner.js';

// Runs the tests of assembly/ with the cores in CORES, each time that the parent asks, and says whether one failed. A
// process of its own, since a core that never returns cannot be stopped otherwise.

/** In this order: what finds most in least time comes first. */
const FILES = [
  'test/shared/steps.test.ts',
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
  'test/shared/access.test.ts',
  'test/shared/create.test.ts',
  'test/shared/domain.test.ts',
  'test/shared/page-map.test.ts',
  'test/shared/attached-dispatcher.test.ts',
  'test/shared/attached-function.test.ts',
  'test/shared/doors.test.ts',
  'test/behaviour/random-histories.test.ts',
  'test/shared/lock.test.ts',
  'test/shared/attach.test.ts',
  'test/shared/attached-histories.test.ts',
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

/** The stepped core of the mutant, which is compiled once. */
const steppedCore: Plugin = {
  name: 'stepped-core',
  load: (id) =>
    id.endsWith('/test/stepped-core.ts')
      ? `
      import { readFileSync } from 'node:fs';
      export const steppedCore = async () => ({
        wasm: readFileSync(${JSON.stringify(STEPPED.wasm)}),
        blocks: JSON.parse(readFileSync(${JSON.stringify(STEPPED.blocks)}, 'utf8')),
      });`
      : undefined,
};

function tell(what: Told): void {
  process.send?.(what);
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
      reporters: [{ onTestModuleQueued: ({ relativeModuleId }) => tell({ begins: relativeModuleId }) }],
      env: { SEED: '1', RUNS: '6' },
      silent: true,
    },
    { plugins: [otherCores(CORES), steppedCore] },
  );
}

const vitest = await start();
const specifications = await vitest.globTestSpecifications();
process.on('message', async () => {
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const failed = testModules.find((module) => !module.ok())?.relativeModuleId;
  tell({ failed: failed ?? (unhandledErrors.length > 0 ? 'an unhandled error' : null) });
});
process.send?.('ready');
