import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** MiB. */
const MEMORY = 4000;

const missing = ['spin', 'gcc'].filter((program) => spawnSync(program, ['--version']).error);
if (missing.length > 0 && process.env.TEST_MODEL === 'required') {
  throw new Error(`test:model: ${missing.join(' and ')} missing`);
}
if (missing.length > 0) console.log(`test:model: skipped: ${missing.join(' and ')} missing`);

/** What is defined, and what must happen there. */
const SITUATIONS: readonly [string, readonly string[]][] = [
  ['OFF_ON', ['a leaf that is gone', 'a number used again', 'storage used again', 'no storage to switch on']],
  ['SLOTS', ['a leaf that is gone', 'a stale page looked for', 'storage used again']],
  ['MOVE', ['a leaf that is gone', 'a number used again', 'storage used again']],
  ['REMOVE', ['a record used again', 'a record still read', 'a number used again']],
  ['HANDLERS', ['a circle of waiting', 'a change that was queued', 'no storage for a shared page']],
  ['REMOVE HANDLERS', ['a change that was queued', 'a record used again', 'a record still read']],
  ['CIRCLE HANDLERS', ['a circle of waiting']],
  ['DEATH', ['a lock of the dead', 'a change that was queued']],
  ['DEATH TWICE', ['a lock of the dead', 'a change that was queued']],
  ['OFF_ON RECENT', ['a leaf found lately that is gone', 'a number used again', 'storage used again']],
  ['SLOTS RECENT', ['a leaf found lately that is gone', 'a stale page looked for', 'storage used again']],
  ['REMOVE RECENT', ['a leaf found lately that is gone', 'a record used again', 'a record still read']],
  ['HANDLERS RECENT', ['a leaf found lately that is gone', 'a change that was queued']],
];

/** A fault, where it shows, and what of the proof it breaks. */
const FAULTS: readonly [string, string, string][] = [
  ['PURGE_FIRST', 'OFF_ON', 'mappedIn['],
  ['NOT_VALIDATED', 'OFF_ON', 'there['],
  ['GONE_NOT_MARKED', 'OFF_ON', 'there['],
  ['STATE_LATE', 'OFF_ON', 'mustNot['],
  ['REUSED_EARLY', 'OFF_ON', 'leafOf['],
  ['NUMBER_REUSED_EARLY', 'MOVE', 'pages['],
  ['TRIMMED_AT_ENTRY_ONLY', 'SLOTS', 'mappedIn['],
  ['EPOCH_FIRST', 'SLOTS', 'mappedIn['],
  ['GENERATION_RESET', 'REMOVE', 'mappedIn['],
  ['REMOVED_SWITCHED', 'REMOVE HANDLERS', 'SEQUENCE['],
  ['NESTED_PASSES', 'HANDLERS', 'leafOf['],
  ['NOT_REENTRANT', 'HANDLERS', 'HOLDER['],
  ['WAITS_BLINDLY', 'HANDLERS', 'invalid end state'],
  ['ASKS_INSIDE', 'HANDLERS', 'invalid end state'],
  ['QUEUED_IN_FUNCTION', 'HANDLERS', 'owed['],
  ['DEPTH_LEFT', 'DEATH', 'invalid end state'],
  ['QUEUE_LOST', 'DEATH TWICE', 'owedByDead'],
  ['RELEASED_TWICE', 'DEATH TWICE', 'HOLDER['],
  ['RECENT_KEPT', 'OFF_ON RECENT', 'mustNot['],
  ['RECENT_NOT_VALIDATED', 'OFF_ON RECENT', 'there['],
  ['RECENT_AT_ENTERED', 'HANDLERS RECENT', 'mustNot['],
  ['EPOCH_KEPT', 'OFF_ON RECENT', 'mustNot['],
];

/** Who sleeps at a lock: the same. */
const SLEEPING: readonly [string, readonly string[]][] = [
  ['ALIVE', ['a worker that sleeps', 'a circle of waiting']],
  ['DEATH', ['a worker that sleeps', 'a circle of waiting', 'a lock of the dead']],
];

const SLEEPING_FAULTS: readonly [string, string][] = [
  ['NOT_MARKED', 'ALIVE'],
  ['GIVES_UP_SILENTLY', 'ALIVE'],
  ['WAKES_HOLDERS_ONLY', 'DEATH'],
];

/** Makes the verifier of a situation; returns what runs it. */
function build(
  model: string,
  defined: readonly string[],
  options: readonly string[],
): (...run: string[]) => string {
  const cwd = resolve('build', 'model', model, defined.join('-'));
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  execFileSync('spin', [...defined.map((name) => `-D${name}`), '-a', resolve('test/model', model)], {
    cwd,
    stdio: 'pipe',
  });
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

/** And all that had to happen did. */
function expectHolds(model: string, situation: string, reached: readonly string[]): void {
  const output = build(model, situation.split(' '), ['-O2', '-DSAFETY'])('-m100000', '-w25');
  console.log(`${model} ${situation}: ${states(output)} states`);
  expectExhausted(output);
  const seen = new Set(Array.from(output.matchAll(/^reached: (.*)$/gm), ([, what]) => what));
  expect([...seen]).toEqual(expect.arrayContaining([...reached]));
}

/** The shortest trail into a fault, and what is broken at its end. */
function broken(model: string, situation: string, fault: string): [string, string | undefined] {
  const pan = build(model, [...situation.split(' '), `WRONG_${fault}`, 'SHORTEST'], ['-DSAFETY', '-DBFS']);
  const what = /^pan:1: (.*)$/m.exec(pan('-m100000', '-w22'))?.[1];
  return [pan('-r', `${model}.trail`), what];
}

/** The steps of a trail that are in words. */
function words(trail: string): string {
  return trail
    .split('\n')
    .filter((line) => /^(worker|owner:|vCPU|leaf|record|number) /.test(line))
    .join('; ');
}

describe.skipIf(missing.length > 0)('the locking protocol', () => {
  it.each(SITUATIONS)('holds: %s', (situation, reached) => {
    expectHolds('locking.pml', situation, reached);
  });

  it.each(['LIVENESS', 'LIVENESS RECENT'])(
    'switches decoding off however often others access it: %s',
    (situation) => {
      const output = build('locking.pml', situation.split(' '), ['-O2', '-DNFAIR=3'])('-a', '-f', '-m100000');
      console.log(`${situation}: ${states(output)} states`);
      expectExhausted(output);
    },
  );

  it.each(FAULTS)('is broken by %s, in %s', (fault, situation, what) => {
    const [trail, found] = broken('locking.pml', situation, fault);
    console.log(`${fault}: ${words(trail)}: ${found}`);
    expect(found).toContain(what);
    expect(words(trail)).not.toBe('');
  });

  it('is broken by WAITS_FOR_ALL, which others can keep off for ever', () => {
    const output = build('locking.pml', ['LIVENESS', 'WRONG_WAITS_FOR_ALL'], ['-DNFAIR=3'])(
      '-a',
      '-f',
      '-m100000',
    );
    expect(output).toContain('acceptance cycle');
  });
});

describe.skipIf(missing.length > 0)('who sleeps at a lock', () => {
  it.each(SLEEPING)('is woken: %s', (situation, reached) => {
    expectHolds('lock.pml', situation, reached);
  });

  it.each(SLEEPING_FAULTS)('sleeps for ever: %s %s', (fault, situation) => {
    const [trail, found] = broken('lock.pml', situation, fault);
    console.log(`${fault}: ${words(trail)}: ${found}`);
    expect(found).toContain('invalid end state');
    expect(words(trail)).not.toBe('');
  });
});
