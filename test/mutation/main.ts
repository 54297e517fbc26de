import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EQUIVALENT, type Equivalent } from './equivalent.js';
import { MutantCores } from './mutant-cores.js';
import { type Mutant, mutantsOf } from './mutants.js';
import { Runner } from './runner.js';

// Are the tests sharp? Each small fault in assembly/ must make one fail: `npm run mutate [-- --from N --count N]`, or
// `--only N,N`, or `--file NAME`.

const files = readdirSync('assembly').filter((name) => name.endsWith('.ts'));
const mutants = files
  .map((name) => `assembly/${name}`)
  .flatMap((file) => mutantsOf(file, readFileSync(file, 'utf8')));

function refuse(message: string): never {
  console.error(`mutate: ${message}`);
  process.exit(2);
}

function options() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ options: { from: text, count: text, only: text, file: { ...text, multiple: true } } })
      .values;
  } catch (error) {
    return refuse((error as Error).message.split(/\.\s/)[0]);
  }
}

function natural(option: string, text: string): number {
  return /^\d{1,6}$/.test(text) ? Number(text) : refuse(`--${option} ${text} is not a mutant's number`);
}

const values = options();
const unknown = values.file?.find((name) => !files.includes(`${name}.ts`));
if (unknown !== undefined) refuse(`--file ${unknown}: no assembly/${unknown}.ts`);
const from = natural('from', values.from ?? '0');
const end = from + natural('count', values.count ?? String(mutants.length));
const only = values.only?.split(',').map((text) => natural('only', text));
const chosen = [...mutants.entries()].filter(
  ([index, { file }]) =>
    (only?.includes(index) ?? (index >= from && index < end)) &&
    (values.file?.some((name) => file === `assembly/${name}.ts`) ?? true),
);

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
