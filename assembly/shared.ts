import { placeCells } from './cells';
import { holdAs } from './lock';

// What the shared build exports besides. See index.ts.

/** A function's lock, for TypeScript. */
export { acquire, release } from './lock';

/** Whose instance this is, and where its cells are. Before anything else. */
export function attach(worker: u32, block: usize): void {
  placeCells(block);
  holdAs(worker);
}
