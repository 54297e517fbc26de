// Fuzzes the dispatchers of both builds against the reference: `npm run fuzz -- --seconds N --seed S`. What is compiled of
// this folder is in build/.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { campaign } from '../../../build/test/fuzz/in-process/campaign.js';
import { textOf } from '../../../build/test/fuzz/in-process/history.js';
import { merged } from '../../../build/test/fuzz/in-process/merge.js';
import { historiesIn, seeds } from '../../../build/test/fuzz/in-process/seeds.js';
import { fail as failAs, options } from '../options.mjs';
import { recordedFunctions } from '../recorded-functions.mjs';

const NAME = 'fuzz';
const HELP = `
usage: npm run fuzz -- [--seconds N] [--seed S] [--merge]

Fuzzes the dispatchers of both builds, their cores counting blocks, against the reference. Ends with status 1, and the
scenario that \`trapline conform\` replays, where they differ.

  --seconds N  for so long; default: 60
  --seed S     from 0; default: 1; the same executions in the same order
  --merge      instead: makes test/fuzz/corpus/in-process anew, with what the last run found
`;
const CORPUS = 'test/fuzz/corpus/in-process';
const OUT = 'build/fuzz';
const FOUND = join(OUT, 'found-in-process');

const fail = (status, line) => failAs(NAME, status, line);

/** Writes a scenario file, named by what it holds. */
function keep(folder, { history, outcomes }) {
  mkdirSync(folder, { recursive: true });
  const text = textOf(history, outcomes);
  const name = createHash('sha1').update(text).digest('hex').slice(0, 12);
  const path = join(folder, `${name}.${history.policy}.jsonl`);
  writeFileSync(path, text);
  return path;
}

const inFolder = (folder) => (existsSync(folder) ? historiesIn(folder) : []);

async function merge() {
  const all = [...inFolder(CORPUS), ...seeds(recordedFunctions()), ...inFolder(FOUND)];
  const few = await merged(all);
  rmSync(CORPUS, { recursive: true, force: true });
  for (const one of few) keep(CORPUS, one);
  const files = readdirSync(CORPUS);
  const size = files.reduce((sum, name) => sum + statSync(join(CORPUS, name)).size, 0);
  console.log(`${CORPUS}: ${files.length} scenarios, ${size} bytes`);
}

/** By file, the lines at which blocks begin. */
function linesOf(blocks) {
  const files = new Set(blocks.map(({ file }) => file));
  return [...files].map((file) => {
    const lines = new Set(blocks.filter((block) => block.file === file).map(({ line }) => line));
    return `${file}:${[...lines].join(',')}`;
  });
}

async function fuzz(wanted) {
  const given = [...inFolder(CORPUS), ...seeds(recordedFunctions())];
  const { fuzzer, found, summary, neverReached } = await campaign(given, wanted, console.log);
  rmSync(FOUND, { recursive: true, force: true });
  for (const one of fuzzer.kept) keep(FOUND, one);
  console.log(summary);
  console.log(`never reached: ${linesOf(neverReached).join(' ')}`);
  if (!found) return;
  const path = keep(OUT, found);
  const { at, fields, expected, got } = found.difference;
  const step = JSON.stringify(found.history.steps[at]);
  const differ = `${fields.join(', ')} differ: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
  fail(1, `${step}: ${differ}\n${path}\nrepeat: node dist/src/cli/main.js conform ${path}`);
}

const wanted = options(NAME, HELP);
if (wanted.merge) await merge();
else await fuzz(wanted);
