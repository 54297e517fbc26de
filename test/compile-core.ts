import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type APIOptions, main } from 'assemblyscript/asc';

/** Of asconfig.json. */
export type Target = 'release' | 'shared';

/** What a target has besides the entries of asconfig.json: the shared one has all sources. */
const ENTRIES: Readonly<Record<Target, readonly string[]>> = {
  shared: ['assembly/shared.ts'],
  release: [],
};
export const TARGETS = Object.keys(ENTRIES) as Target[];

export interface Variation {
  readonly target?: Target;
  /** Other texts of sources, by path. */
  readonly texts?: ReadonlyMap<string, string> | undefined;
  readonly transforms?: APIOptions['transforms'];
}

/** Compiles assembly/ as the build does, but for the variation; in this process, a tenth of what one of its own takes. */
export async function compileCore(variation: Variation = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { target = 'release', texts = new Map<string, string>(), transforms = [] } = variation;
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const options = ['--target', target, '--outFile', 'core.wasm', '--textFile', ''];
  const { error, stderr } = await main([...ENTRIES[target], ...options], {
    transforms,
    readFile: (path, folder) => texts.get(path) ?? textOf(join(folder, path)),
    writeFile: (_, contents) => {
      wasm = Uint8Array.from(contents as Uint8Array);
    },
  });
  if (error || !wasm) throw new Error(`${stderr}`);
  return wasm;
}

/** Null: there is none, and the compiler tries the next path. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
