import { readFileSync } from 'node:fs';
import binaryen from 'assemblyscript/binaryen';
import { describe, expect, it } from 'vitest';
import { TraplineError } from '../../../src/errors.js';
import { checkV86, V86_VERSIONS } from '../../../src/hosts/v86/signatures.js';
import { attachV86 } from '../../../src/hosts/v86.js';
import { createDispatcher } from '../../../src/index.js';
import { wasm } from '../guest/machine.js';

const IMPORTS = {
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
const EXPORTS = {
  allocate_memory: 'i32 -> i32',
  reset_cpu: '() -> ()',
  get_apic_addr: '() -> i32',
  jit_dirty_cache: 'i32 i32 -> ()',
};

/** A module with these functions. */
function module(imports: Record<string, string>, exports: Record<string, string>): Uint8Array {
  const types = (type: string) => {
    const [parameters, results] = type.split(' -> ').map((list) => (list === '()' ? '' : list));
    return `${parameters && `(param ${parameters})`} ${results && `(result ${results})`}`;
  };
  const text = [
    ...Object.entries(imports).map(([name, type]) => `(import "env" "${name}" (func ${types(type)}))`),
    ...Object.entries(exports).map(
      ([name, type]) => `(func (export "${name}") ${types(type)} (unreachable))`,
    ),
  ];
  const made = binaryen.parseText(`(module ${text.join('\n')})`);
  const binary = made.emitBinary();
  made.dispose();
  return binary;
}

function faultsOf(binary: Uint8Array): readonly string[] {
  try {
    checkV86(binary);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(TraplineError);
    expect((error as TraplineError).code).toBe('unsupported-host');
    return (error as TraplineError).faults;
  }
}

const FITTING = `v86 ${V86_VERSIONS} fits`;

it('the installed v86 has the functions, by name and type', () => {
  expect(faultsOf(wasm)).toEqual([]);
  expect(faultsOf(module(IMPORTS, EXPORTS))).toEqual([]);
});

it('the versions named are those that the package allows', () => {
  const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const [first, last] = V86_VERSIONS.split(' to ');
  expect(peerDependencies.v86).toBe(`>=${first} <=${last}`);
  expect(JSON.parse(readFileSync('node_modules/v86/package.json', 'utf8')).version).toContain(last);
});

describe.each([
  ['import', IMPORTS],
  ['export', EXPORTS],
] as const)('an %s', (kind, all) => {
  const moduleWith = (changed: Record<string, string>) =>
    kind === 'import' ? module(changed, EXPORTS) : module(IMPORTS, changed);

  it.each(Object.entries(all))('%s that is missing, or of another type than %s, is named', (name, type) => {
    const { [name]: _, ...others } = all as Record<string, string>;
    expect(faultsOf(moduleWith(others))).toEqual([
      `attachV86: wasm: ${kind} ${name} is missing, and should be ${type}`,
      FITTING,
    ]);
    expect(faultsOf(moduleWith({ ...all, [name]: 'i32 i64 -> ()' }))).toEqual([
      `attachV86: wasm: ${kind} ${name} has type i32 i64 -> (), and should be ${type}`,
      FITTING,
    ]);
  });
});

it('an access of another width is refused: it would go past', () => {
  expect(faultsOf(module({ ...IMPORTS, mmap_read64: 'i32 -> i64' }, EXPORTS))).toEqual([
    'attachV86: wasm: import mmap_read64 is not known',
    FITTING,
  ]);
});

it.each([
  ['nothing', new Uint8Array()],
  ['a module that is cut short', module({}, EXPORTS).subarray(0, 20)],
  ['text', new TextEncoder().encode('not a module at all, but a sentence')],
])('%s is refused as a whole', (_, bytes) => {
  expect(faultsOf(bytes).at(-1)).toContain(FITTING);
});

it('attachV86 says so before v86 is made, from any kind of buffer', () => {
  const dispatcher = createDispatcher({ host: { mapPage: () => null } });
  const bytes = module({}, EXPORTS);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  for (const wasm of [bytes as Uint8Array<ArrayBuffer>, buffer, new DataView(buffer)]) {
    expect(() => attachV86({ dispatcher, wasm })).toThrow(FITTING);
  }
});
