import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run as conform } from '../../src/cli/conform.js';
import { InputError } from '../../src/input-error.js';
import { SharedDispatcher } from '../../src/shared/dispatcher.js';
import { temporaryFolder } from '../temporary.js';

const GOOD = gunzipSync(readFileSync('test/fixtures/oracle/examples/b_common.xen.jsonl.gz')).toString();
const [FIRST_LINE, SECOND_LINE] = GOOD.split('\n');

const folder = temporaryFolder();

let printed: string[] = [];
let errors: string[] = [];
beforeEach(() => {
  printed = [];
  errors = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => void errors.push(line));
});
afterEach(() => vi.restoreAllMocks());

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const SUMMARY = /^conform: \d+ scenarios, \d+ steps, \d+ mismatches$/;

describe('exit status 0', () => {
  it.each([
    ['a suffix .xen.jsonl', 'a.xen.jsonl', GOOD],
    ['a suffix .xen.jsonl.gz', 'a.xen.jsonl.gz', gzipSync(GOOD)],
    ['a folder xen', 'xen/a.jsonl', GOOD],
    ['a folder xenV3', 'xenV3/a.jsonl', GOOD],
    ['a gzip file that its name does not give away', 'xen/b.jsonl', gzipSync(GOOD)],
    ['two gzip members', 'xen/c.jsonl.gz', Buffer.concat([gzipSync(GOOD), gzipSync(GOOD)])],
    ['no line end after the last line', 'xen/d.jsonl', GOOD.trimEnd()],
    ['a suffix that differs from the folder', 'xenV3/a.xen.jsonl', GOOD],
  ])('for %s', async (_, name, content) => {
    expect(await conform([file(name, content)])).toBe(0);
    expect(errors).toEqual([]);
    expect(printed.at(-1)).toMatch(SUMMARY);
    expect(printed).toHaveLength(1);
  });

  it('for a policy given by name', async () => {
    expect(await conform(['--policy', 'xenV3', file('somewhere.jsonl', GOOD)])).toBe(0);
  });

  it.each([['b.strict.jsonl'], ['strict/b.jsonl']])('for a scenario under strict: %s', async (name) => {
    // Byte by byte, each its owner's: another function's table begins in the middle.
    const bar = (index: number, addr: string) => ({ index, type: 'mem32', addr, size: '800', enabled: true });
    const layout = { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 1024 } };
    const lines = [
      { op: 'scenario', name: 'two on a page', hwdom: false, rc: 'okay' },
      { op: 'device', id: 8, bars: [bar(0, 'fe000000')], msix: layout, rc: 'okay' },
      { op: 'device', id: 9, bars: [bar(0, 'fe000800')], msix: layout, rc: 'okay' },
      { op: 'write', addr: 'fe000800', len: 4, data: 'fee00000', door: 'ring', rc: 'okay' },
      { op: 'read', addr: 'fe000800', len: 4, rc: 'okay', data: 'fee00000' },
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(await conform([file(name, text)])).toBe(0);
    expect(printed).toEqual(['conform: 1 scenarios, 4 steps, 0 mismatches']);
  });

  it('by the dispatcher in shared memory, asked for', async () => {
    const run = vi.spyOn(SharedDispatcher.prototype, 'write');
    expect(await conform(['--shared', file('a.xen.jsonl', GOOD)])).toBe(0);
    expect(run).toHaveBeenCalled();
    run.mockClear();
    expect(await conform([file('a.xen.jsonl', GOOD)])).toBe(0);
    expect(run).not.toHaveBeenCalled();
  });

  it('counts every line but `scenario` as a step', async () => {
    const lines = GOOD.trimEnd().split('\n');
    const scenarios = lines.filter((line) => line.startsWith('{"op":"scenario"')).length;
    await conform([file('a.xen.jsonl', GOOD)]);
    expect(printed).toEqual([
      `conform: ${scenarios} scenarios, ${lines.length - scenarios} steps, 0 mismatches`,
    ]);
  });
});

describe('exit status 1', () => {
  it('prints the first mismatch of a file in full, the others in a line, and goes on', async () => {
    const broken = GOOD.replaceAll('"rc":"retry"', '"rc":"okay"').replaceAll('"rd"', '"wr"');
    const path = file('a.xen.jsonl', broken);
    expect(await conform([path])).toBe(1);
    expect(printed[0]).toMatch(/a\.xen\.jsonl:\d+: \w+: .* differ$/);
    expect(printed[1]).toMatch(/^ {2}input {4}\{"op":/);
    expect(printed[2]).toMatch(/^ {2}expected \{"rc":/);
    expect(printed[3]).toMatch(/^ {2}got {6}\{"rc":/);
    for (const line of printed.slice(4, -1)) expect(line).toMatch(/:\d+: \w+: .* differ$|more mismatches$/);
    const [, steps, mismatches] = printed
      .at(-1)!
      .match(/(\d+) steps, (\d+) mismatches$/)!
      .map(Number);
    expect(steps).toBeGreaterThan(mismatches);
    expect(mismatches).toBeGreaterThan(1);
  });

  it.each([
    ['rc', '"rc":"okay","data":', '"rc":"retry","data":'],
    ['data', '"len":4,"rc":"okay","data":"', '"len":4,"rc":"okay","data":"f'],
    ['ctl', '"ctl":"8', '"ctl":"9'],
    ['fx', '"fx":[[', '"fx":[["cfg",8,4,"0002"],['],
  ])('for a difference in %s alone', async (field, from, to) => {
    const source = GOOD.includes(from)
      ? GOOD
      : gunzipSync(readFileSync('test/fixtures/oracle/examples/c_lifecycle.xen.jsonl.gz')).toString();
    expect(source).toContain(from);
    expect(await conform([file('a.xen.jsonl', source.replace(from, to))])).toBe(1);
    expect(printed[0]).toContain(`: ${field} differ`);
    expect(printed.at(-1)).toMatch(/, 1 mismatches$/);
  });

  it('shows every mismatch, the first in full', async () => {
    const step = '{"op":"cread","id":1,"rc":"okay"}\n';
    expect(await conform([file('a.xen.jsonl', `${FIRST_LINE}\n${step.repeat(50)}`)])).toBe(1);
    expect(printed).toHaveLength(1 + 3 + 49 + 1);
  });
});

describe('exit status 2', () => {
  it.each([
    ['an empty file', '', ' is empty'],
    ['an empty gzip file', gzipSync(''), ' is empty'],
    ['a file cut in a line', GOOD.slice(0, FIRST_LINE.length + 20), ':2: not JSON'],
    ['a gzip file that is cut off', gzipSync(GOOD).subarray(0, 400), ': the gzip data end too early'],
    [
      'damaged gzip data',
      Buffer.concat([gzipSync(GOOD).subarray(0, 200), Buffer.alloc(300, 0x55)]),
      /:\d+: /,
    ],
    ['bytes that are no text', Buffer.from([0, 1, 2, 250]), ':1: not JSON'],
    ['an unknown op', `${FIRST_LINE}\n{"op":"poke","rc":"okay"}\n`, ':2: unknown op "poke"'],
    ['an op before the first scenario', `${SECOND_LINE}\n`, ':1: op device before the first scenario'],
    [
      'a field of the wrong type',
      `${FIRST_LINE}\n{"op":"cread","id":"8","rc":"okay"}\n`,
      ':2: id "8" is not',
    ],
    [
      'a device that is there',
      `${FIRST_LINE}\n${SECOND_LINE}\n${SECOND_LINE}\n`,
      /:3: device \d+ is there already/,
    ],
    [
      'a device that cannot be',
      `${FIRST_LINE}\n${SECOND_LINE.replace('"index":0', '"index":6')}\n`,
      ':2: assign: ',
    ],
  ])('for %s, whose place is named', async (_, content, message) => {
    expect(await conform([file('bad.xen.jsonl', content)])).toBe(2);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^trapline conform: .*bad\.xen\.jsonl/);
    if (typeof message === 'string') expect(errors[0]).toContain(message);
    else expect(errors[0]).toMatch(message);
    // A summary only of what was run.
    for (const line of printed) expect(line).toMatch(/^conform: 1 scenarios/);
  });

  it('for a missing file, a folder, and a file without a policy', async () => {
    const nameless = file('nameless.jsonl', GOOD);
    expect(await conform([join(folder, 'none.xen.jsonl')])).toBe(2);
    expect(await conform(['--policy', 'xen', folder])).toBe(2);
    expect(await conform([nameless])).toBe(2);
    expect(errors[0]).toContain('no such file');
    expect(errors[1]).toContain('is a directory');
    expect(errors[2]).toContain(`${nameless}: no policy`);
    expect(printed).toEqual([]);
  });

  it('goes before 1, and the other files are run', async () => {
    const bad = file('bad.xen.jsonl', '{');
    const wrong = file('wrong.xen.jsonl', GOOD.replaceAll('"rc":"retry"', '"rc":"okay"'));
    expect(await conform([bad, wrong])).toBe(2);
    expect(printed.at(-1)).toMatch(SUMMARY);
    expect(printed.at(-1)).not.toMatch(/ 0 steps| 0 mismatches/);
  });

  it.each([
    [[], 'no file given'],
    [['--policy', 'lenient', 'x.jsonl'], '--policy: expected xen, xenV3, strict, got lenient'],
  ])('for the arguments %j', async (args, message) => {
    await expect(conform(args)).rejects.toThrow(InputError);
    await expect(conform(args)).rejects.toThrow(message);
  });
});

it('reads a file of many scenarios in little memory', async () => {
  const many = gzipSync(Buffer.concat(Array.from({ length: 60 }, () => Buffer.from(GOOD))));
  expect(await conform([file('many.xen.jsonl.gz', many)])).toBe(0);
});
