// Fuzzes the shipped wasm, as C, against the model of this folder: `npm run fuzz:native -- --seconds N --seed S`.
// --merge instead makes the corpus anew: of the repository's, the seeds from real traces and what the last run found.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fail as failAs, options } from '../options.mjs';
import { writeSeeds } from './seeds.mjs';

const HERE = 'test/fuzz/native';
const OSS_FUZZ = 'test/fuzz/oss-fuzz';
const CORPUS = 'test/fuzz/corpus/native';
const OUT = 'build/fuzz';
const FUZZER = join(OUT, 'core_fuzzer');
const FOUND = join(OUT, 'found');
const SEEDS = join(OUT, 'seeds');
const PACKAGES = { clang: 'clang libclang-rt-dev', wasm2c: 'wabt', zip: 'zip' };

const NAME = 'fuzz:native';
const HELP = `
usage: npm run fuzz:native -- [--seconds N] [--seed S] [--merge]

Fuzzes the shipped wasm, as C, against a model. Ends with status 1, and the input and how to repeat it, where they differ.

  --seconds N  for so long; default: 60
  --seed S     from 0; default: 1; an input repeats exactly, a seed nearly
  --merge      instead: makes test/fuzz/corpus/native anew, with what the last run found
`;

const fail = (status, line) => failAs(NAME, status, line);

function checkTools() {
  const missing = Object.keys(PACKAGES).filter((program) => spawnSync(program, ['--help']).error);
  if (missing.length === 0) return;
  const packages = missing.map((program) => PACKAGES[program]).join(' ');
  fail(2, `${missing.join(' and ')} missing: apt-get install ${packages}`);
}

/** Of all that the fuzzer is built from. */
function fingerprint() {
  const hash = createHash('sha256');
  const folders = [HERE, OSS_FUZZ].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  for (const file of [...folders, 'assembly/layout.ts', 'dist/core.wasm']) {
    hash.update(`${file}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function build() {
  const print = fingerprint();
  const file = join(OUT, 'built-from');
  if (existsSync(FUZZER) && existsSync(file) && readFileSync(file, 'utf8') === print) return;
  const { status } = spawnSync('bash', [join(OSS_FUZZ, 'build.sh')], { stdio: 'inherit' });
  if (status !== 0) fail(2, `${OSS_FUZZ}/build.sh ended with status ${status}`);
  writeFileSync(file, print);
}

/** As few and as short inputs as reach what all of them reach, however often. */
function merge() {
  const merged = join(OUT, 'merged');
  rmSync(merged, { recursive: true, force: true });
  mkdirSync(merged, { recursive: true });
  mkdirSync(FOUND, { recursive: true });
  writeSeeds(SEEDS);
  const { status, stderr } = spawnSync(
    FUZZER,
    ['-merge=1', '-use_counters=0', '-max_len=328', merged, CORPUS, SEEDS, FOUND],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  if (status !== 0) fail(1, stderr);
  rmSync(CORPUS, { recursive: true });
  renameSync(merged, CORPUS);
  console.log(`${CORPUS}: ${readdirSync(CORPUS).length} inputs`);
}

/** The last number that follows a word in what libFuzzer printed. */
const last = (lines, word) =>
  lines.map((line) => new RegExp(`${word}:? +(\\d+)`).exec(line)?.[1]).findLast(Boolean);

function fuzz({ seconds, seed }) {
  rmSync(FOUND, { recursive: true, force: true });
  mkdirSync(FOUND, { recursive: true });
  writeSeeds(SEEDS);
  const began = Date.now();
  const child = spawn(FUZZER, [
    `-max_total_time=${seconds}`,
    `-seed=${seed}`,
    '-max_len=328',
    '-timeout=10',
    '-print_final_stats=1',
    `-dict=${join(OUT, 'core_fuzzer.dict')}`,
    `-artifact_prefix=${OUT}/`,
    FOUND,
    CORPUS,
    SEEDS,
  ]);
  const lines = [];
  createInterface(child.stderr).on('line', (line) => {
    if (/cov:|trapline:|ERROR|runtime error|artifact_prefix|stat::/.test(line)) lines.push(line);
  });
  child.on('close', (status, signal) => {
    const executions = Number(last(lines, 'stat::number_of_executed_units') ?? 0);
    const rate = Math.round((1000 * executions) / (Date.now() - began));
    console.log(
      `${executions} executions, ${rate} a second; ` +
        `coverage: ${last(lines, 'cov')} edges, ${last(lines, 'ft')} features; seed ${seed}`,
    );
    const input = lines.map((line) => /written to (\S+)/.exec(line)?.[1]).findLast(Boolean);
    const told = lines.filter((line) => /trapline:|ERROR|runtime error/.test(line));
    if (status === 0) console.log(told.join('\n'));
    else if (input) fail(1, `${told[0]}\n${input}\nrepeat: ${FUZZER} ${input}`);
    else fail(1, `ended with ${signal ?? status}: ${told.join(' ')}`);
  });
}

const wanted = options(NAME, HELP);
checkTools();
build();
if (wanted.merge) merge();
else fuzz(wanted);
