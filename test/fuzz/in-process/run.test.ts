import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WRONG_OPTIONS } from '../wrong-options.js';

const RUN = resolve('test/fuzz/in-process/run.mjs');
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

const folder = mkdtempSync(join(tmpdir(), 'fuzz-run-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  execFileSync(process.execPath, [TSC, '-p', 'test/fuzz/in-process/tsconfig.json']);
});

/** The repository by links: what is written here is nowhere else. */
function repository(
  name: string,
  links = ['test', 'assembly', 'node_modules', 'asconfig.json', 'dist'],
): string {
  const root = join(folder, name);
  mkdirSync(root);
  for (const one of links) symlinkSync(resolve(one), join(root, one));
  return root;
}

const program = (cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, [RUN, ...args], { cwd, encoding: 'utf8' });

const SUMMARY = /^\d+ executions, \d+ a second; \d+ of \d+ blocks reached; corpus: \d+; seed 3$/;

it('says how far it came, and what it did not reach', () => {
  const root = repository('run');
  const { status, stdout, stderr } = program(root, '--seconds', '1', '--seed', '3');
  expect(stderr).toBe('');
  const [never, summary, ...progress] = stdout.trimEnd().split('\n').reverse();
  expect(never).toMatch(/^never reached: (assembly\/[\w-]+\.ts:\d+(,\d+)* ?)+$/);
  for (const line of [summary, ...progress]) expect(line).toMatch(SUMMARY);
  expect(status).toBe(0);
  expect(readdirSync(join(root, 'build/fuzz'))).toEqual(['found-in-process']);
});

it('keeps the scenario that shows a fault', () => {
  const root = repository('faulty', ['test', 'node_modules', 'asconfig.json', 'dist']);
  cpSync('assembly', join(root, 'assembly'), { recursive: true });
  const source = join(root, 'assembly/entry.ts');
  const text = readFileSync(source, 'utf8');
  writeFileSync(source, text.replace('control & 1', 'control & 3'));
  const { status, stderr } = program(root);
  expect(status).toBe(1);
  const [line, path, repeat] = stderr.trimEnd().split('\n');
  expect(line).toMatch(/^fuzz: \{"op":.*\}: .* differ: expected \{.*\}, got \{.*\}$/);
  expect(path).toMatch(/^build\/fuzz\/[0-9a-f]{12}\.(strict|xen|xenV3)\.jsonl$/);
  const [node, ...args] = repeat.replace('repeat: ', '').split(' ');
  expect(node).toBe('node');
  // dist/ has no fault.
  const again = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect(again.stdout).toMatch(/^conform: 1 scenarios, \d+ steps, 0 mismatches\n$/);
  expect(again.status).toBe(0);
});

it('makes the corpus anew', () => {
  const root = repository('merge', ['assembly', 'node_modules', 'asconfig.json']);
  mkdirSync(join(root, 'test'));
  symlinkSync(resolve('test/fixtures'), join(root, 'test/fixtures'));
  const corpus = join(root, 'test/fuzz/corpus/in-process');
  cpSync('test/fuzz/corpus/in-process', corpus, { recursive: true });
  rmSync(join(corpus, readdirSync(corpus)[0]));
  const { status, stdout, stderr } = program(root, '--merge');
  expect(stderr).toBe('');
  const told = /^test\/fuzz\/corpus\/in-process: (\d+) scenarios, \d+ bytes\n$/.exec(stdout);
  expect(readdirSync(corpus)).toHaveLength(Number(told?.[1]));
  expect(status).toBe(0);
});

it('explains itself', () => {
  const { status, stdout } = program(folder, '--help');
  expect(stdout).toMatch(/^usage: npm run fuzz -- \[--seconds N\] \[--seed S\] \[--merge\]\n/);
  expect(status).toBe(0);
});

it.each(WRONG_OPTIONS)('refuses %j', (args) => {
  const { status, stderr } = program(folder, ...args);
  expect(stderr).toMatch(/^fuzz: .*--.*\n$/);
  expect(status).toBe(2);
});
