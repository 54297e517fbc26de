import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packed } from '../package/tarball.js';

/** What `consumer.mjs` says of an entry: what came out and what should, or the error. */
interface Outcome {
  readonly name: string;
  readonly got?: unknown;
  readonly expected?: unknown;
  readonly error?: string;
}

const LIMIT = 60_000;
const INSTALL = ['install', '--silent', '--no-save', '--no-audit', '--no-fund'];
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };

let folder: string;
const run = async (program: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(program, args, { cwd: folder, encoding: 'utf8', timeout: LIMIT })).stdout.trim();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trapline-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await run('npm', ...INSTALL, packed(folder));
  for (const name of ['consumer.mjs', 'vcpu.mjs']) cpSync(`test/runtimes/${name}`, join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The program of a runtime, which npm brings, each in a folder of its own. Rejects where there is none for this machine. */
async function installed(name: string, version: string): Promise<string> {
  if (name === 'node' && process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const prefix = join(folder, `${name}-${version}`);
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'package.json'), '{}');
  await run('npm', ...INSTALL, '--prefix', prefix, `${name}@${version}`);
  return join(prefix, 'node_modules/.bin', name);
}

async function outcomes(program: string, ...args: string[]): Promise<Outcome[]> {
  const lines = (await run(program, ...args, 'consumer.mjs')).split('\n');
  const all = lines.map((line) => JSON.parse(line) as Outcome);
  const [version] = (await run(program, '--version')).split('\n');
  const works = all.filter((outcome) => outcome.error === undefined && !isWrong(outcome));
  console.log(`${basename(program)} ${version}: ${works.length} of ${all.length} work`);
  for (const { name, error } of all) if (error !== undefined) console.log(`${name}: ${error}`);
  return all;
}

const isWrong = ({ error, got, expected }: Outcome): boolean =>
  error === undefined && JSON.stringify(got) !== JSON.stringify(expected);

it.each(['20', '22', '24', 'latest'])('Node %s answers from every entry of the package', async (version) => {
  const all = await outcomes(await installed('node', version));
  expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(exports)));
  expect(all.filter((outcome) => outcome.error !== undefined || isWrong(outcome))).toEqual([]);
});

it.each([
  { name: 'bun', args: [] },
  { name: 'deno', args: ['run', '--allow-all'] },
])('$name, where it is to be had, answers nothing wrong', async ({ name, args }) => {
  const all = await installed(name, 'latest')
    .then((program) => outcomes(program, ...args))
    .catch((error: Error) => {
      console.log(`${name} does not run here: ${error.message.split('\n')[0]}`);
      return [];
    });
  expect(all.filter(isWrong)).toEqual([]);
});
