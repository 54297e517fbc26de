import { createRequire } from 'node:module';
import { V86_VERSIONS } from '../hosts/v86/signatures.js';
import { InputError } from '../input-error.js';

/** Files of the package v86, which is an optional peer of this one. Throws `InputError`. */
export function v86Files(): { readonly library: string; readonly wasm: string } {
  const { resolve } = createRequire(import.meta.url);
  try {
    return { library: resolve('v86/build/libv86.mjs'), wasm: resolve('v86/build/v86.wasm') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new InputError(
      `expected the package v86, ${V86_VERSIONS}, found none; npm install v86@0.5.462 brings it`,
    );
  }
}
