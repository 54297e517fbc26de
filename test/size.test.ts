import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';

it('the main entry, wasm inlined, is at most 32 KiB minified and compressed, and imports nothing', async () => {
  const result = (await build({
    logLevel: 'error',
    build: { lib: { entry: 'src/index.ts', formats: ['es'] }, minify: 'oxc', write: false, target: 'es2022' },
  })) as Rolldown.RolldownOutput[];
  const [chunk] = result[0].output;
  expect(chunk.imports).toEqual([]);
  expect(gzipSync(chunk.code).length).toBeLessThanOrEqual(32 * 1024);
  expect(brotliCompressSync(chunk.code).length).toBeLessThanOrEqual(32 * 1024);
});
