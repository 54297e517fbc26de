import { TOP } from '../../assembly/layout.js';

/** Where an instrumented core counts: a byte a block, where the layout of neither target has anything. */
export const COUNTERS = 0xf000;
export const MOST_BLOCKS = TOP - COUNTERS;

/** A piece of assembly/ that runs as a whole. Its id is its place in the table, in each target. */
export interface Block {
  readonly file: string;
  readonly function: string;
  /** What makes it a block: `function`, `if`, `else`, `loop`, `case`, `?`, `:`, `&&` or `||`. */
  readonly kind: string;
  readonly line: number;
  readonly column: number;
  /** The code, or its first line. Of an `else` that is not written, the condition. */
  readonly text: string;
}

/**
 * How often each block of an instrumented core ran since `fill(0)`, by its id: 0 only if never, since after 255 comes 1.
 * Threads that count the same at once may lose a count.
 * A view: to be taken anew when the memory has grown.
 */
export function countersOf(memory: WebAssembly.Memory, blocks: readonly Block[]): Uint8Array {
  return new Uint8Array(memory.buffer, COUNTERS, blocks.length);
}
