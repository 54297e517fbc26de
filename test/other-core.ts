import type { Plugin } from 'vite';
import { TARGETS, type Target } from './compile-core.js';

/** Where the build puts the core of each target. */
const CARRIERS: Readonly<Record<Target, string>> = {
  release: '/src/engine/core.generated.ts',
  shared: '/src/shared/core.generated.ts',
};

/** Other cores in place of those that the build made: files, read when a test imports them. */
export function otherCores(paths: Readonly<Record<Target, string>>): Plugin {
  return {
    name: 'other-cores',
    load(id) {
      const target = TARGETS.find((one) => id.endsWith(CARRIERS[one]));
      if (target === undefined) return undefined;
      return `
      import { readFileSync } from 'node:fs';
      export const wasm = readFileSync(${JSON.stringify(paths[target])}).toString('hex');`;
    },
  };
}
