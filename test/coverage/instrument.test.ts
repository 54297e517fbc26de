import { readdirSync, readFileSync } from 'node:fs';
import { main } from 'assemblyscript/asc';
import { beforeAll, describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import type { Width } from '../../src/access.js';
import { createDispatcher } from '../../src/dispatcher.js';
import { createDispatcher as createShared } from '../../src/shared.js';
import { compileCore, TARGETS } from '../compile-core.js';
import { MemoryHost } from '../memory-host.js';
import { BAR, nvmeLike, TABLE } from '../nvme-like.js';
import { type Block, COUNTERS, countersOf, MOST_BLOCKS } from './counters.js';
import { CountingTransform, type InstrumentedCores, instrumentedCores } from './instrument.js';

const SHIPPED = { release: 'build/core.wasm', shared: 'build/shared.wasm' };

let cores: InstrumentedCores;
beforeAll(async () => {
  cores = await instrumentedCores();
});

describe.each(TARGETS)('the instrumented core of the target %s', (target) => {
  it('is the one that is shipped, byte for byte, without the transform', async () => {
    const shipped = readFileSync(SHIPPED[target]);
    expect(Buffer.from(await compileCore({ target })).equals(shipped)).toBe(true);
  });

  /** Accesses of every width around the table; what they answered, and the memory after them. */
  function ran(wasm: Uint8Array<ArrayBuffer>) {
    const options = { host: new MemoryHost(), module: new WebAssembly.Module(wasm) };
    const dispatcher =
      target === 'shared' ? createShared({ ...options, shared: true }) : createDispatcher(options);
    dispatcher.assign(nvmeLike);
    const { memory } = dispatcher.attach();
    const answers: unknown[] = [];
    for (let address = BAR - 8; address < TABLE + 64; address++) {
      for (const width of [1, 2, 4, 8] as Width[]) {
        answers.push(dispatcher.write(address, width, address % 256, width), dispatcher.read(address, width));
      }
    }
    return { memory, answers };
  }

  it('does as the shipped one, and differs in its counters alone', async () => {
    const [shipped, counting] = [ran(await compileCore({ target })), ran(cores.wasm[target])];
    expect(counting.answers).toEqual(shipped.answers);
    expect(countersOf(shipped.memory, cores.blocks).some((count) => count > 0)).toBe(false);
    const counters = countersOf(counting.memory, cores.blocks);
    expect(counters.some((count) => count > 0)).toBe(true);
    counters.fill(0);
    expect(Buffer.from(counting.memory.buffer).equals(Buffer.from(shipped.memory.buffer))).toBe(true);
  });

  it('counts what runs', () => {
    const { memory } = ran(cores.wasm[target]);
    const counters = countersOf(memory, cores.blocks);
    const ranIn = (name: string) =>
      cores.blocks.some(
        (block, id) => block.function === name && block.kind === 'function' && counters[id] > 0,
      );
    expect([ranIn('read4'), ranIn('write4'), ranIn('trap_read')]).toEqual([true, true, false]);
    expect(['enterAtOnce', 'holdAs', 'release'].map(ranIn)).toEqual(Array(3).fill(target === 'shared'));
  });
});

describe('the table of the instrumented cores', () => {
  it('has room where nothing of the layout is', () => {
    expect(COUNTERS).toBeGreaterThanOrEqual(layout.MIXED_KINDS + 512);
    expect(COUNTERS).toBeGreaterThanOrEqual(layout.WORKERS + 4 * layout.MOST_WORKERS);
    expect(COUNTERS + MOST_BLOCKS).toBe(layout.TOP);
    expect(cores.blocks.length).toBeLessThanOrEqual(MOST_BLOCKS);
    const inside = Object.entries(layout).filter(([, at]) => at >= COUNTERS && at < layout.TOP);
    expect(inside).toEqual([]);
  });

  it('names each block by its file, its function and its line', () => {
    for (const { file, line, column, text } of cores.blocks) {
      const code = readFileSync(file, 'utf8')
        .split('\n')
        .slice(line - 1)
        .join('\n')
        .slice(column - 1);
      expect(code.replace(/^\{\s*/, '').startsWith(text)).toBe(true);
    }
  });

  it('has each block of each target once, as the shared target has them', async () => {
    const keyOf = ({ file, line, column, kind }: Block) => `${file}:${line}:${column} ${kind}`;
    const keys = cores.blocks.map(keyOf);
    expect(new Set(keys).size).toBe(keys.length);
    const alone = await Promise.all(
      TARGETS.map(async (target) => {
        const transform = new CountingTransform('assembly/');
        await compileCore({ target, transforms: [transform as never] });
        return transform.blocks.map(keyOf);
      }),
    );
    const [shared, release] = alone;
    expect(shared).toEqual(keys);
    expect(release.filter((key) => !keys.includes(key))).toEqual([]);
    expect(release.length).toBeLessThan(keys.length);
    expect(cores.lines.size).toBe(readdirSync('assembly').filter((name) => name.endsWith('.ts')).length);
  });
});

describe('each kind of block', () => {
  const TEXT = `export function all(n: i32): i32 {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += i;
  while (sum > 100) {
    sum -= 100;
  }
  do sum++;
  while (sum < 3);
  switch (n) {
    case 1:
      sum += 10;
      break;
    case 2:
    default:
      sum += 20;
  }
  if (n == 5) return 7;
  sum++;
  if (n == 6) {
    sum++;
  } else return n > 2 && sum > 3 ? sum : twice(sum);
  return n < 0 || n > 9 ? 1 : 0;
}
const twice = (x: i32): i32 => x * 2;
class Point {
  x: i32 = 0;
  get double(): i32 {
    return this.x + this.x;
  }
}
export function point(): i32 {
  const point = changetype<Point>(1024);
  point.x = 4;
  return point.double;
}
export const CONDITION = 1 > 2 ? 3 : 4;
`;
  const transform = new CountingTransform('sample/');
  let shipped: (n: number) => number;
  let counting: (n: number) => number;
  let memory: WebAssembly.Memory;
  let exported: Record<string, () => number>;

  async function compiled(transforms: unknown[]): Promise<WebAssembly.Module> {
    let wasm = new Uint8Array();
    const { error, stderr } = await main(
      ['sample/sample.ts', '--config', 'none', '--runtime', 'stub', '--importMemory', '--outFile', 'a.wasm'],
      {
        transforms: transforms as never,
        readFile: (path) => (path === 'sample/sample.ts' ? TEXT : null),
        writeFile: (_, contents) => {
          wasm = Uint8Array.from(contents as Uint8Array);
        },
      },
    );
    if (error) throw new Error(`${stderr}`);
    return new WebAssembly.Module(wasm);
  }

  beforeAll(async () => {
    const instance = (module: WebAssembly.Module) => {
      memory = new WebAssembly.Memory({ initial: 1 });
      return new WebAssembly.Instance(module, { env: { memory } }).exports as never;
    };
    ({ all: shipped } = instance(await compiled([])));
    exported = instance(await compiled([transform]));
    counting = exported.all as never;
  });

  /** What ran at a call, `kind text` and how often. */
  function blocksOf(run: () => unknown): Record<string, number> {
    const counters = countersOf(memory, transform.blocks);
    counters.fill(0);
    run();
    const all = transform.blocks.map(({ kind, text }, id) => [`${kind} ${text}`, counters[id]] as const);
    return Object.fromEntries(all.filter(([, count]) => count > 0));
  }

  it('means what it meant', () => {
    for (let n = -3; n < 40; n++) expect(counting(n)).toBe(shipped(n));
  });

  it.each<[number, Record<string, number>]>([
    [
      1,
      {
        'function export function all(n: i32): i32 {': 1,
        'loop sum += i': 1,
        'loop sum++': 3,
        'case 1': 1,
        'else n == 5': 1,
        'else return n > 2 && sum > 3 ? sum : twice(sum)': 1,
        ': twice(sum)': 1,
        'function x * 2': 1,
      },
    ],
    [
      5,
      {
        'function export function all(n: i32): i32 {': 1,
        'loop sum += i': 5,
        'loop sum++': 1,
        'case sum += 20': 1,
        'if return 7': 1,
      },
    ],
    [
      2,
      {
        'function export function all(n: i32): i32 {': 1,
        'loop sum += i': 2,
        'loop sum++': 2,
        'case 2': 1,
        'case sum += 20': 1,
        'else n == 5': 1,
        'else return n > 2 && sum > 3 ? sum : twice(sum)': 1,
        ': twice(sum)': 1,
        'function x * 2': 1,
      },
    ],
    [
      6,
      {
        'function export function all(n: i32): i32 {': 1,
        'loop sum += i': 6,
        'loop sum++': 1,
        'case sum += 20': 1,
        'else n == 5': 1,
        'if sum++;': 1,
        '|| n > 9': 1,
        ': 0': 1,
      },
    ],
    [
      20,
      {
        'function export function all(n: i32): i32 {': 1,
        'loop sum += i': 20,
        'loop sum -= 100;': 1,
        'loop sum++': 1,
        'case sum += 20': 1,
        'else n == 5': 1,
        'else return n > 2 && sum > 3 ? sum : twice(sum)': 1,
        '&& sum > 3': 1,
        '? sum': 1,
      },
    ],
  ])('is counted: %i', (n, blocks) => {
    expect(blocksOf(() => counting(n))).toEqual(blocks);
  });

  it('is counted in classes, and not outside of functions', () => {
    expect(blocksOf(() => exported.point())).toEqual({
      'function export function point(): i32 {': 1,
      'function get double(): i32 {': 1,
    });
    expect(transform.blocks.some(({ text }) => text === '3' || text === '4')).toBe(false);
  });

  it('has lines, told by the block that they are in', () => {
    const lines = transform.lines.get('sample/sample.ts') as ReadonlyMap<number, number>;
    const kindAt = (line: number) => transform.blocks[lines.get(line) as number].kind;
    // After `if (n == 5) return`, and after an else that returns.
    expect([2, 17, 18, 20, 22].map(kindAt)).toEqual(['function', 'function', 'else', 'if', 'if']);
    expect(transform.blocks[lines.get(18) as number].text).toBe('n == 5');
  });

  it('counts to 255, and on from 1', () => {
    const id = transform.blocks.findIndex(
      ({ kind, function: name }) => kind === 'function' && name === 'point',
    );
    const counters = countersOf(memory, transform.blocks);
    counters.fill(0);
    for (let run = 0; run < 255; run++) exported.point();
    expect(counters[id]).toBe(255);
    exported.point();
    expect(counters[id]).toBe(1);
  });
});
