import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.js';
import { otherCores } from '../other-core.js';
import { CORES, REPORTS } from './place.js';
import { Verdict } from './verdict.js';

/** Of the projects, those that run in Node and take no boot of Linux. */
const PROJECTS = new Set<unknown>(['unit', 'exhaustive', 'hosts', 'qemu']);
/** What its threads reach is chance. */
const STRESS = 'test/shared/stress.test.ts';

export default defineConfig({
  plugins: [otherCores(CORES)],
  test: {
    ...base.test,
    projects: base.test?.projects?.flatMap((one) => {
      if (typeof one !== 'object' || !('test' in one) || !PROJECTS.has(one.test?.name)) return [];
      return { ...one, test: { ...one.test, exclude: [...(one.test?.exclude ?? []), STRESS] } };
    }),
    maxWorkers: '100%',
    // What chance alone reaches is not covered; and V8's counting makes the random tests three times as long.
    env: { SEED: '1', RUNS: '10' },
    setupFiles: ['test/coverage/setup.ts'],
    reporters: ['dot', new Verdict()],
    coverage: {
      enabled: true,
      include: ['src/**/*.ts'],
      exclude: ['src/**/core.generated.ts'],
      reporter: ['lcovonly'],
      reportsDirectory: REPORTS,
    },
  },
});
