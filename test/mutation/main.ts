import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { InputError } from '../../src/input-error.js';
import { EQUIVALENT, type Equivalent } from './equivalent.js';
import { MutantCores } from './mutant-cores.js';
import { type Mutant, mutantsOf } from './mutants.js';
import { Runner } from './runner.js';
import { selected } from './selection.js';

// Are the tests sharp? Each small fault in assembly/ must make one fail: `npm run mutate [-- --from N --count N]`, or
// `--only N,N`, or `--file NAME`.

const files = readdirSync('assembly').filter((name) => name.endsWith('.ts'));
const mutants = files
  .map((name) => `assembly/${name}`)
  .flatMap((file) => mutantsOf(file, readFileSync(file, 'utf8')));

function chosenMutants() {
  try {
    return selected(process.argv.slice(2), mutants, files);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(`mutate: ${error.message}`);
    process.exit(2);
  }
}

const chosen = chosenMutants();

const isOf = (mutant: Mutant) => (one: Equivalent) =>
  one.file === mutant.file &&
  one.function === mutant.function &&
  one.was === mutant.was &&
  one.becomes === mutant.becomes;
const counts = { killed: 0, 'the same binary': 0, 'refused by the compiler': 0, equivalent: 0, survived: 0 };

async function fateOf(
  mutant: Mutant,
  runner: Runner,
  original: MutantCores,
): Promise<[keyof typeof counts, string?]> {
  const cores = await MutantCores.of(new Map([[mutant.file, mutant.source]])).catch(() => undefined);
  if (!cores) return ['refused by the compiler'];
  if (cores.equals(original)) return ['the same binary'];
  if (EQUIVALENT.some(isOf(mutant))) return ['equivalent'];
  const by = await runner.run(cores);
  return by === undefined ? ['survived'] : ['killed', by];
}

mkdirSync('build/mutation', { recursive: true });
const runner = new Runner();
const original = await MutantCores.of(new Map());
await runner.measure(original);

const lines: string[] = [];
for (const [index, mutant] of chosen) {
  const began = performance.now();
  const [fate, by = ''] = await fateOf(mutant, runner, original);
  counts[fate]++;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const { file, line, was, becomes } = mutant;
  lines.push(`${index} ${file}:${line} ${fate} ${by} ${seconds} s\n  - ${was}\n  + ${becomes}`);
  if (fate === 'survived') console.log(lines.at(-1));
  writeFileSync('build/mutation/report.txt', `${lines.join('\n')}\n`);
}
runner.stop();

console.log(`${chosen.length} of ${mutants.length} mutants`);
for (const [fate, count] of Object.entries(counts)) console.log(`${fate}: ${count}`);
const idle = EQUIVALENT.filter((one) => !mutants.some((mutant) => isOf(mutant)(one)));
for (const { file, was, becomes } of idle)
  console.log(`${file}: no such mutant any more: ${was} -> ${becomes}`);
if (counts.survived > 0 || idle.length > 0) process.exitCode = 1;
