import { median } from './median.js';
import { type Measured, type Measurement, SLOW } from './rounds.js';
import type { Row, Size } from './row.js';
import { writes } from './topology.js';

/** Those that the machine was left to. */
export const undisturbed = (processes: readonly Measurement[], quiet: number): Measurement[] =>
  processes.filter(({ canary }) => canary <= SLOW * quiet);

/**
 * The measurements of several processes as one. Where code and data come to lie differs from process to process, and
 * with it what an access costs: the median of the processes counts, without those that were never left alone.
 */
export function merge(size: Size, processes: readonly Measurement[], quiet: number): Row[] {
  const alone = undisturbed(processes, quiet);
  const counted = (alone.length > 0 ? alone : processes).map(({ measured }) => measured);
  return counted[0].map((one, index) => {
    const all = counted.map((rows) => ({
      ...rows[index],
      ratio: rows[index].ns / floorOf(rows[index], rows),
    }));
    const kept = all.filter(({ samples }) => samples > 0);
    const used = kept.length > 0 ? kept : all;
    const ratios = used.map(({ ratio }) => ratio);
    return {
      ...one,
      ...size,
      ns: median(used.map(({ ns }) => ns)),
      ratio: median(ratios),
      low: Math.min(...ratios),
      high: Math.max(...ratios),
      samples: all.reduce((sum, { samples }) => sum + samples, 0),
      dropped: all.reduce((sum, { dropped }) => sum + dropped, 0),
    };
  });
}

/** Nanoseconds of the floor in the same process. */
function floorOf(row: Measured, rows: readonly Measured[]): number {
  const door = row.door === 'wasm' ? 'wasm' : 'js';
  const access = writes(row.access) ? 'write' : 'read';
  return (
    rows.find((one) => one.subject === 'floor' && one.door === door && one.access === access)?.ns ??
    Number.NaN
  );
}
