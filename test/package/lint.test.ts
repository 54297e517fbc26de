import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData, type ResolutionKind } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packed } from './tarball.js';

/** Those of an ESM-only package: TypeScript's old `node10`, and `require` before Node 20.19, have no part in it. */
const RESOLUTIONS: ResolutionKind[] = ['node16-esm', 'bundler'];

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };

let folder: string;
let tarball: Uint8Array<ArrayBuffer>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  tarball = new Uint8Array(readFileSync(packed(folder)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('publint has nothing to say, not even to suggest', async () => {
  const { messages, pkg } = await publint({
    pack: { tarball: tarball.buffer },
    level: 'suggestion',
    strict: true,
  });
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
});

it('every entry has types, and those of the module that is loaded', async () => {
  const result = await checkPackage(createPackageFromTarballData(tarball));
  if (!result.types) throw new Error('no types in the package');
  expect(Object.keys(result.entrypoints)).toEqual(Object.keys(exports));
  const problems = result.problems.filter(
    (problem) => !('resolutionKind' in problem) || RESOLUTIONS.includes(problem.resolutionKind),
  );
  expect(problems).toEqual([]);
  for (const [entry, { resolutions }] of Object.entries(result.entrypoints)) {
    for (const kind of RESOLUTIONS) {
      expect(resolutions[kind].resolution?.fileName, `${entry}, ${kind}`).toMatch(/\.d\.ts$|package\.json$/);
    }
  }
});
