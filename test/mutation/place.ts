/** The core that the tests run with: a mutant, or the sources as they are. */
export const CORE = 'build/mutation/core.wasm';
