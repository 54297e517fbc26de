import type { Plugin } from 'vite';

/** Another core in place of the one that the build put into src/engine/core.generated.ts: a file, read when a test imports it. */
export function otherCore(path: string): Plugin {
  return {
    name: 'other-core',
    load: (id) =>
      id.endsWith('/src/engine/core.generated.ts')
        ? `
      import { readFileSync } from 'node:fs';
      export const wasm = readFileSync(${JSON.stringify(path)}).toString('hex');`
        : undefined,
  };
}
