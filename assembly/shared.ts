import { cells, placeCells } from './cells';
import { HELD } from './layout';
import { holdAs, release } from './lock';

// What the shared build exports besides. See index.ts.

/** A function's lock, for TypeScript. */
export { acquire, release } from './lock';

/** TypeScript has finished an outcome. */
export function leave_held(): void {
  release(load<u32>(cells(), HELD));
}

/** Whose instance this is, and where its cells are. Before anything else. */
export function attach(worker: u32, block: usize): void {
  placeCells(block);
  holdAs(worker);
}
