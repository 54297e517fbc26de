import { readFileSync } from 'node:fs';
import { InputError } from '../src/input-error.js';
import type { Key, Row, Size } from './row.js';

/** What is kept of one row. */
export type Kept = Key & Size & Pick<Row, 'ns' | 'ratio' | 'low' | 'high'>;

export interface Machine {
  readonly cpu: string;
  readonly node: string;
}

/** An earlier run, to compare with. */
export interface Baseline extends Machine {
  readonly rows: readonly Kept[];
}

const TEXTS = ['subject', 'door', 'access'] as const;
const NUMBERS = ['functions', 'vectors', 'ns', 'ratio', 'low', 'high'] as const;

/** A row a line, so that a difference shows what changed. */
export function formatBaseline({ cpu, node, rows }: Baseline): string {
  const lines = rows.map(({ subject, door, access, batch, functions, vectors, ns, ratio, low, high }) => {
    const [time, ...ratios] = [ns, ratio, low, high].map((value) => Number(value.toPrecision(4)));
    return JSON.stringify({
      ...{ subject, door, access, batch, functions, vectors },
      ...{ ns: time, ratio: ratios[0], low: ratios[1], high: ratios[2] },
    });
  });
  return `{"cpu": ${JSON.stringify(cpu)}, "node": ${JSON.stringify(node)}, "rows": [\n${lines.join(',\n')}\n]}\n`;
}

export function readBaseline(file: string): Baseline {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  return parseBaseline(file, text);
}

export function parseBaseline(file: string, text: string): Baseline {
  const bad = (what: string): never => {
    throw new InputError(`${file}: ${what}; \`npm run bench -- --save FILE\` writes a baseline`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad('not JSON');
  }
  if (!isRecord(value)) return bad('not an object');
  const { cpu, node, rows } = value;
  if (typeof cpu !== 'string' || typeof node !== 'string') return bad('names no cpu or no node');
  if (!Array.isArray(rows) || rows.length === 0) return bad('has no rows');
  for (const [index, row] of rows.entries()) {
    const fault = faultOf(row);
    if (fault) return bad(`row ${index}: ${fault}`);
  }
  return { cpu, node, rows: rows as Kept[] };
}

function faultOf(row: unknown): string | undefined {
  if (!isRecord(row)) return 'not an object';
  const text = TEXTS.find((name) => typeof row[name] !== 'string');
  if (text) return `${text} is not a string`;
  const number = NUMBERS.find((name) => !isAmount(row[name]));
  if (number) return `${number} is not a positive number`;
  if (row.batch !== undefined && !isAmount(row.batch)) return 'batch is not a positive number';
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isAmount = (value: unknown): boolean => typeof value === 'number' && value > 0;
