import { IomemReader } from './iomem.js';
import { IommuGroupReader } from './iommu-groups.js';
import { LspciReader } from './lspci.js';
import { pastedLine } from './pasted-line.js';
import type { Sight } from './sight.js';

/** Functions, ranges of memory: bounds the memory. */
const MOST = 1 << 16;

/** Reads text in which outputs of `lspci`, `/proc/iomem` and IOMMU groups stand, in any order, line by line. */
export class PasteReader {
  private readonly sight: Sight;
  private readonly iomem = new IomemReader();
  private readonly groups = new IommuGroupReader();
  private readonly lspci: LspciReader;

  constructor(sight: Sight) {
    this.sight = sight;
    this.lspci = new LspciReader(sight);
  }

  /** Functions listed so far, each time they are. */
  get functions(): number {
    return this.lspci.heads;
  }

  /** There is nothing that the machine could have. */
  get isBlank(): boolean {
    const { iomem, groups, lspci } = this;
    return lspci.heads + iomem.hidden + iomem.ranges.length + groups.groups.size === 0;
  }

  /** There is more of something than any machine has. */
  get isOverfull(): boolean {
    return Math.max(this.sight.size, this.iomem.ranges.length, this.groups.groups.size) > MOST;
  }

  line(line: string): void {
    const { text, indent } = pastedLine(line);
    if (this.iomem.line(text, indent)) return;
    this.lspci.line(this.groups.line(text, indent) ?? text);
  }

  /** The last line may not be whole, nor be the last. */
  cut(): void {
    const { current } = this.lspci;
    if (current !== undefined) this.sight.cut.add(current);
  }

  /** No line follows. */
  end(): void {
    const { sight } = this;
    this.lspci.end();
    if (sight.memory.length === 0) sight.memory = this.iomem.ranges;
    if (this.iomem.hidden > 0) sight.memoryHidden = true;
    for (const [sbdf, group] of this.groups.groups) {
      if (!sight.groups.has(sbdf)) sight.groups.set(sbdf, group);
    }
  }
}
