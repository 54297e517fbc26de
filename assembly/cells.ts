let block: usize = 0;

/** Where this instance's cells are: at 0, and in the shared build in a block of its worker. */
export function cells(): usize {
  return ASC_FEATURE_THREADS ? block : 0;
}

export function placeCells(at: usize): void {
  block = at;
}
