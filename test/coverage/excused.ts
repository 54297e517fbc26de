/** What no test reaches, and why. Where it can be reached after all, the entry must go. */
export interface Excuse {
  readonly file: string;
  /** Of assembly/ only. */
  readonly function?: string;
  /** The line without its indentation; of assembly/, the block's. Absent: the whole file. */
  readonly text?: string;
  readonly reason: string;
}

export const EXCUSED: readonly Excuse[] = [];
