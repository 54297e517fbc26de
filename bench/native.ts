import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Places } from './checks.js';
import { type Burst, type Effort, type Measurement, summarise } from './rounds.js';
import { addressOf, cases, type Layout, values, writes } from './topology.js';

const COMPILERS = ['cc', 'gcc', 'clang'];
const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra'];
const FOLDER = fileURLToPath(new URL('../../bench/rivals/native/', import.meta.url));
const BUILT = fileURLToPath(new URL('./native/', import.meta.url));

/** Compiles the linear list in C. Undefined: there is no compiler. */
export function compileNative(): string | undefined {
  const compiler = COMPILERS.find((name) => spawnSync(name, ['--version']).status === 0);
  if (compiler === undefined) return undefined;
  mkdirSync(BUILT, { recursive: true });
  const program = `${BUILT}linear-list`;
  const sources = ['main.c', 'linear-list.c'].map((name) => FOLDER + name);
  execFileSync(compiler, [...FLAGS, '-o', program, ...sources], { stdio: ['ignore', 'ignore', 'inherit'] });
  return program;
}

/** The same functions and accesses in a native program. It ends with an error where its checksums are others. */
export function measureNative(
  program: string,
  functions: number,
  layout: Layout,
  at: Places,
  count: number,
  checksums: readonly number[],
  { rounds, burst, quietNative }: Effort,
): Measurement {
  const { vectors, barSize, table, pba } = layout;
  const header = [
    ...[functions, vectors, addressOf(0), barSize, table, pba, rounds, burst, count, cases.length],
    ...values().subarray(0, count),
  ];
  const accesses = cases.flatMap((what, index) => [
    Number(writes(what)),
    checksums[index],
    ...at(what).subarray(0, count),
  ]);
  const input = BigUint64Array.from([...header, ...accesses], BigInt);
  const output = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const made = JSON.parse(output) as Burst[][];
  return summarise(
    cases.map((access) => ({ key: { subject: 'linear list', door: 'native', access }, accesses: count })),
    cases.map((_, index) => made.map((round) => round[index])),
    quietNative,
  );
}
