/** The instrumented core, for all that runs tests with it. */
export const CORE = 'build/instrumented/core.wasm';
/** Its blocks. */
export const TABLE = 'build/instrumented/core.json';
/** Of each file of tests, how often each block ran. */
export const COUNTS = 'build/instrumented/counts';
/** Written by vitest with what V8 knows; the blocks of assembly/ are added. */
export const REPORTS = 'build/coverage';
