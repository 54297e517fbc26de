import type { InventoryFunction, Machine } from '../../src/inventory/machine.js';
import { PasteReader } from '../../src/inventory/paste-reader.js';
import { Sight } from '../../src/inventory/sight.js';

/** The machine in a text. */
export function pasted(...texts: readonly string[]): Machine {
  const sight = new Sight();
  for (const text of texts) {
    const reader = new PasteReader(sight);
    for (const line of text.split('\n')) reader.line(line);
    reader.end();
  }
  return sight.machine();
}

/** The first function of the machine in a text. */
export const first = (...texts: readonly string[]): InventoryFunction => pasted(...texts).functions[0];

/** Rows of `lspci -x` and so on; what is not said is zero. */
export function hexdump(length: number, bytes: Readonly<Record<number, readonly number[]>>): string {
  const image = imageOf(length, bytes);
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return Array.from({ length: length / 16 }, (_, row) => {
    const values = [...image.subarray(16 * row, 16 * row + 16)].map(hex);
    return `${hex(16 * row)}: ${values.join(' ')}`;
  }).join('\n');
}

export function imageOf(length: number, bytes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const image = new Uint8Array(length);
  for (const [offset, values] of Object.entries(bytes)) image.set(values, Number(offset));
  return image;
}

/** A dword's bytes. */
export const dword = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
