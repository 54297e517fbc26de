import { TraplineError } from '../../errors.js';
import { type WasmFunctions, wasmFunctions } from '../wasm-functions.js';

/** The releases of v86 that have what follows: checked with the first, the last, and some between. */
export const V86_VERSIONS = '0.5.319 to 0.5.462';

/** What v86.wasm imports of what Trapline answers in its place, and its types. */
const IMPORTS: Readonly<Record<string, string>> = {
  mmap_read8: 'i32 -> i32',
  mmap_read32: 'i32 -> i32',
  mmap_write8: 'i32 i32 -> ()',
  mmap_write16: 'i32 i32 -> ()',
  mmap_write32: 'i32 i32 -> ()',
  mmap_write64: 'i32 i32 i32 -> ()',
  mmap_write128: 'i32 i32 i32 i32 i32 -> ()',
  io_port_read8: 'i32 -> i32',
  io_port_read16: 'i32 -> i32',
  io_port_read32: 'i32 -> i32',
  io_port_write8: 'i32 i32 -> ()',
  io_port_write16: 'i32 i32 -> ()',
  io_port_write32: 'i32 i32 -> ()',
  stop_idling: '() -> ()',
};

/** What it exports of what Trapline calls. */
const EXPORTS: Readonly<Record<string, string>> = {
  allocate_memory: 'i32 -> i32',
  reset_cpu: '() -> ()',
  get_apic_addr: '() -> i32',
  jit_dirty_cache: 'i32 i32 -> ()',
};

/** Throws `unsupported-host` with everything that is different, and the releases that fit. */
export function checkV86(binary: Uint8Array): void {
  let functions: WasmFunctions;
  try {
    functions = wasmFunctions(binary);
  } catch (error) {
    throw new TraplineError('unsupported-host', `attachV86: wasm: ${(error as Error).message}; ${FITTING}`);
  }
  const faults = [
    ...faultsOf('import', IMPORTS, functions.imports),
    ...faultsOf('export', EXPORTS, functions.exports),
  ];
  // An access of a width that is not known here would go past Trapline.
  for (const name of functions.imports.keys()) {
    if (name.startsWith('mmap_') && !(name in IMPORTS))
      faults.push(`attachV86: wasm: import ${name} is not known`);
  }
  if (faults.length > 0) throw new TraplineError('unsupported-host', ...faults, FITTING);
}

const FITTING = `v86 ${V86_VERSIONS} fits`;

function faultsOf(
  kind: string,
  expected: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, string>,
): string[] {
  return Object.entries(expected)
    .filter(([name, type]) => found.get(name) !== type)
    .map(([name, type]) => {
      const is = found.has(name) ? `has type ${found.get(name)}` : 'is missing';
      return `attachV86: wasm: ${kind} ${name} ${is}, and should be ${type}`;
    });
}
