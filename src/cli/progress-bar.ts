import { basename } from 'node:path';
import progress from 'cli-progress';
import type { Progress } from '../lines.js';

/** A file that is through before is not worth a bar. */
const PATIENCE = 500;

/** On standard error, if that is a terminal. */
export function progressBar(path: string): { readonly update: Progress; readonly stop: () => void } {
  const started = Date.now();
  let bar: progress.SingleBar | undefined;
  return {
    update(done, total) {
      if (bar) bar.update(done);
      else if (process.stderr.isTTY && Date.now() - started > PATIENCE && done < total) {
        bar = new progress.SingleBar({
          format: `${basename(path)} {bar} {percentage}% {eta_formatted}`,
          stream: process.stderr,
          clearOnComplete: true,
          hideCursor: true,
        });
        bar.start(total, done);
      }
    },
    stop() {
      bar?.stop();
    },
  };
}
