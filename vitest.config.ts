import { defineConfig } from 'vitest/config';

/** What goes through everything: each access at each offset, golden data under strict, explanations, nonsense. */
const EXHAUSTIVE = [
  'behaviour/every-offset',
  'conform/strict',
  'examples/nvme/nonsense',
  'explain',
  'regressions/adjacent-registers',
].map((name) => `test/${name}.test.ts`);

/**
 * `exhaustive` takes as long as a quarter of the rest: `npm run test:exhaustive`. `package`, `runtimes` and `browser` pack and install, and need Chromium and mandoc: `npm run test:package`,
 * `npm run test:browser`; `runtimes` has other versions of Node from npm: `npm run test:runtimes`. `hosts` compiles C with the headers of Linux and Xen: `npm run test:hosts`. `qemu` needs QEMU: `npm run test:qemu`. `linux`
 * boots Linux and needs apt: `npm run test:linux`. The steps of the last two follow from one another. `model` needs spin
 * and gcc: `npm run test:model`. `fuzz` compiles the wasm as C too, and needs clang and wabt: `npm run test:fuzz`.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Of all cores: the default leaves one out, of two.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...['package', 'runtimes', 'browser', 'hosts/layout', 'qemu', 'linux', 'model', 'fuzz'].map(
              (folder) => `test/${folder}/**`,
            ),
            ...EXHAUSTIVE,
          ],
        },
      },
      {
        extends: true,
        test: { name: 'exhaustive', include: EXHAUSTIVE },
      },
      {
        extends: true,
        test: { name: 'hosts', include: ['test/hosts/layout/**/*.test.ts'] },
      },
      {
        extends: true,
        test: { name: 'package', include: ['test/package/**/*.test.ts'], hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'runtimes', include: ['test/runtimes/**/*.test.ts'], hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: 'qemu',
          include: ['test/qemu/**/*.test.ts'],
          hookTimeout: 30_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: { name: 'linux', include: ['test/linux/**/*.test.ts'], testTimeout: 600_000 },
      },
      {
        extends: true,
        test: { name: 'model', include: ['test/model/**/*.test.ts'], testTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
