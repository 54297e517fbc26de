import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DOORS } from '../../../src/conform/doors.js';
import type { ScenarioBar, Step } from '../../../src/conform/scenario.js';
import { policies } from '../../../src/policy.js';
import type { RecordedAccess, RecordedFunction } from '../recorded-functions.mjs';
import { type History, historiesOf } from './history.js';
import { MOST_STEPS } from './mutate.js';

const GOLDEN = 'test/fixtures/oracle/examples';
const NAMES = Object.values(policies).map(({ name }) => name);
/** Accesses of a history, and histories of a function. */
const ACCESSES = 24;
const HISTORIES = 3;
const VIA = [undefined, ...DOORS];

/** The histories of a folder's files, whose suffixes say the policy. */
export function historiesIn(folder: string): History[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const policy = NAMES.find((one) => name.includes(`.${one}.`))!;
      const bytes = readFileSync(join(folder, name));
      return historiesOf((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString(), policy);
    });
}

/** What the real handlers were asked, and what real drivers asked, with MSI-X on. */
export function seeds(recorded: ReadonlyMap<string, RecordedFunction>): History[] {
  const golden = historiesIn(GOLDEN).map(({ policy, steps }) => ({
    policy,
    steps: steps.slice(0, MOST_STEPS),
  }));
  const driven = [...recorded.values()].flatMap((one, number) => {
    const count = Math.min(HISTORIES, Math.ceil(one.accesses.length / ACCESSES));
    return Array.from({ length: count }, (_, part) => drivenHistory(one, number, part));
  });
  return [...golden, ...driven];
}

function drivenHistory({ fn, accesses }: RecordedFunction, number: number, part: number): History {
  const { count, bar, pbaBar, table, pba } = fn;
  const id = 8;
  const memory = (index: number, { address, size }: RecordedFunction['fn']['bar']): ScenarioBar => {
    return { index, type: 'mem32', address, size, enabled: true, stuck: false };
  };
  const apart = pbaBar !== bar;
  const some = accesses.slice(ACCESSES * part, ACCESSES * (part + 1));
  return {
    policy: NAMES[(number + part) % NAMES.length],
    steps: [
      { op: 'scenario', name: 'fuzz', hardware: number % 2 === 0, trapAll: false, ownPages: false },
      {
        op: 'device',
        id,
        bars: apart ? [memory(0, bar), memory(2, pbaBar)] : [memory(0, bar)],
        msix: { count, table: { bir: 0, offset: table }, pba: { bir: apart ? 2 : 0, offset: pba } },
        registers: [],
      },
      { op: 'control', id, value: 0x8000 },
      ...some.map((access, index) => step(access, bar.address, VIA[(part + index) % VIA.length])),
    ],
  };
}

function step({ kind, width, offset, value }: RecordedAccess, bar: number, door: (typeof VIA)[number]): Step {
  const address = bar + offset;
  if (kind === 'R') return { op: 'read', address, width, door };
  const [low, high] = [Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn)];
  return { op: 'write', address, width, low: width < 4 ? low % 256 ** width : low, high, door };
}
