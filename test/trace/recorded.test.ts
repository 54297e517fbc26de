import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readInventory } from '../../src/inventory/read-machine.js';
import { policies } from '../../src/policy.js';
import { formatSbdf } from '../../src/sbdf.js';
import { KINDS } from '../../src/trace/function-counts.js';
import { type ReplayedFile, replayFile } from '../../src/trace/replay-file.js';
import { countMmiotrace, lines } from '../independent-counts.mjs';

const MACHINES = ['m1', 'm2', 'm3'].map((name) => `test/fixtures/${name}`);

/** `sbdf kind R|W` -> count; the recorded classes know no neighbours. */
function countsOf({ replay }: ReplayedFile): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { sbdf, counts: of } of replay.functions) {
    for (const kind of KINDS) {
      const name = ['rom', 'neighbour', 'direct'].includes(kind) ? 'other' : kind;
      for (const [op, count] of [
        ['R', of.reads(kind)],
        ['W', of.writes(kind)],
      ] as const) {
        const key = `${formatSbdf(sbdf)} ${name} ${op}`;
        if (count > 0) counts.set(key, (counts.get(key) ?? 0) + count);
      }
    }
  }
  return counts;
}

/** Counts by the classes that were recorded with the accesses. */
function recordedCounts(path: string): Map<string, number> {
  return new Map(
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [key, count] = line.split('\t');
        return [key, Number(count)];
      }),
  );
}

const replayed = async (machine: string, trace: string, policy = policies.strict) =>
  replayFile(`${machine}/${trace}`, await readInventory([`${machine}/lspci.txt`]), { policy });

describe.each(MACHINES)('%s', (machine) => {
  it.each([
    ['qemu.log.gz', 'qemu.counts.tsv', 'qemu-log-with-plugin'],
    ['mmiotrace.converted.txt.gz', 'mmiotrace.converted.counts.tsv', 'mmiotrace'],
  ])('%s has the recorded counts', async (trace, counts, format) => {
    const result = await replayed(machine, trace);
    expect(result.format).toBe(format);
    expect(countsOf(result)).toEqual(recordedCounts(`${machine}/${counts}`));
    expect(result.replay.unclaimedReads + result.replay.unclaimedWrites).toBe(0);
    expect(result.replay.reasons).toMatchObject({ reset: 0, unexplained: 0 });
    expect(result).toMatchObject({ badLines: 0, notes: [], assumedPlaced: [] });
  });

  it('the trace that its kernel wrote has the counts of its own lines', async () => {
    const result = await replayed(machine, 'mmiotrace.txt.gz');
    const layout = readFileSync(`${machine}/msix-layout.tsv`, 'utf8');
    expect(countsOf(result)).toEqual(countMmiotrace(lines(`${machine}/mmiotrace.txt.gz`), layout));
    expect(result.replay.differenceCount).toBe(0);
    expect(result.unknown).toBe(machine.endsWith('m2') ? 64 : 0);
    expect(result.badLines).toBe(0);
  });

  it.each([policies.xen, policies.xenV3])('$name explains every difference too', async (policy) => {
    const result = await replayed(machine, 'qemu.log.gz', policy);
    expect(result.replay.reasons).toMatchObject({ reset: 0, unexplained: 0 });
    expect(countsOf(result)).toEqual(recordedCounts(`${machine}/qemu.counts.tsv`));
  });
});

it('a QEMU log without P lines counts each memory event', async () => {
  const machine = 'test/fixtures/m1';
  const text = lines(`${machine}/qemu.log.gz`).filter((line) => !line.startsWith('P '));
  const path = join(tmpdir(), `without-p-${process.pid}.log`);
  writeFileSync(path, text.join('\n'));
  try {
    const result = await replayFile(path, await readInventory([`${machine}/lspci.txt`]));
    expect(result.format).toBe('qemu-log');
    expect(result.replay.accesses).toBe(text.filter((line) => line.includes('memory_region_ops')).length);
    expect(result.replay.differenceCount).toBe(0);
  } finally {
    rmSync(path);
  }
});
