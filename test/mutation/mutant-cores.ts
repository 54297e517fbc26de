import { writeFileSync } from 'node:fs';
import { compileCore, TARGETS } from '../compile-core.js';
import { steppedCore } from '../stepped-core.js';
import { CORES, STEPPED } from './place.js';

/** What both targets make of sources of which some have other texts. */
export class MutantCores {
  private readonly texts: ReadonlyMap<string, string>;
  private readonly cores: readonly Uint8Array[];

  private constructor(texts: ReadonlyMap<string, string>, cores: readonly Uint8Array[]) {
    this.texts = texts;
    this.cores = cores;
  }

  /** Throws what the compiler says. */
  static async of(texts: ReadonlyMap<string, string>): Promise<MutantCores> {
    const cores: Uint8Array[] = [];
    for (const target of TARGETS) cores.push(await compileCore({ target, texts }));
    return new MutantCores(texts, cores);
  }

  equals({ cores }: MutantCores): boolean {
    return cores.every((core, index) => Buffer.from(core).equals(this.cores[index]));
  }

  /** Puts them where the tests take them from. */
  async write(): Promise<void> {
    for (const [index, target] of TARGETS.entries()) writeFileSync(CORES[target], this.cores[index]);
    const { wasm, blocks } = await steppedCore(this.texts);
    writeFileSync(STEPPED.wasm, wasm);
    writeFileSync(STEPPED.blocks, JSON.stringify(blocks));
  }
}
