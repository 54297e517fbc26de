import { compileCore } from './compile-core.js';
import type { Block } from './coverage/counters.js';
import { CountingTransform } from './coverage/instrument.js';

export interface SteppedCore {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly blocks: readonly Block[];
}

/** The shared core that calls `host.step` with the id of each block that begins: between two, all others may act. */
export async function steppedCore(texts?: ReadonlyMap<string, string>): Promise<SteppedCore> {
  const transform = new CountingTransform('assembly/', true);
  const wasm = await compileCore({ target: 'shared', transforms: [transform as never], texts });
  return { wasm, blocks: transform.blocks };
}
