import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';

const KIB = 1024;

/** What an entry may have, minified and compressed, in KiB; of `node:` modules, what it may import. */
const BUDGETS: { readonly [entry: string]: { readonly size: number; readonly imports?: readonly string[] } } =
  {
    '.': { size: 34 },
    './audit': { size: 10.5 },
    './kvm': { size: 1.25 },
    './opregion': { size: 4 },
    './qtest': { size: 5.5, imports: ['node:fs'] },
    './record': { size: 4.75 },
    './shared': { size: 42 },
    './stolen-memory': { size: 6.5 },
    './v86': { size: 3.75 },
    './xen': { size: 2 },
    './core.wasm': { size: 2 },
    './shared.wasm': { size: 2.75 },
  };

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: { readonly [entry: string]: { readonly types: string; readonly default: string } };
};

async function bundled(entry: string): Promise<Rolldown.OutputChunk> {
  const source = exports[entry].default.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts');
  const result = (await build({
    logLevel: 'error',
    build: {
      lib: { entry: source, formats: ['es'] },
      minify: 'oxc',
      write: false,
      target: 'es2022',
      rolldownOptions: { external: /^node:/ },
    },
  })) as Rolldown.RolldownOutput[];
  expect(result[0].output).toHaveLength(1);
  return result[0].output[0];
}

it('every entry of the package has a budget', () => {
  expect(Object.keys(BUDGETS)).toEqual(Object.keys(exports).filter((entry) => entry !== './package.json'));
});

it.each(Object.entries(BUDGETS).filter(([entry]) => !entry.endsWith('.wasm')))(
  'the entry %s, with all that it needs, is within its budget minified and compressed, and imports nothing else',
  async (entry, { size, imports = [] }) => {
    const chunk = await bundled(entry);
    expect(chunk.imports).toEqual(imports);
    expect(gzipSync(chunk.code).length).toBeLessThanOrEqual(size * KIB);
    expect(brotliCompressSync(chunk.code).length).toBeLessThanOrEqual(size * KIB);
  },
);

it.each(Object.entries(BUDGETS).filter(([entry]) => entry.endsWith('.wasm')))(
  'the module %s is within its budget compressed',
  (entry, { size }) => {
    expect(gzipSync(readFileSync(exports[entry].default)).length).toBeLessThanOrEqual(size * KIB);
  },
);

it('the built dispatcher imports nothing that its hot path uses: V8 folds no imported constants', () => {
  const text = readFileSync('dist/src/chunks/dispatcher.js', 'utf8');
  const imported = [...text.matchAll(/^import .* from "\.\/(.*)\.js";$/gm)].map(([, name]) => name);
  expect(imported.sort()).toEqual([
    'errno',
    'errors',
    'hexadecimal',
    'integer',
    'msix-layout',
    'range-index',
    'sbdf',
  ]);
});

it('the built dispatcher exports nothing that its hot path calls: V8 folds no exported constants', () => {
  const [, exported] =
    /^export \{(.*)\};$/m.exec(readFileSync('dist/src/chunks/dispatcher.js', 'utf8')) ?? [];
  const names = (exported as string).split(',').map((one) => one.trim().split(' ')[0]);
  expect(names).toContain('createDispatcher');
  for (const name of ['isWidth', 'readView', 'writeView']) expect(names).not.toContain(name);
});
