import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { run as conform } from '../../../src/cli/conform.js';
import { conformFiles } from '../../../src/conform/report.js';
import { Domain } from '../../../src/domain.js';
import { Msix } from '../../../src/msix/msix.js';
import { Vectors } from '../../../src/msix/vectors.js';
import { FunctionBar } from '../../../src/pci/bar.js';
import { compileCore, type Target } from '../../compile-core.js';
import type { Block } from '../../coverage/counters.js';
import { CountingTransform, instrumentedCores } from '../../coverage/instrument.js';
import { engines } from '../../engines.js';
import { recordedFunctions } from '../recorded-functions.mjs';
import { Fuzzer } from './fuzzer.js';
import { type History, textOf } from './history.js';
import { merged } from './merge.js';
import { type Replayed, replay } from './replay.js';
import { LIFE } from './reused-dispatcher.js';
import { historiesIn, seeds } from './seeds.js';
import { Subject, subjectsOf } from './subject.js';

/** Executions after which a fault must be found. */
const EXECUTIONS = 6000;
const CORPUS = 'test/fuzz/corpus/in-process';
/** That the corpus reaches, of both targets. */
const BLOCKS = 301;
const GIVEN = seeds(recordedFunctions());

const folder = mkdtempSync(join(tmpdir(), 'fuzz-in-process-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

interface Counting {
  readonly subject: Subject;
  readonly blocks: readonly Block[];
}

async function counting(target: Target = 'release', texts?: ReadonlyMap<string, string>): Promise<Counting> {
  const transform = new CountingTransform('assembly/');
  const wasm = await compileCore({ target, texts, transforms: [transform as never] });
  const { blocks } = transform;
  return { subject: new Subject(target, wasm, blocks), blocks };
}

/** The sources with a fault in one of them. */
function faulty(file: string, right: string, wrong: string): ReadonlyMap<string, string> {
  const path = `assembly/${file}.ts`;
  const text = readFileSync(path, 'utf8');
  expect(text.split(right), `${path} has it once: ${right}`).toHaveLength(2);
  return new Map([[path, text.replace(right, () => wrong)]]);
}

function fuzzed({ subject, blocks }: Counting, seed: number, most: number) {
  const fuzzer = new Fuzzer([subject], blocks, seed);
  let found: Replayed | undefined;
  for (const history of GIVEN) found ??= fuzzer.try(history);
  while (!found && fuzzer.executions < most) found = fuzzer.next();
  return { found, fuzzer };
}

const printed: string[] = [];
const output = {
  print: (line: string) => void printed.push(line),
  printError: (line: string) => void printed.push(line),
};

/** The scenario's file; of few steps. */
function written(name: string, found: Replayed | undefined): string {
  expect(found?.difference, 'found').toBeDefined();
  const { history, outcomes } = found!;
  const text = textOf(history, outcomes);
  console.log(`${name}:\n${text}`);
  expect(history.steps.length).toBeLessThanOrEqual(8);
  const path = join(folder, `${name.replaceAll(/\W/g, '-')}.${history.policy}.jsonl`);
  writeFileSync(path, text);
  return path;
}

async function passes(path: string): Promise<void> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  expect(await conform([path])).toBe(0);
  expect(lines).toEqual([expect.stringMatching(/^conform: 1 scenarios, \d+ steps, 0 mismatches$/)]);
}

describe('a fault of the hot path is found, as a scenario', () => {
  it.each<[string, string, string, string, Target?]>([
    ['single bytes of a table', 'dispatch', '(width === 4 || width === 8)', '(width !== 2)'],
    ['no high lane', 'entry', 'if (width === 8) store', 'if (width === 9) store'],
    ['two mask bits', 'entry', 'control & 1', 'control & 3'],
    ["the next entry's updated byte", 'entry', '(pointer >> 4), 1', '(pointer >> 4) + 1, 1'],
    ['vector control of the other kind of table', 'entry', 'kind & CONTROL', '~kind & CONTROL'],
    [
      'half of a write',
      'entry',
      'width === 8 ? writeWord(owner, kind, low + 4, dataHigh) : outcome',
      'outcome',
    ],
    [
      'a PBA that a guest writes',
      'classify',
      '=== PBA && writes && !pbaWritable) return DONE;\n  return FORWARDED',
      '=== PBA && false) return DONE;\n  return FORWARDED',
    ],
    [
      "the guest's offset for the host's",
      'classify',
      'store<u32>(cells(), (offset + load<u32>(owner, DATA)) & 0xfff, OFFSET)',
      'store<u32>(cells(), offset, OFFSET)',
    ],
    ['a ring without zero-extension', 'ring', 'value & ((1 << (width * 8)) - 1)', 'value'],
    [
      'a mixed page that is nobody’s',
      'enter',
      '!== MIXED_KINDS) return record',
      '!== 0) return record',
      'shared',
    ],
  ])('%s', async (name, file, right, wrong, target = 'release') => {
    const one = await counting(target, faulty(file, right, wrong));
    const { found, fuzzer } = fuzzed(one, 1, EXECUTIONS);
    console.log(`${name}: ${fuzzer.executions} executions`);
    const path = written(name, found);
    expect(await conformFiles([path], undefined, one.subject.createAnew, output)).toBe(1);
    await passes(path);
  });
});

describe('a fault of TypeScript is found, as a scenario', () => {
  it.each<[string, () => void]>([
    [
      'no function mask',
      () => {
        const { writeControl } = Msix.prototype;
        vi.spyOn(Msix.prototype, 'writeControl').mockImplementation(function (this: Msix, value, ...rest) {
          writeControl.call(this, value & ~0x4000, ...rest);
        });
      },
    ],
    ['host pages kept', () => vi.spyOn(Domain.prototype, 'dropPages').mockImplementation(() => {})],
    [
      'entries that are never armed',
      () => vi.spyOn(Vectors.prototype, 'setArmed').mockImplementation(() => {}),
    ],
    [
      'a host address without its offset in the BAR',
      () =>
        vi.spyOn(FunctionBar.prototype, 'host').mockImplementation(function (this: FunctionBar) {
          return this.hostAddress;
        }),
    ],
    [
      'decoding that stays on',
      () => {
        const { setDecode } = Domain.prototype;
        vi.spyOn(Domain.prototype, 'setDecode').mockImplementation(function (this: Domain, fn, on) {
          return on ? setDecode.call(this, fn, on) : 'okay';
        });
      },
    ],
    [
      'what throws',
      () =>
        vi.spyOn(Domain.prototype, 'moved').mockImplementation(() => {
          throw new RangeError();
        }),
    ],
  ])('%s', async (name, seed) => {
    const one = await counting();
    seed();
    const { found, fuzzer } = fuzzed(one, 1, EXECUTIONS);
    console.log(`${name}: ${fuzzer.executions} executions`);
    const path = written(name, found);
    const again = conformFiles([path], undefined, one.subject.createAnew, output);
    if (name === 'what throws') await expect(again).rejects.toThrow(RangeError);
    else expect(await again).toBe(1);
    vi.restoreAllMocks();
    await passes(path);
  });
});

describe('the right dispatchers', () => {
  it('show nothing, and a seed repeats', async () => {
    const cores = await instrumentedCores();
    const kept = [1, 1, 2].map((seed) => {
      const fuzzer = new Fuzzer(subjectsOf(cores), cores.blocks, seed);
      for (const history of GIVEN) expect(fuzzer.try(history)).toBeUndefined();
      while (fuzzer.executions < 600) expect(fuzzer.next()).toBeUndefined();
      return JSON.stringify(fuzzer.kept);
    });
    expect(kept[1]).toBe(kept[0]);
    expect(kept[2]).not.toBe(kept[0]);
  });

  it('are as new for each scenario', async () => {
    const { subject } = await counting();
    const [first] = GIVEN;
    const replayed = replay(first, [subject.create]);
    for (let time = 0; time < 2 * LIFE; time++) {
      for (const create of [subject.create, subject.createAnew]) {
        expect(replay(first, [create])).toEqual(replayed);
      }
    }
  });
});

describe('the corpus', () => {
  const histories = historiesIn(CORPUS);

  it.each(engines)('is answered by $name as its files say', async ({ create }) => {
    const files = readdirSync(CORPUS).map((name) => join(CORPUS, name));
    expect(await conformFiles(files, undefined, create, output)).toBe(0);
  });

  async function reached(all: readonly History[]): Promise<number> {
    const cores = await instrumentedCores();
    const fuzzer = new Fuzzer(subjectsOf(cores), cores.blocks, 1);
    for (const history of all) expect(fuzzer.try(history)).toBeUndefined();
    return fuzzer.reached.filter(Boolean).length;
  }

  it('reaches what the seeds alone do not, and is small', async () => {
    expect(await reached(histories)).toBeGreaterThanOrEqual(BLOCKS);
    expect(await reached(GIVEN)).toBeLessThan(BLOCKS);
    const sizes = readdirSync(CORPUS).map((name) => statSync(join(CORPUS, name)).size);
    expect(sizes.reduce((all, size) => all + size)).toBeLessThan(64 * 1024);
  });

  it('merges into as few that reach as much', async () => {
    const few = await merged([...GIVEN, ...histories]);
    expect(few.length).toBeLessThanOrEqual(histories.length + 8);
    expect(await reached(few.map(({ history }) => history))).toBeGreaterThanOrEqual(BLOCKS);
  });
});
