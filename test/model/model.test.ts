import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const MODEL = resolve('test/model/locking.pml');
/** MiB. */
const MEMORY = 4000;

const missing = ['spin', 'gcc'].filter((program) => spawnSync(program, ['--version']).error);
if (missing.length > 0 && process.env.TEST_MODEL === 'required') {
  throw new Error(`test:model: ${missing.join(' and ')} missing`);
}
if (missing.length > 0) console.log(`test:model: skipped: ${missing.join(' and ')} missing`);

/** What is defined, and what must happen there. */
const SITUATIONS: readonly [string, readonly string[]][] = [
  ['OFF_ON', ['a lookup no longer valid', 'a stale page', 'storage used again', 'no storage to switch on']],
  ['MOVE', ['a lookup no longer valid', 'storage used again']],
  ['REMOVE', ['a record used again', 'a record still read']],
  ['HANDLERS', ['a circle of waiting', 'a deferred change', 'no storage for a shared page']],
  ['REMOVE HANDLERS', ['a deferred change', 'a record used again', 'a record still read']],
  ['CIRCLE HANDLERS', ['a circle of waiting']],
  ['DEATH', ['a lock of the dead', 'a change of the dead', 'storage of the dead']],
];

/** A fault, where it shows, and what of the proof it breaks. */
const FAULTS: readonly [string, string, string][] = [
  ['PURGE_FIRST', 'OFF_ON', 'mappedIn['],
  ['NOT_VALIDATED', 'OFF_ON', 'STATE['],
  ['TRIMMED_AT_ENTRY_ONLY', 'OFF_ON', 'mappedIn['],
  ['STATE_LATE', 'OFF_ON', 'mustNot['],
  ['REUSED_EARLY', 'OFF_ON', 'leafOf['],
  ['NESTED_PASSES', 'HANDLERS', 'leafOf['],
  ['LEFT_FIRST', 'REMOVE HANDLERS', 'fnOf['],
  ['REMOVED_SWITCHED', 'REMOVE HANDLERS', 'fnOf['],
  ['GENERATION_RESET', 'REMOVE', 'mappedIn['],
  ['NOT_REENTRANT', 'HANDLERS', 'HOLDER['],
  ['WAITS_BLINDLY', 'HANDLERS', 'invalid end state'],
  ['OFF_AT_ONCE', 'HANDLERS', 'STATE['],
  ['DEFERRED_IN_FUNCTION', 'HANDLERS', 'owed['],
  ['DIED_INSIDE', 'DEATH', 'STAMP['],
];

/** Makes the verifier of a situation; returns what runs it. */
function build(defined: readonly string[], options: readonly string[]): (...run: string[]) => string {
  const cwd = resolve('build/model', defined.join('-'));
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  execFileSync('spin', [...defined.map((name) => `-D${name}`), '-a', MODEL], { cwd, stdio: 'pipe' });
  const compiler = ['-w', '-DCOLLAPSE', `-DMEMLIM=${MEMORY}`, ...options, 'pan.c', '-o', 'pan'];
  execFileSync('gcc', compiler, { cwd, stdio: 'pipe' });
  return (...run) => {
    const { status, signal, stdout } = spawnSync('./pan', run, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (signal !== null || status === null) throw new Error(`pan ended by ${signal}`);
    return stdout;
  };
}

/** All of the states were seen: neither memory nor depth ran out. */
function expectExhausted(output: string): void {
  expect(output).not.toMatch(/Search not completed|out of memory|max search depth too small/);
  expect(output).toContain('errors: 0');
}

const states = (output: string): number => Number(/(\d+) states, stored/.exec(output)?.[1]);

/** The steps of a trail that are in words. */
function words(trail: string): string {
  return trail
    .split('\n')
    .filter((line) => /^(worker|vCPU|leaf|record|function|the embedder) /.test(line))
    .join('; ');
}

describe.skipIf(missing.length > 0)('the locking protocol', () => {
  it.each(SITUATIONS)('holds: %s', (situation, reached) => {
    const pan = build(situation.split(' '), ['-O2', '-DSAFETY']);
    const output = pan('-m100000');
    console.log(`${situation}: ${states(output)} states`);
    expectExhausted(output);
    const seen = new Set(Array.from(output.matchAll(/^reached: (.*)$/gm), ([, what]) => what));
    expect([...seen]).toEqual(expect.arrayContaining([...reached]));
  });

  it('switches decoding off however often others access it', () => {
    const output = build(['LIVENESS'], ['-O2', '-DNFAIR=3'])('-a', '-f', '-m100000');
    console.log(`LIVENESS: ${states(output)} states`);
    expectExhausted(output);
  });

  it.each(FAULTS)('is broken by %s, in %s', (fault, situation, what) => {
    const pan = build([...situation.split(' '), `WRONG_${fault}`, 'SHORTEST'], ['-DSAFETY', '-DBFS']);
    const broken = /^pan:1: (.*)$/m.exec(pan('-m100000'))?.[1];
    const trail = words(pan('-r', 'locking.pml.trail'));
    console.log(`${fault}: ${trail}: ${broken}`);
    expect(broken).toContain(what);
    expect(trail).not.toBe('');
  });

  it('is broken by WAITS_FOR_ALL, which others can keep off for ever', () => {
    const output = build(['LIVENESS', 'WRONG_WAITS_FOR_ALL'], ['-DNFAIR=3'])('-a', '-f', '-m100000');
    expect(output).toContain('acceptance cycle');
  });
});
