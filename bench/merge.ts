import { median } from './median.js';
import type { Row } from './row.js';

/**
 * The same rows of several processes as one. Where code and data come to lie differs from process to process, and with it
 * what an access costs: the median of the processes counts.
 */
export function merge(processes: readonly (readonly Row[])[]): Row[] {
  return processes[0].map((row, index) => {
    const same = processes.map((rows) => rows[index]);
    return {
      ...row,
      ns: median(same.map(({ ns }) => ns)),
      ratio: median(same.map(({ ratio }) => ratio)),
      samples: same.reduce((sum, { samples }) => sum + samples, 0),
      dropped: same.reduce((sum, { dropped }) => sum + dropped, 0),
    };
  });
}
