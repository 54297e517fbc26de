import { parseArgs } from 'node:util';
import { InputError } from '../../src/input-error.js';
import type { Mutant } from './mutants.js';

function natural(option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InputError(`--${option} ${text} is not a mutant's number`);
  return Number(text);
}

function options(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { from: text, count: text, only: text, file: { ...text, multiple: true } },
    }).values;
  } catch (error) {
    throw new InputError((error as Error).message.split(/\.\s/)[0]);
  }
}

/** The mutants that arguments name, with their numbers. `names`: of the files of assembly/. Throws `InputError`. */
export function selected(
  args: readonly string[],
  mutants: readonly Mutant[],
  names: readonly string[],
): [number, Mutant][] {
  const { from, count, only, file } = options(args);
  const unknown = file?.find((name) => !names.includes(`${name}.ts`));
  if (unknown !== undefined) throw new InputError(`--file ${unknown}: no assembly/${unknown}.ts`);
  const begin = natural('from', from ?? '0');
  const end = begin + natural('count', count ?? String(mutants.length));
  const numbers = only?.split(',').map((text) => natural('only', text));
  return [...mutants.entries()].filter(
    ([index, mutant]) =>
      (numbers?.includes(index) ?? (index >= begin && index < end)) &&
      (file?.some((name) => mutant.file === `assembly/${name}.ts`) ?? true),
  );
}
