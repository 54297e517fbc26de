import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Trap } from '../../src/dispatcher.js';
import { type Engine, engines, reference } from '../engines.js';
import { rows } from './difference-rows.js';
import { type Classified, classify } from './strict-on-golden.js';

/** Another folder of files made under xen: GOLDEN=folder. */
const FOLDER = process.env.GOLDEN ?? 'test/fixtures/oracle/xen';

const files = readdirSync(FOLDER).map((name) => join(FOLDER, name));

async function classified(engine: Engine, paths: readonly string[]): Promise<Classified> {
  const result: Classified = { steps: 0, leftOut: 0, rows: {}, unclassified: [] };
  for (const path of paths) classify(path, engine, result);
  return result;
}

describe.each(engines)('strict on $name', (engine) => {
  it("differs from xen on golden inputs only as the design's table says", async () => {
    const result = await classified(engine, files);
    console.log(JSON.stringify({ ...result, unclassified: result.unclassified.length }));
    expect(result.unclassified.slice(0, 5)).toEqual([]);
    expect(Object.keys(result.rows).sort()).toEqual(rows.map((row) => row.name).sort());
  });
});

// The rows excuse what they are about, and nothing else.
describe('a strict that is wrong', () => {
  const wrong = (name: string, change: (trap: Trap) => Partial<Trap>): [string, Engine] => {
    const create: Engine['create'] = (options) => {
      const trap = reference.create(options);
      if (options.policy?.name !== 'strict') return trap;
      const changed = Object.create(trap);
      return Object.defineProperties(changed, Object.getOwnPropertyDescriptors(change(trap)));
    };
    return [name, { name, create }];
  };

  it.each([
    wrong('in one bit of a read', (trap) => ({
      read: (address, width) => trap.read(address, width) ^ (address % 512 === 4 ? 1 : 0),
    })),
    wrong('in claiming a write', (trap) => ({
      write: (address, width, low, high) => trap.write(address, width, low, high) || address % 512 === 4,
    })),
    wrong('in the order of two halves', (trap) => ({
      write: (address, width, low, high) => trap.write(address, width, width === 8 ? (high ?? 0) : low, low),
    })),
    wrong('in forgetting a write', (trap) => ({
      write: (address, width, low, high) => address % 128 === 8 || trap.write(address, width, low, high),
    })),
  ])('%s is noticed', async (_, engine) => {
    const result = await classified(engine, files.slice(0, 2));
    expect(result.unclassified.length).toBeGreaterThan(0);
  });
});
