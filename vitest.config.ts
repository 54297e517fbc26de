import { defineConfig } from 'vitest/config';

/** `package` packs, installs and bundles, and needs Chromium: `npm run test:package`. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/package/**'] } },
      {
        extends: true,
        test: { name: 'package', include: ['test/package/**/*.test.ts'], hookTimeout: 300_000 },
      },
    ],
  },
});
