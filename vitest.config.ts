import { defineConfig } from 'vitest/config';

/**
 * `package` and `browser` pack and install, and need Chromium: `npm run test:package`, `npm run test:browser`. `linux`
 * boots Linux and needs apt: `npm run test:linux`; its steps follow from one another. `hosts` compiles C with the headers of
 * Linux and Xen: `npm run test:hosts`.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/package/**', 'test/browser/**', 'test/hosts/layout/**', 'test/linux/**'],
        },
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
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'linux', include: ['test/linux/**/*.test.ts'], testTimeout: 600_000 },
      },
    ],
  },
});
