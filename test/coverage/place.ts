/** The instrumented cores, for all that runs tests with them. */
export const CORES = {
  release: 'build/instrumented/core.wasm',
  shared: 'build/instrumented/shared.wasm',
};
/** Their blocks. */
export const TABLE = 'build/instrumented/blocks.json';
/** Of each file of tests, how often each block ran. */
export const COUNTS = 'build/instrumented/counts';
/** Written by vitest with what V8 knows; the blocks of assembly/ are added. */
export const REPORTS = 'build/coverage';
