import { readFileSync } from 'node:fs';
import binaryen from 'assemblyscript/binaryen';
import { describe, expect, it } from 'vitest';
import { wasmFunctions } from '../../src/hosts/wasm-functions.js';
import { wasm } from './guest/machine.js';

function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  const binary = module.emitBinary();
  module.dispose();
  return binary;
}

it('tells the types of functions among imports and exports of every kind', () => {
  const { imports, exports } = wasmFunctions(
    assemble(`(module
      (import "a" "memory" (memory 1 2))
      (import "a" "table" (table 1 funcref))
      (import "a" "global" (global (mut i64)))
      (import "a" "one" (func $one (param i32 i64 f32 f64) (result f64)))
      (import "b" "two" (func (result i32)))
      (func $own (param v128))
      (export "own" (func $own))
      (export "one again" (func $one))
      (export "memory" (memory 0))
      (export "global" (global 0)))`),
  );
  expect([...imports]).toEqual([
    ['one', 'i32 i64 f32 f64 -> f64'],
    ['two', '() -> i32'],
  ]);
  expect([...exports]).toEqual([
    ['own', 'v128 -> ()'],
    ['one again', 'i32 i64 f32 f64 -> f64'],
  ]);
});

it.each([
  ['the core', () => new Uint8Array(readFileSync('build/core.wasm'))],
  ['v86.wasm', () => new Uint8Array(wasm)],
])('names the functions of %s as JavaScript does, with as many parameters', (_, load) => {
  const binary = load();
  const { imports, exports } = wasmFunctions(binary);
  const module = new WebAssembly.Module(binary as Uint8Array<ArrayBuffer>);
  const names = (list: { name: string; kind: string }[]) =>
    list.filter(({ kind }) => kind === 'function').map(({ name }) => name);
  expect([...imports.keys()]).toEqual(names(WebAssembly.Module.imports(module)));
  expect([...exports.keys()]).toEqual(names(WebAssembly.Module.exports(module)));
  expect([...imports.values(), ...exports.values()].every((type) => / -> (\(\)|[if]\d\d)$/.test(type))).toBe(
    true,
  );
});

describe('what is no module that it knows', () => {
  const binary = assemble('(module (func (export "f") (param i32)))');
  it.each([
    ['cut short', binary.subarray(0, 14)],
    ['with a type that is no function', Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 3, 1, 0x5e, 0)],
    ['with an import of a new kind', Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 5, 1, 0, 0, 9, 0)],
  ])('%s throws', (_, bytes) => {
    expect(() => wasmFunctions(bytes)).toThrow(/the module ends too early|no function|unknown kind/);
  });
});
