import { median } from './median.js';
import { type Measurement, SLOW } from './rounds.js';
import type { Row } from './row.js';
import { writes } from './topology.js';

/** Those that the machine was left to. */
export const undisturbed = (processes: readonly Measurement[], quiet: number): Measurement[] =>
  processes.filter(({ canary }) => canary <= SLOW * quiet);

/**
 * The measurements of several processes as one. Where code and data come to lie differs from process to process, and
 * with it what an access costs: the median of the processes counts, without those that were never left alone.
 */
export function merge(functions: number, processes: readonly Measurement[], quiet: number): Row[] {
  const alone = undisturbed(processes, quiet);
  const counted = (alone.length > 0 ? alone : processes).map(({ measured }) => measured);
  const merged = counted[0].map((one, index) => {
    const all = counted.map((rows) => rows[index]);
    const kept = all.filter(({ samples }) => samples > 0);
    return {
      ...one,
      ns: median((kept.length > 0 ? kept : all).map(({ ns }) => ns)),
      samples: all.reduce((sum, { samples }) => sum + samples, 0),
      dropped: all.reduce((sum, { dropped }) => sum + dropped, 0),
    };
  });
  return merged.map((row) => {
    const door = row.door === 'ring' ? 'js' : row.door;
    const access = writes(row.access) ? 'write' : 'read';
    const floor = merged.find((one) => one.subject === 'floor' && one.door === door && one.access === access);
    return { ...row, functions, ratio: row.ns / (floor?.ns ?? Number.NaN) };
  });
}
