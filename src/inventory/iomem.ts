import type { MemoryRange } from './machine.js';

const LINE = /^([0-9a-f]{8,16})-([0-9a-f]{8,16}) : (.+)$/i;

/** Reads the lines of `/proc/iomem`. */
export class IomemReader {
  readonly ranges: MemoryRange[] = [];
  /** Lines whose addresses are zero: the kernel hides them from who has no privilege. */
  hidden = 0;
  /** Indentation of the ranges that the next may be within. */
  private readonly around: number[] = [];

  /** True: it is such a line. */
  line(text: string, indent: number): boolean {
    const match = LINE.exec(text);
    if (!match) return false;
    const [, start, last, name] = match;
    while ((this.around.at(-1) ?? -1) >= indent) this.around.pop();
    const depth = this.around.push(indent) - 1;
    const range = { start: parseInt(start, 16), end: parseInt(last, 16) + 1, name, depth };
    if (range.end === 1) this.hidden++;
    else if (range.end > range.start) this.ranges.push(range);
    return true;
  }
}
