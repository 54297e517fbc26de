import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { pageOf } from '../../src/access.js';
import { differences } from '../../src/conform/compare.js';
import { type Outcome, parseLine, type Step } from '../../src/conform/scenario.js';
import type { TrappedFunction } from '../../src/function.js';
import { InputError } from '../../src/input-error.js';
import { policies } from '../../src/policy.js';
import { type Engine, reference } from '../engines.js';
import { rows } from './difference-rows.js';
import { cacheKey, newestOn, ownerOf, Side, tableOf } from './two-sides.js';

export interface Classified {
  steps: number;
  /** Functions left out, since strict refuses them: their BARs overlap others'. */
  leftOut: number;
  /** Steps that differ, by the row of the design's table from which the difference comes. */
  readonly rows: Record<string, number>;
  /** Those under no row. */
  readonly unclassified: string[];
}

/**
 * Runs a golden file made under xen through strict, and explains each difference to what xen answers: the file, and
 * after a function was left out the reference. State that a row made different stays under that row until it is equal
 * again.
 */
export function classify(path: string, engine: Engine, into: Classified): void {
  const xen = new Side(reference, policies.xen);
  const strict = new Side(engine, policies.strict);
  let origins = new Map<string, string>();
  let complete = true;
  let number = 0;
  for (const text of linesOf(path)) {
    number++;
    if (text === '') continue;
    const { step, expected: golden } = parseLine(text);
    if (step.op === 'scenario') {
      origins = new Map();
      complete = true;
      xen.run(step);
      strict.run(step);
      continue;
    }
    into.steps++;
    const applying = rows.filter((row) => row.applies(step, xen, strict));
    const keys = usedBy(step, xen, strict);
    const simulated = xen.run(step);
    const expected = complete ? golden : simulated;
    const got = runStrict(strict, step);
    if (!got || (step.op === 'decode' && got.rc === 'fail')) {
      const { id } = step as { id: number };
      for (const side of [xen, strict]) if (side.byId(id)) side.run({ op: 'remove', id });
      for (const key of origins.keys()) if (key.split(' ')[1] === `${id}`) origins.delete(key);
      complete = false;
      into.leftOut++;
      continue;
    }

    const used = [...keys, ...memoryTouched([...expected.fx, ...got.fx])];
    const inherited = used.map((key) => origins.get(key)).find((row) => row !== undefined);
    // What a new difference comes from, in this step or an earlier one.
    const cause = applying.find((row) => row.explains?.(expected, got) ?? true)?.name ?? inherited;
    let differs = differences(expected, got).length > 0;
    for (const key of [...used, ...cachesAfter(step, xen, strict)]) {
      if (same(key, xen, strict)) origins.delete(key);
      else if (!origins.has(key)) {
        differs = true;
        if (cause) origins.set(key, cause);
      }
    }
    if (!differs) continue;
    if (cause) into.rows[cause] = (into.rows[cause] ?? 0) + 1;
    else into.unclassified.push(`${path}:${number}: ${text}\n  strict: ${JSON.stringify(got)}`);
  }
}

function linesOf(path: string): string[] {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n');
}

/** Undefined: strict refuses the function. */
function runStrict(strict: Side, step: Step): Outcome | undefined {
  try {
    return strict.run(step);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** The state, by name, that the step reads or changes on either side: memory apart. */
function usedBy(step: Step, xen: Side, strict: Side): string[] {
  if (step.op === 'read' || step.op === 'write') {
    const bytes = Array.from({ length: step.width }, (_, i) => step.address + i);
    const newest = newestOn(xen, step.address);
    const involved = [newest, ...bytes.map((byte) => ownerOf(strict, byte)?.f)];
    return involved.flatMap((f) =>
      f ? bytes.flatMap((byte) => [...vectorsAt(f, byte), cacheKey(f.sbdf, pageOf(byte))]) : [],
    );
  }
  if (step.op === 'control') return vectorsOf(xen.byId(step.id));
  if (step.op === 'decode' || step.op === 'remove') {
    return [...xen.cached, ...strict.cached].filter((key) => key.startsWith(`cached ${step.id} `));
  }
  return [];
}

function vectorsAt(f: TrappedFunction, byte: number): string[] {
  const table = tableOf(f);
  if (!table || byte < table.start || byte >= table.end) return [];
  return [`vector ${f.sbdf} ${Math.floor((byte - table.start) / 16)}`];
}

function vectorsOf(f: TrappedFunction | undefined): string[] {
  return Array.from({ length: f?.msix?.count ?? 0 }, (_, index) => `vector ${f?.sbdf} ${index}`);
}

function memoryTouched(fx: Outcome['fx']): string[] {
  return fx
    .filter(([kind]) => kind === 'rd' || kind === 'wr')
    .flatMap(([, page, offset, size]) =>
      Array.from({ length: Number(size) }, (_, i) => `byte ${Number(`0x${page}`) + Number(offset) + i}`),
    );
}

/** Every page that either side keeps; after steps that drop some, or map one. */
function cachesAfter(step: Step, xen: Side, strict: Side): string[] {
  const keys = [...xen.cached, ...strict.cached];
  if (step.op === 'decode' || step.op === 'remove') return keys;
  return [...xen.cached]
    .filter((key) => !strict.cached.has(key))
    .concat([...strict.cached].filter((key) => !xen.cached.has(key)));
}

function same(key: string, xen: Side, strict: Side): boolean {
  const [kind, ...where] = key.split(' ');
  if (kind === 'cached') return xen.cached.has(key) === strict.cached.has(key);
  if (kind === 'byte') return xen.memory.get(Number(where[0])) === strict.memory.get(Number(where[0]));
  const [sbdf, index] = where.map(Number);
  return JSON.stringify(xen.byId(sbdf)?.vector(index)) === JSON.stringify(strict.byId(sbdf)?.vector(index));
}
