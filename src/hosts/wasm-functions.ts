/** The functions that a WebAssembly module imports and exports, with their types: `i32 f64 -> f64`. */
export interface WasmFunctions {
  /** By name; the module's name is left out. */
  readonly imports: ReadonlyMap<string, string>;
  readonly exports: ReadonlyMap<string, string>;
}

const TYPES: Readonly<Record<number, string>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  123: 'v128',
  112: 'funcref',
  111: 'externref',
};
/** Sections (WebAssembly core specification 5.5). */
const TYPE = 1;
const IMPORT = 2;
const FUNCTION = 3;
const EXPORT = 7;

/**
 * Reads them from the binary: JavaScript's interface tells names and no types. What it does not know, recursive types
 * among them, throws `RangeError` or `TypeError`.
 */
export function wasmFunctions(binary: Uint8Array): WasmFunctions {
  const types: string[] = [];
  /** Type of each function, imported ones first. */
  const functions: string[] = [];
  const imports = new Map<string, string>();
  const exports = new Map<string, string>();
  const module = new Reader(binary, 8);
  while (!module.atEnd) {
    const section = module.byte();
    const size = module.number();
    const reader = new Reader(binary.subarray(0, module.at + size), module.at);
    module.at += size;
    if (section === TYPE) reader.each(() => types.push(reader.functionType()));
    if (section === FUNCTION) reader.each(() => functions.push(types[reader.number()]));
    if (section === IMPORT) {
      reader.each(() => {
        reader.name();
        const name = reader.name();
        const type = reader.importType();
        if (type === undefined) return;
        imports.set(name, types[type]);
        functions.push(types[type]);
      });
    }
    if (section === EXPORT) {
      reader.each(() => {
        const name = reader.name();
        const kind = reader.byte();
        const index = reader.number();
        if (kind === 0) exports.set(name, functions[index]);
      });
    }
  }
  return { imports, exports };
}

class Reader {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    if (this.atEnd) throw new RangeError('the module ends too early');
    return this.bytes[this.at++];
  }

  /** LEB128, unsigned. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  name(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  each(read: () => void): void {
    for (let left = this.number(); left > 0; left--) read();
  }

  functionType(): string {
    if (this.byte() !== 0x60) throw new TypeError('a type that is no function');
    return `${this.valueTypes()} -> ${this.valueTypes()}`;
  }

  private valueTypes(): string {
    const types: string[] = [];
    this.each(() => types.push(TYPES[this.byte()] ?? '?'));
    return types.join(' ') || '()';
  }

  /** Index of the type of an imported function; undefined of table, memory, and global. */
  importType(): number | undefined {
    const kind = this.byte();
    if (kind === 0) return this.number();
    if (kind > 3) throw new TypeError('an import of unknown kind');
    if (kind !== 2) this.byte();
    if (kind === 3) this.byte();
    else this.limits();
    return undefined;
  }

  private limits(): void {
    const flags = this.number();
    this.number();
    if (flags & 1) this.number();
  }
}
