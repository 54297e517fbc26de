import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as layout from '../../../assembly/layout.js';
import { WRONG_OPTIONS } from '../wrong-options.js';

const CORPUS = resolve('test/fuzz/corpus/native');
const ASC = join(
  dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')),
  'bin/asc.js',
);
/** Executions after which a fault must be found. */
const RUNS = 300_000;

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  const missing = ['clang', 'wasm2c', 'zip'].filter((program) => spawnSync(program, ['--help']).error);
  if (missing.length > 0) {
    throw new Error(`test:fuzz needs ${missing.join(', ')}: apt-get install clang libclang-rt-dev wabt zip`);
  }
});

/** The repository by links, with a dist/ and a build/ of its own: what is changed here is nowhere else. */
function repository(name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const one of ['test', 'assembly', 'node_modules', 'asconfig.json']) {
    symlinkSync(resolve(one), join(root, one));
  }
  cpSync('dist/core.wasm', join(root, 'dist/core.wasm'));
  return root;
}

/** One with a fault in a file of assembly/, compiled as the shipped one is. */
function faulty(name: string, file: string, right: string, wrong: string): string {
  const root = repository(name);
  rmSync(join(root, 'assembly'));
  cpSync('assembly', join(root, 'assembly'), { recursive: true });
  const source = join(root, 'assembly', `${file}.ts`);
  const text = readFileSync(source, 'utf8');
  expect(text.split(right), `${file}.ts has it once: ${right}`).toHaveLength(2);
  writeFileSync(
    source,
    text.replace(right, () => wrong),
  );
  execFileSync(process.execPath, [ASC, '--target', 'release'], { cwd: root, stdio: 'pipe' });
  cpSync(join(root, 'build/core.wasm'), join(root, 'dist/core.wasm'));
  return root;
}

function build(root: string, env: Record<string, string> = {}): void {
  const { status, stderr } = spawnSync('bash', ['test/fuzz/oss-fuzz/build.sh'], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

function run(fuzzer: string, ...args: string[]): { status: number | null; stderr: string } {
  const cwd = mkdtempSync(join(folder, 'run-'));
  mkdirSync(join(cwd, 'found'));
  const options = ['-seed=1', '-max_len=328', ...args, 'found', CORPUS];
  return spawnSync(fuzzer, options, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
}

/** What was wrong, in a line. */
const told = (stderr: string): string =>
  stderr.split('\n').find((line) => /trapline: |ERROR: AddressSanitizer|runtime error/.test(line)) ?? stderr;

describe('the fuzzer of the wasm', () => {
  it('has the constants of assembly/layout.ts', () => {
    const root = repository('constants');
    build(root);
    const defined = readFileSync(join(root, 'build/fuzz/work/layout.h'), 'utf8').trim().split('\n');
    const constants = defined.map((line) => line.split(' ').slice(1));
    expect(Object.fromEntries(constants.map(([name, value]) => [name, Number(value)]))).toEqual({
      ...layout,
    });
  });

  it('finds nothing in the shipped one', () => {
    const { status, stderr } = run(join(folder, 'constants/build/fuzz/core_fuzzer'), `-runs=${RUNS}`);
    expect(status, told(stderr)).toBe(0);
    expect(told(stderr)).toMatch(/^trapline: \d{6,} executions/);
  });

  it('has a corpus that reaches what can be reached, and is small', () => {
    const { stderr } = run(join(folder, 'constants/build/fuzz/core_fuzzer'), '-runs=0');
    expect(Number(/(\d+) situations reached/.exec(stderr)?.[1])).toBeGreaterThanOrEqual(308);
    const sizes = readdirSync(CORPUS).map((name) => statSync(join(CORPUS, name)).size);
    expect(sizes.reduce((all, size) => all + size)).toBeLessThan(200 * 1024);
  });
});

describe('a fault is found', () => {
  it.each([
    ['one cell past a page', 'classify', 'offset > 0xfff', 'offset > 0x1000', 'use-after-poison'],
    ['an index of a kind map with a bit more', 'dispatch', '& 0x1ff', '& 0x3ff', 'use-after-poison'],
    [
      'addresses of 53 bits',
      'page-map',
      'top > 0xffff) return EMPTY_LEAF',
      'top > 0x1ffff) return EMPTY_LEAF',
      '',
    ],
    ['fractions of addresses', 'page-map', 'if (sum - UNIT !== address) return', 'if (false) return', ''],
    ['widths above 31', 'classify', 'width < 9 && ', '', ''],
    ['single bytes of a table', 'dispatch', '(width === 4 || width === 8)', '(width !== 2)', ''],
    ['no high lane', 'entry', 'if (width === 8) store', 'if (width === 9) store', 'HIGH is'],
    ['two mask bits', 'entry', 'control & 1', 'control & 3', ''],
    ["the next entry's updated byte", 'entry', '(pointer >> 4), 1', '(pointer >> 4) + 1, 1', ''],
    ['a kind of table taken for the other', 'entry', 'kind & CONTROL', '~kind & CONTROL', ''],
    [
      'half of a write',
      'entry',
      'width === 8 ? writeWord(owner, kind, low + 4, dataHigh) : outcome',
      'outcome',
      '',
    ],
    [
      'a PBA that a guest writes',
      'classify',
      '=== PBA && writes && !pbaWritable) return DONE;\n  return FORWARDED',
      '=== PBA && false) return DONE;\n  return FORWARDED',
      '',
    ],
    [
      "the guest's offset for the host's",
      'classify',
      'store<u32>(cells(), (offset + load<u32>(owner, DATA)) & 0xfff, OFFSET)',
      'store<u32>(cells(), offset, OFFSET)',
      'OFFSET is',
    ],
    [
      'a ring that takes repetitions for one copy',
      'ring',
      ' || load<u32>(record, RECORD_COUNT) !== 1) return 0',
      ') return 0',
      '',
    ],
    ['a pointer of a page that is not there', 'v86', '+ 4 * page', '+ 4 * page + 4', ''],
    ['a write into the page map', 'entry', 'store<u32>(pointer, mask)', 'store<u32>(owner, mask)', 'SEGV'],
    ["a STATUS that is TypeScript's to reset", 'trap', 'store<i32>(cells(), 0, STATUS);', '', 'STATUS is'],
  ])('%s', (name, file, right, wrong, line) => {
    const root = faulty(name, file, right, wrong);
    build(root);
    const { status, stderr } = run(join(root, 'build/fuzz/core_fuzzer'), `-runs=${RUNS}`);
    console.log(`${name}: ${told(stderr)}`);
    expect(status, told(stderr)).not.toBe(0);
    expect(told(stderr)).toContain(line);
    expect(told(stderr)).toMatch(/^trapline: .* must be 0x|AddressSanitizer/);
  });
});

describe('build.sh', () => {
  const FLAGS = '-O1 -fno-omit-frame-pointer -gline-tables-only';

  it.each([
    ['address', '-fsanitize=address -fsanitize-address-use-after-scope'],
    ['undefined', '-fsanitize=undefined -fno-sanitize-recover=undefined'],
  ])('builds as OSS-Fuzz asks, with %s', (name, sanitizer) => {
    const root = repository(`oss-fuzz-${name}`);
    const [out, work] = ['out', 'work'].map((one) => join(root, one));
    const flags = `${FLAGS} ${sanitizer} -fsanitize=fuzzer-no-link`;
    build(root, {
      SRC: root,
      OUT: out,
      WORK: work,
      CC: 'clang',
      CXX: 'clang++',
      CFLAGS: flags,
      CXXFLAGS: flags,
      LIB_FUZZING_ENGINE: '-fsanitize=fuzzer',
      SANITIZER: name,
    });
    expect(readdirSync(out).sort()).toEqual([
      'core_fuzzer',
      'core_fuzzer.dict',
      'core_fuzzer.options',
      'core_fuzzer_seed_corpus.zip',
    ]);
    const zipped = execFileSync('zip', ['-sf', join(out, 'core_fuzzer_seed_corpus.zip')], {
      encoding: 'utf8',
    });
    expect(zipped).toContain(`Total ${readdirSync(CORPUS).length} entries`);
    const dictionary = `-dict=${join(out, 'core_fuzzer.dict')}`;
    const { status, stderr } = run(join(out, 'core_fuzzer'), '-runs=50000', dictionary);
    expect(status, told(stderr)).toBe(0);
    expect(existsSync(join(root, 'build'))).toBe(false);
  });
});

describe('npm run fuzz:native', () => {
  const program = (cwd: string, args: readonly string[], env = process.env) =>
    spawnSync(process.execPath, ['test/fuzz/native/run.mjs', ...args], { cwd, env, encoding: 'utf8' });

  it('says how many executions there were', () => {
    const { status, stdout, stderr } = program(repository('run'), ['--seconds', '1', '--seed', '3']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\d+ executions, \d+ a second; coverage: \d+ edges, \d+ features; seed 3\n/);
    expect(status).toBe(0);
  });

  it('keeps the input that shows a fault, and says how to repeat it', () => {
    const root = faulty('kept', 'entry', 'control & 1', 'control & 3');
    const { status, stderr } = program(root, ['--seconds', '60']);
    expect(status).toBe(1);
    const [line, input, repeat] = stderr.trim().split('\n');
    expect(line).toMatch(/^fuzz:native: trapline: .* must be 0x/);
    expect(input).toMatch(/^build\/fuzz\/crash-/);
    const [fuzzer, argument] = repeat.replace('repeat: ', '').split(' ');
    expect(argument).toBe(input);
    const again = spawnSync(fuzzer, [argument], { cwd: root, encoding: 'utf8' });
    expect(again.status).not.toBe(0);
    expect(`fuzz:native: ${told(again.stderr)}`).toBe(line);
  });

  it('makes the corpus anew, which reaches as much', () => {
    const root = repository('merge');
    rmSync(join(root, 'test'));
    mkdirSync(join(root, 'test'));
    symlinkSync(resolve('test/fixtures'), join(root, 'test/fixtures'));
    cpSync('test/fuzz', join(root, 'test/fuzz'), { recursive: true });
    const { status, stdout, stderr } = program(root, ['--merge']);
    expect(status, stderr).toBe(0);
    const corpus = join(root, 'test/fuzz/corpus/native');
    expect(stdout).toBe(`test/fuzz/corpus/native: ${readdirSync(corpus).length} inputs\n`);
    const again = spawnSync(join(root, 'build/fuzz/core_fuzzer'), ['-runs=0', corpus], { encoding: 'utf8' });
    expect(again.stderr).toContain('308 situations reached');
  });

  it('says in a line what is missing', () => {
    const { status, stderr } = program(repository('missing'), [], { PATH: folder });
    expect(stderr).toBe(
      'fuzz:native: clang and wasm2c and zip missing: apt-get install clang libclang-rt-dev wabt zip\n',
    );
    expect(status).toBe(2);
  });

  it.each(WRONG_OPTIONS)('refuses %j', (args) => {
    const { status, stderr } = program(repository(`refused ${args.join(' ')}`), args);
    expect(stderr).toMatch(/^fuzz:native: .*--.*\n$/);
    expect(status).toBe(2);
  });
});
