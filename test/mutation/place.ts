/** The cores that the tests run with: of a mutant, or of the sources as they are. */
export const CORES = { release: 'build/mutation/core.wasm', shared: 'build/mutation/shared.wasm' };
/** The same as JSON of what `steppedCore` returns, its bytes apart. */
export const STEPPED = { wasm: 'build/mutation/stepped.wasm', blocks: 'build/mutation/blocks.json' };
