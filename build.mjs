// Builds dist/: the wasm from assembly/, the module that carries it in hexadecimal (which compresses better than base64), and the TypeScript around it. The
// modules are bundled because V8 folds constants of a module's own scope, but not imported ones, and stay `const`
// because it does not fold what is declared with `var`, as vite has it.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, runnerImport } from 'vite';

const resolve = createRequire(import.meta.url).resolve;

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** What the main entry has for itself: in one module, whatever else uses a part of it. Other entries need the rest too. */
const isCore = (file) =>
  /\/(assembly|src\/(engine|memory|msix|pci|vfio))\//.test(file)
    ? !file.endsWith('/errno.ts')
    : /\/src\/(access|accesses|bar-index|completion|diagnostics|direct-map|dispatcher|domain|page-plan|policy|range|ring|snapshot|snapshot-faults|straddle)\.ts$/.test(
        file,
      );

mkdirSync('build', { recursive: true });
const asc = join(dirname(resolve('assemblyscript/package.json')), 'bin/asc.js');
run(asc, '--target', 'release');
run(asc, 'assembly/shared.ts', '--target', 'shared');

for (const [built, carrier] of [
  ['build/core.wasm', 'src/engine/core.generated.ts'],
  ['build/shared.wasm', 'src/shared/core.generated.ts'],
]) {
  const wasm = readFileSync(built).toString('hex');
  writeFileSync(carrier, `// Made by build.mjs from assembly/.\nexport const wasm =\n  '${wasm}';\n`);
}

rmSync('dist', { recursive: true, force: true });
run(join(dirname(resolve('typescript/package.json')), 'bin/tsc'), '-p', 'tsconfig.build.json');
await build({
  configFile: false,
  logLevel: 'warn',
  build: {
    ssr: true,
    target: 'es2022',
    minify: false,
    emptyOutDir: false,
    rolldownOptions: {
      input: {
        index: 'src/index.ts',
        audit: 'src/audit.ts',
        'hosts/kvm': 'src/hosts/kvm.ts',
        'hosts/qtest': 'src/hosts/qtest.ts',
        'hosts/v86': 'src/hosts/v86.ts',
        'hosts/xen': 'src/hosts/xen.ts',
        record: 'src/record.ts',
        shared: 'src/shared.ts',
        opregion: 'src/opregion.ts',
        'stolen-memory': 'src/stolen-memory.ts',
        'cli/main': 'src/cli/main.ts',
      },
      output: {
        entryFileNames: 'src/[name].js',
        chunkFileNames: 'src/chunks/[name].js',
        topLevelVar: false,
        codeSplitting: {
          groups: [{ name: 'dispatcher', test: isCore }],
          includeDependenciesRecursively: false,
        },
      },
    },
  },
});
// The inspector's page. v86 is not part of it: the server has it from the package that is installed.
await build({
  configFile: false,
  logLevel: 'warn',
  root: 'src/inspect/page',
  resolve: { alias: { trapline: join(process.cwd(), 'src/index.ts') } },
  build: {
    target: 'es2022',
    emptyOutDir: false,
    outDir: join(process.cwd(), 'dist/inspect'),
    assetsInlineLimit: 0,
    modulePreload: false,
    chunkSizeWarningLimit: 1024,
    license: { fileName: 'licences.txt' },
    rolldownOptions: { output: { entryFileNames: '[name].js', assetFileNames: '[name][extname]' } },
  },
});
copyFileSync('build/core.wasm', 'dist/core.wasm');
copyFileSync('build/shared.wasm', 'dist/shared.wasm');
copyFileSync('src/guest/guest.elf', 'dist/src/guest/guest.elf');
for (const [name, entry] of [
  ['core', 'trapline'],
  ['shared', 'trapline/shared'],
]) {
  writeFileSync(
    `dist/${name}.wasm.d.ts`,
    `/**
 * The WebAssembly of \`${entry}\`, as a file.
 *
 * @module trapline/${name}.wasm
 */

/** Compiled, it is the option \`module\` of \`createDispatcher\`. */
declare const module: WebAssembly.Module;
export default module;
`,
  );
}
chmodSync('dist/src/cli/main.js', 0o755);

const help = (...command) =>
  execFileSync(process.execPath, ['dist/src/cli/main.js', ...command, '--help'], { encoding: 'utf8' });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const { module } = await runnerImport('./src/cli/man-page.ts', { configFile: false });
writeFileSync('dist/trapline.1', module.manPage(version, help));
