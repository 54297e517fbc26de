import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { conformFiles } from '../../src/conform/report.js';
import { engines } from '../engines.js';

const FIXTURES = 'test/fixtures/oracle';

/** The format is described in README.md; the data were made by the real handlers. */
describe.each(engines)('$name', (engine) => {
  it.each([
    ['xen', 14, 28054],
    ['xenV3', 14, 28054],
    ['examples', 26, 220],
  ])('answers and does all of %s as the real handlers', async (folder, scenarios, steps) => {
    const printed: string[] = [];
    const files = readdirSync(join(FIXTURES, folder)).map((name) => join(FIXTURES, folder, name));
    const status = await conformFiles(files, undefined, engine.create, {
      print: (line) => printed.push(line),
      printError: (line) => printed.push(line),
    });
    expect(printed).toEqual([`conform: ${scenarios} scenarios, ${steps} steps, 0 mismatches`]);
    expect(status).toBe(0);
  });
});
