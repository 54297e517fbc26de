import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';

it('the main entry, wasm inlined, is at most 34 KiB minified and compressed, and imports nothing', async () => {
  const result = (await build({
    logLevel: 'error',
    build: { lib: { entry: 'src/index.ts', formats: ['es'] }, minify: 'oxc', write: false, target: 'es2022' },
  })) as Rolldown.RolldownOutput[];
  const [chunk] = result[0].output;
  expect(chunk.imports).toEqual([]);
  expect(gzipSync(chunk.code).length).toBeLessThanOrEqual(34 * 1024);
  expect(brotliCompressSync(chunk.code).length).toBeLessThanOrEqual(34 * 1024);
});

it('the built dispatcher imports nothing that its hot path uses: V8 folds no imported constants', () => {
  const text = readFileSync('dist/src/chunks/dispatcher.js', 'utf8');
  const imported = [...text.matchAll(/^import .* from "\.\/(.*)\.js";$/gm)].map(([, name]) => name);
  expect(imported.sort()).toEqual(['errors', 'hexadecimal', 'integer', 'range-index', 'sbdf']);
});

it('the built dispatcher exports nothing that its hot path calls: V8 folds no exported constants', () => {
  const [, exported] =
    /^export \{(.*)\};$/m.exec(readFileSync('dist/src/chunks/dispatcher.js', 'utf8')) ?? [];
  const names = (exported as string).split(',').map((one) => one.trim().split(' ')[0]);
  expect(names).toContain('createDispatcher');
  for (const name of ['isWidth', 'readView', 'writeView']) expect(names).not.toContain(name);
});
